// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Folders from the top: each imports only from itself and from those before it. */
const ORDER = [
  'json',
  'events',
  'tools',
  'conditions',
  'workflow',
  'plan',
  'log',
  'store',
  'scheduler',
  'forecast',
  'attempt',
  'cluster',
  'worker',
  'engine',
  'host',
  'sse',
  'protocols',
  'streamer',
  'mcp-server',
  'http',
  'client',
  'page',
  'cli',
]

/** Files that anything may import, in this order, though they stand outside the folders. */
const ROOTS = [
  'text.ts',
  'errors.ts',
  'clock.ts',
  'slices.ts',
  'round.ts',
  'abort-signals.ts',
  'backoff.ts',
  'sleep.ts',
  'optional-package.ts',
]

/** Folders and files that may import any core folder and `node:`, and that no core folder imports. */
const LEAVES = ['integrations', 'store/sqlite', 'store/postgres', 'dispatch', 'http/node', 'testing', 'otel', 'cli']

/** Files over 250 lines, each with the reason why it is one file. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'events/events.ts': 'the wire contract, one declaration per event',
}

/** Folders of more than 22 files, each with the reason. */
const LARGE_FOLDERS: Readonly<Record<string, string>> = {}

interface SourceFile {
  readonly path: string
  readonly text: string
  /** Paths inside `src`, and names of packages as they are written. */
  readonly imports: readonly string[]
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../src')
const files: SourceFile[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map(path => path.replaceAll('\\', '/'))
  .filter(path => /\.tsx?$/.test(path))
  .sort()
  .map(path => {
    const text = readFileSync(join(root, path), 'utf8')
    // Imports and re-exports, static and dynamic, of types too; comments begin with neither.
    const specifiers = text.matchAll(
      /^(?:import|export)\b[^'"`;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
    )
    const imports = [...specifiers].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic) as string)
    return { path, text, imports: imports.map(each => (each.startsWith('.') ? posix.join(dirname(path), each) : each)) }
  })

const isInside = (path: string, place: string): boolean =>
  path === place || path === `${place}.ts` || path.startsWith(`${place}/`)
const leafOf = (path: string): string | undefined => LEAVES.find(leaf => isInside(path, leaf))
const folderOf = (path: string): string => path.split('/')[0] as string
const isLocal = (specifier: string): boolean => /\.tsx?$/.test(specifier)

/** Every import inside `src` that `isWrong`, as a line that says which. */
function wrongImports(isWrong: (from: string, to: string) => boolean): string[] {
  return files.flatMap(({ path, imports }) =>
    imports.filter(to => isWrong(path, to)).map(to => `${path} imports ${to}`),
  )
}

test('the source is found, every folder of it known', () => {
  const folders = new Set(files.filter(({ path }) => path.includes('/')).map(({ path }) => folderOf(path)))
  expect(files.length).toBeGreaterThan(60)
  expect([...folders].filter(folder => !ORDER.includes(folder) && leafOf(folder) === undefined)).toEqual([])
  expect(files.filter(({ path }) => !path.includes('/')).map(({ path }) => path)).toEqual([
    'abort-signals.ts',
    'backoff.ts',
    'clock.ts',
    'errors.ts',
    'index.ts',
    'optional-package.ts',
    'round.ts',
    'sleep.ts',
    'slices.ts',
    'text.ts',
  ])
})

test('each import leads to a file that exists', () => {
  const paths = new Set(files.map(({ path }) => path))
  expect(wrongImports((_, to) => isLocal(to) && !paths.has(to))).toEqual([])
})

test('a folder imports only from itself and from those above it', () => {
  const rank = (path: string): number => {
    if (path === 'index.ts') return ORDER.length
    return path.includes('/') ? ORDER.indexOf(folderOf(path)) : ROOTS.indexOf(path) - ROOTS.length
  }
  const isWrong = (from: string, to: string): boolean =>
    isLocal(to) && leafOf(from) === undefined && rank(to) > rank(from)
  expect(wrongImports(isWrong)).toEqual([])
})

test('no core file imports a leaf, and no file imports the command line', () => {
  const isWrong = (from: string, to: string): boolean => {
    const leaf = isLocal(to) ? leafOf(to) : undefined
    if (leaf === undefined || isInside(from, leaf)) return false
    return leaf === 'cli' || leafOf(from) === undefined
  }
  expect(wrongImports(isWrong)).toEqual([])
})

test('there is no cycle of imports, those of types counted', () => {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports.filter(isLocal)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path) || trail.includes(path)) return
    for (const to of importsOf.get(path) ?? []) visit(to, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  expect(cycles).toEqual([])
})

/** Rooms whose subfolders are folders of their own here; files beside them belong to the room itself. */
const SPLIT = ['http', 'host']

/** Cycles of a graph of folders, each as a path. */
function findFolderCycles(folderOfPath: (path: string) => string): string[] {
  const importsOf = new Map<string, Set<string>>()
  for (const { path, imports } of files) {
    const from = folderOfPath(path)
    const all = importsOf.get(from) ?? new Set()
    for (const to of imports.filter(isLocal)) if (folderOfPath(to) !== from) all.add(folderOfPath(to))
    importsOf.set(from, all)
  }
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (folder: string, trail: readonly string[]): void => {
    if (trail.includes(folder)) cycles.push([...trail.slice(trail.indexOf(folder)), folder].join(' → '))
    if (done.has(folder) || trail.includes(folder)) return
    for (const to of importsOf.get(folder) ?? []) visit(to, [...trail, folder])
    done.add(folder)
  }
  for (const folder of importsOf.keys()) visit(folder, [])
  return cycles
}

test('folders form no cycle, those of types counted, nor do the folders of a split room', () => {
  const place = (path: string): string => {
    const leaf = leafOf(path)
    if (leaf !== undefined) return leaf
    if (!path.includes('/')) return path
    const room = folderOf(path)
    return SPLIT.includes(room) ? dirname(path) : room
  }
  expect(findFolderCycles(place)).toEqual([])
})

test('no folder has more than 22 files, but those with a reason', () => {
  const counts = new Map<string, number>()
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  const large = [...counts].filter(([, count]) => count > 22).map(([folder]) => folder)
  expect(large.sort()).toEqual(Object.keys(LARGE_FOLDERS).sort())
})

test('modules of Node are imported by leaves alone', () => {
  expect(wrongImports((from, to) => to.startsWith('node:') && leafOf(from) === undefined)).toEqual([])
})

test('each package is imported by one file or one folder', () => {
  const importers = new Map<string, Set<string>>()
  for (const { path, imports } of files) {
    for (const specifier of imports) {
      if (isLocal(specifier) || specifier.startsWith('node:')) continue
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      const place = leafOf(path) ?? (path.includes('/') ? folderOf(path) : path)
      importers.set(name, (importers.get(name) ?? new Set()).add(place))
    }
  }
  // What it gives are types, and two leaves need it.
  const allowed: Readonly<Record<string, readonly string[]>> = { undici: ['integrations'] }
  const spread = [...importers].filter(([name, places]) => {
    const expected = allowed[name]
    return expected === undefined ? places.size > 1 : [...places].some(place => !expected.includes(place))
  })
  expect(spread.map(([name, places]) => `${name}: ${[...places].sort().join(', ')}`)).toEqual([])
})

test('nothing is exported by default', () => {
  expect(files.filter(({ text }) => /^export default\b|\bas default\b/m.test(text)).map(({ path }) => path)).toEqual([])
})

test('no index.ts is imported from inside', () => {
  expect(wrongImports((_, to) => isLocal(to) && posix.basename(to) === 'index.ts')).toEqual([])
})

test('no file is longer than 250 lines but those with a reason', () => {
  const long = files.filter(({ text }) => text.split('\n').length - 1 > 250).map(({ path }) => path)
  expect(long).toEqual(Object.keys(LONG_FILES).sort((a, b) => (a < b ? -1 : 1)))
})

test('no file has the name of a drawer', () => {
  const drawers = files.filter(({ path }) => /(?:^|\/)(?:utils?|helpers?|lib|common|misc)(?:\/|\.ts$)/.test(path))
  expect(drawers.map(({ path }) => path)).toEqual([])
})
