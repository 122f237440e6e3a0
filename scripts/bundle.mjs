// Bundles src into one module per export and few shared chunks: one file loads several times as fast as hundreds.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { root } from './stamp.mjs'

/**
 * Packages that become part of the bundle, with what they import in turn, and are not installed beside it: each is small, without
 * native code, and loaded by every import of the library. Every other package that is imported is a dependency.
 */
const BUNDLED = [
  '@cfworker/json-schema',
  'ansi-regex',
  'commander',
  'events',
  'get-east-asian-width',
  'graphology',
  'graphology-dag',
  'graphology-utils',
  'json-canonicalize',
  'leven',
  'mnemonist',
  'obliterator',
  'p-limit',
  'picocolors',
  'string-width',
  'strip-ansi',
  'yocto-queue',
]

/** Exports of packages that are costly to evaluate and needed by few programs: the first call evaluates them. */
const EVALUATED_LATE = {
  graphology: ['DirectedGraph'],
  'graphology-dag': ['topologicalGenerations'],
  'string-width': ['default'],
}

/** Files of their own that no export names: threads. */
const THREADS = { 'store/postgres/renewal-thread': 'src/store/postgres/renewal-thread.ts' }

/** The modules that package.json names, the threads, and the inside for benches and tests, which is not published. */
export function listEntries() {
  const { exports, bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const paths = [...Object.values(exports), ...Object.values(bin)]
  const names = paths.flatMap(path => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1] ?? [])
  return {
    ...Object.fromEntries(names.map(name => [name, `src/${name}.ts`])),
    ...THREADS,
    internals: 'bench/internals.ts',
  }
}

/**
 * Writes the bundle with source maps.
 * @param {Readonly<Record<string, string>>} entries the source of each module, by its path without extension
 * @param {string} folder where it is written
 * @param {readonly object[]} plugins further ones of a build that differs from the source
 * @returns {Promise<readonly { name: string, folder: string }[]>} the packages that are part of it
 */
export async function bundle(entries, folder, plugins = []) {
  const chunks = shareChunks(Object.keys(entries).filter(name => name !== 'cli/main' && name !== 'internals'))
  const build = await rolldown({
    cwd: fileURLToPath(root),
    input: entries,
    // The same code runs everywhere: what is Node's own is imported as `node:`, and nothing has a variant for Node.
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'], conditionNames: ['browser'] },
    external: isExternal,
    // The groups ask for it. No entry gets further exports by them, which a test checks.
    preserveEntrySignatures: 'allow-extension',
    tsconfig: false,
    transform: { target: 'es2023' },
    plugins: [...plugins, evaluateLate(), requireByImport(), chunks.plugin, escapeText()],
    // It warns on a machine that is busy, and a warning ends the build.
    checks: { bundlerTimings: false },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`${level}: ${log.message}`)
    },
  })
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    sourcemap: true,
    // The maps hold the sources; annotations are for the bundlers of others.
    comments: { legal: true, annotation: true, jsdoc: false },
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: { groups: chunks.groups },
  })
  await build.close()
  return findBundledPackages(output)
}

function isExternal(specifier, importer) {
  if (specifier.startsWith('node:')) return !isCommander(importer)
  const isPackage = !/^[./\0]/.test(specifier)
  const [, name] = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? []
  return isPackage && !BUNDLED.includes(name)
}

/** Puts functions in the place of those in `EVALUATED_LATE`; only sources of ours see them. */
function evaluateLate() {
  const PREFIX = '\0late:'
  const writeExport = (name, from) => `export ${name === 'default' ? 'default function' : `function ${name}`}(...args) {
  const { ${name}: original } = require('${from}')
  return new.target ? new original(...args) : original(...args)
}`
  return {
    name: 'evaluate-late',
    resolveId: (specifier, importer) =>
      specifier in EVALUATED_LATE && importer?.includes('/src/') ? `${PREFIX}${specifier}` : null,
    load(id) {
      if (!id.startsWith(PREFIX)) return null
      const name = id.slice(PREFIX.length)
      return EVALUATED_LATE[name].map(each => writeExport(each, name)).join('\n')
    },
  }
}

/**
 * Commander, the one CommonJS package among the bundled that requires modules of Node, gets them by imports. It gets none that
 * starts processes: that is for commands that are programs of their own, of which there are none.
 */
function requireByImport() {
  const PREFIX = '\0required:'
  return {
    name: 'require-by-import',
    resolveId: (specifier, importer) =>
      specifier.startsWith('node:') && isCommander(importer) ? `${PREFIX}${specifier}` : null,
    load(id) {
      if (!id.startsWith(PREFIX)) return null
      const name = id.slice(PREFIX.length)
      if (name === 'node:child_process') return 'export {}'
      return `import original from '${name}'\nexport { original as 'module.exports' }`
    },
  }
}

const isCommander = importer => importer?.includes('/node_modules/commander/') === true

/** Escapes what is not ASCII: V8 decodes and scans such a file in half the time. Strings, templates and patterns mean the same. */
function escapeText() {
  const escape = unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return {
    name: 'escape-text',
    // Columns behind an escape are off in the source map; lines are not.
    renderChunk: code => ({ code: code.replaceAll(/[^\0-\x7f]/g, escape), map: null }),
  }
}

/**
 * A few shared chunks instead of one per set of entries that share modules: `wire` is what a stream of events needs, `shared`
 * what the client has in common with the library and the command line, `core` the rest of the library. What only the command line needs is
 * `cli`, or `command` where it is needed to run a workflow and not before; `requests` is the rest that a run needs, of HTTP tools.
 * @param {readonly string[]} exported names of the entries that others import
 */
function shareChunks(exported) {
  let reached
  const plugin = {
    name: 'share-chunks',
    buildEnd() {
      const known = new Set(this.getModuleIds())
      const findModule = name => {
        const id = findSource(name)
        if (!known.has(id)) throw new Error(`Expected the build to have a module src/${name}.ts`)
        return id
      }
      const importedBy = id => this.getModuleInfo(id)?.importedIds ?? []
      const reachFrom = (...entries) => reach(entries.map(findModule), importedBy)
      reached = {
        stream: reachFrom('sse/index', 'sse/job'),
        client: reachFrom('client/index'),
        library: reachFrom('index'),
        exported: reachFrom(...exported),
        program: reachFrom('cli/main'),
        run: reachFrom('cli/commands/run-command'),
      }
    },
  }
  const besideClient = () => [reached.library, reached.program, reached.run]
  const main = findSource('cli/main')
  // A group takes what its modules import with them, so the order of the groups matters.
  const groups = [
    { name: 'wire', test: id => reached.stream.has(id) },
    { name: 'shared', test: id => reached.client.has(id) && besideClient().some(each => each.has(id)) },
    { name: 'core', test: id => reached.library.has(id) || (reached.program.has(id) && reached.exported.has(id)) },
    { name: 'cli', test: id => id !== main && reached.program.has(id) && !reached.exported.has(id) },
    { name: 'command', test: id => reached.run.has(id) && !reached.exported.has(id) },
    // A module of `tools/` is for handlers, too, on runtimes without the modules of Node.js that requests import.
    { name: 'requests', test: id => reached.run.has(id) && !id.includes('/src/tools/') },
  ]
  // The others import what is exported too, which must not move into them.
  const recursive = groups.slice(0, 3)
  return {
    plugin,
    groups: groups.map((group, at) => ({
      ...group,
      priority: groups.length - at,
      includeDependenciesRecursively: recursive.includes(group),
    })),
  }
}

const findSource = name => fileURLToPath(new URL(`src/${name}.ts`, root))

function reach(from, next) {
  const found = new Set(from)
  // Members that are added while a set is iterated are visited too.
  for (const each of found) for (const to of next(each)) found.add(to)
  return found
}

/** The packages that modules of a build come from, by name. */
export function findBundledPackages(output) {
  const found = new Map()
  for (const chunk of output) {
    for (const id of chunk.moduleIds ?? []) {
      const [, folder, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id) ?? []
      if (name !== undefined) found.set(name, { name, folder })
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
