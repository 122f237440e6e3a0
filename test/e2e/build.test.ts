import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { configSchema } from '../../src/cli/input/config-schema.ts'
import { workflowSchema } from '../../src/workflow/schema.ts'
import manifest from '../../package.json' with { type: 'json' }

const root = new URL('../../', import.meta.url)
const dist = new URL('dist/', root)
const read = (path: string): string => readFileSync(new URL(path, dist), 'utf8')
const entries = Object.values(manifest.exports).flatMap(path => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1] ?? [])

/** What a module of the build imports statically, itself or by others: packages and modules of Node as they are written. */
function listImports(path: string, found = new Set<string>(), outside = new Set<string>()): string[] {
  if (found.has(path)) return []
  found.add(path)
  for (const [, from, bare] of read(path).matchAll(
    /^(?:import|export)\b[^'"`;]*? from "([^"]+)";|^import "([^"]+)";/gm,
  )) {
    const specifier = (from ?? bare) as string
    if (!specifier.startsWith('.')) outside.add(specifier)
    else listImports(new URL(specifier, new URL(path, dist)).href.slice(dist.href.length), found, outside)
  }
  return [...outside].sort()
}

beforeAll(() => {
  expect(entries.length).toBeGreaterThan(8)
})

test.each(entries)('the build of %s exports what its source does', async entry => {
  const [built, source] = await Promise.all(
    [new URL(`${entry}.js`, dist), new URL(`src/${entry}.ts`, root)].map(
      async url => (await import(url.href)) as Record<string, unknown>,
    ),
  )
  expect(Object.keys(built as object).sort()).toEqual(Object.keys(source as object).sort())
})

test.each(['index', 'client/index', 'sse/index', 'sse/job', 'testing/index'])(
  'to import %s loads no package and no module of Node',
  entry => {
    expect(listImports(`${entry}.js`)).toEqual([])
  },
)

test.each(entries)('to import %s loads no optional peer', entry => {
  const peers = Object.keys(manifest.peerDependencies)
  expect(listImports(`${entry}.js`).filter(path => peers.some(name => path.startsWith(name)))).toEqual([])
})

test('to run a workflow loads no package before a tool needs it', () => {
  const command = /import\("(\.\.?\/[^"]*run-command\.js)"\)/.exec(read('chunks/cli.js'))?.[1]
  const imports = [
    ...listImports('cli/main.js'),
    ...listImports(new URL(command as string, 'file:///chunks/').pathname.slice(1)),
  ]
  expect(imports.filter(specifier => !specifier.startsWith('node:'))).toEqual([])
  // Each takes longer to load than all else that a run needs.
  const slow = ['node:child_process', 'node:crypto', 'node:http', 'node:https', 'node:tls', 'node:zlib']
  expect(imports.filter(specifier => slow.includes(specifier))).toEqual([])
})

test('every imported package is a dependency, and the licence of every bundled one is named', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  const sources = [...read('THIRD-PARTY-LICENSES.txt').matchAll(/^(\S+) \S+ \((?:MIT|ISC)\)$/gm)].map(
    ([, name]) => name,
  )
  expect(sources).toEqual(
    expect.arrayContaining(['@cfworker/json-schema', 'commander', 'graphology', 'graphology-dag', 'p-limit']),
  )
  const runtime = Object.keys({ ...dependencies, ...optionalDependencies })
  expect(runtime.filter(name => sources.includes(name))).toEqual([])
  expect(new Set(sources.filter(name => name !== undefined && !(name in devDependencies)))).toEqual(
    new Set([
      '@preact/signals-core',
      'ansi-regex',
      'events',
      'get-east-asian-width',
      'graphology-utils',
      'mnemonist',
      'obliterator',
      'strip-ansi',
      'yocto-queue',
    ]),
  )
})

test('the schemas of workflows and of the configuration are published with an id', () => {
  const published = (name: string): object => JSON.parse(read(`${name}.schema.json`)) as object
  const $schema = 'https://json-schema.org/draft/2020-12/schema'
  expect(published('workflow')).toEqual({ ...workflowSchema, $schema, $id: 'urn:dagstream:workflow' })
  expect(published('config')).toEqual({ ...configSchema, $schema, $id: 'urn:dagstream:config' })
})
