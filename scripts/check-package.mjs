// Checks the package as its users get it: packs it, installs the tarball into an empty folder without install scripts, imports
// and requires each export, compiles against its types, and runs the command, also as the Dockerfile does.
// Usage: node scripts/check-package.mjs
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkDockerfile } from './check-dockerfile.mjs'
import { root } from './stamp.mjs'

const source = fileURLToPath(root)
const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const names = Object.keys(manifest.exports).map(path => `${manifest.name}${path.slice(1)}`)
const modules = names.filter(name => !name.endsWith('.json'))
const documents = names.filter(name => name.endsWith('.json'))
/** Modules that need no types of Node.js: their users may be browsers. */
const PORTABLE = [
  'dagstream',
  'dagstream/client',
  'dagstream/sse',
  'dagstream/job',
  'dagstream/ai-sdk',
  'dagstream/ag-ui',
  'dagstream/http',
]

/** What `dagstream serve` answers `GET /` with. */
const PAGE = ['index.html', 'page.js', 'page.css', 'layout.js', 'icon.svg'].map(name => `dist/page/${name}`)

const folder = mkdtempSync(join(tmpdir(), 'dagstream-package-'))
try {
  for (const [what, check] of Object.entries({
    'pack and install': packAndInstall,
    'import each export': importAll,
    'require each export': requireAll,
    'compile against each export': compileAll,
    'run the command': runCommand,
    'name the optional peers that are missing': nameMissingPeers,
    'run the commands of the Dockerfile': runDockerfile,
  })) {
    const startedAt = performance.now()
    await check()
    console.log(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function packAndInstall() {
  const printed = run('npm', ['pack', '--json', '--pack-destination', folder], source)
  // Output of scripts precedes it.
  const [{ filename, files }] = JSON.parse(printed.slice(printed.indexOf('[\n')))
  checkFiles(files.map(({ path }) => path))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`])
}

/** @param {readonly string[]} paths what the tarball holds */
function checkFiles(paths) {
  const missing = [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'dist/THIRD-PARTY-LICENSES.txt',
    ...PAGE,
    ...listTargets(),
  ].filter(path => !paths.includes(path))
  if (missing.length > 0) fail(`The package lacks ${missing.join(', ')}`)
  const SURPLUS =
    /^(?:src|test|bench|scripts)\/|^fixtures\/(?!hello\.json$)|\.tsbuildinfo$|^dist\/(?:\.stamp|internals)/
  const surplus = paths.filter(path => SURPLUS.test(path))
  if (surplus.length > 0) fail(`The package holds ${surplus.slice(0, 10).join(', ')}`)
}

/** The files that exports and commands lead to, and their declarations. */
function listTargets() {
  const targets = [...Object.values(manifest.exports), ...Object.values(manifest.bin)].map(path => path.slice(2))
  const declarations = Object.values(manifest.exports).filter(path => path.endsWith('.js'))
  return [...targets, ...declarations.map(path => path.slice(2).replace(/\.js$/, '.d.ts'))]
}

function importAll() {
  const script = `
    for (const name of ${JSON.stringify(modules)}) {
      if (Object.keys(await import(name)).length === 0) throw new Error(name + ' exports nothing')
    }
    for (const name of ${JSON.stringify(documents)}) {
      const { default: document } = await import(name, { with: { type: 'json' } })
      if (typeof document !== 'object') throw new Error(name + ' is no object')
    }`
  runModule('import.mjs', script, /ExperimentalWarning: Importing JSON modules/)
}

/** Node.js 20.19 and later require ES modules that do not await at their top level. */
function requireAll() {
  const script = `
    for (const name of ${JSON.stringify(names)}) {
      if (Object.keys(require(name)).length === 0) throw new Error(name + ' exports nothing')
    }
    const { ParallelExecutor } = require('dagstream')
    const executor = new ParallelExecutor({ double: ({ n }) => 2 * n })
    executor.execute({ tasks: [{ id: 'a', tool: 'double', arguments: { n: 21 } }] }).then(({ results }) => {
      if (results[0].output !== 42) throw new Error('Expected 42')
    })`
  runModule('require.cjs', script)
}

/** With the compiler of this repository, from ES modules and from CommonJS. Declarations of packages are checked too. */
function compileAll() {
  const lines = modules.map(
    (name, index) => `import * as m${index} from '${name}'\nexport const x${index} = m${index}\n`,
  )
  writeFileSync(join(folder, 'all.mts'), lines.join(''))
  writeFileSync(join(folder, 'portable.mts'), lines.filter((_, index) => PORTABLE.includes(modules[index])).join(''))
  writeFileSync(join(folder, 'all.cts'), modules.map(name => `import('${name}').then(m => m)\n`).join(''))
  compile(['portable.mts'], [])
  symlinkSync(join(source, 'node_modules/@types'), join(folder, 'node_modules/@types'))
  compile(['all.mts', 'all.cts'], ['node'])
}

/** @param {readonly string[]} files @param {readonly string[]} types */
function compile(files, types) {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.asynciterable'],
    types,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  run(process.execPath, [join(source, 'node_modules/typescript/bin/tsc'), '-p', '.'])
}

/** Not on Windows: the image is one of Linux. */
async function runDockerfile() {
  if (process.platform !== 'win32') await checkDockerfile(join(folder, `${manifest.name}-${manifest.version}.tgz`))
}

function runCommand() {
  writeFileSync(join(folder, 'workflow.json'), readFileSync(join(source, 'fixtures/hello.json')))
  const npx = args => run('npx', ['--no-install', 'dagstream', ...args])
  if (npx(['--version']).trim() !== manifest.version) fail('Expected `dagstream --version` to print the version')
  npx(['validate', 'workflow.json'])
  const { status } = JSON.parse(npx(['run', 'workflow.json', '--json']))
  if (status !== 'success') fail(`Expected the workflow to succeed, got ${status}`)
}

/** The tarball is installed without them. */
function nameMissingPeers() {
  const script = `
    import { createOtelObserver } from 'dagstream/otel'
    import { openBullmqDispatcher } from 'dagstream/dispatch/bullmq'
    import { createHandler } from 'dagstream/http'
    const expectMissing = (code, text) => {
      if (code !== 'MISSING_PACKAGE' || !/npm install \\S+/.test(text)) throw new Error(code + ' ' + text)
    }
    const error = await createOtelObserver().catch(error => error)
    expectMissing(error.code, error.message)
    const queueError = await openBullmqDispatcher('redis://localhost').catch(error => error)
    expectMissing(queueError.code, queueError.message)
    const handler = createHandler({ tools: {}, mcpServer: true })
    const response = await handler.fetch(new Request('http://localhost/mcp', { method: 'POST' }))
    const { code, detail } = await response.json()
    if (response.status !== 501) throw new Error('Expected 501, got ' + response.status)
    expectMissing(code, detail)`
  runModule('peers.mjs', script)
}

/** @param {string} file @param {string} script @param {RegExp} [expected] a warning that may be printed */
function runModule(file, script, expected) {
  writeFileSync(join(folder, file), script)
  const warnings = join(folder, 'warnings.txt')
  writeFileSync(warnings, '')
  run(process.execPath, ['--redirect-warnings', warnings, file])
  const surplus = readFileSync(warnings, 'utf8')
    .split('\n')
    .filter(line => line.includes('Warning:') && !expected?.test(line))
  if (surplus.length > 0) fail(`${file}: ${surplus.join('\n')}`)
}

/** Runs a program and returns what it printed; one that fails ends the check with its output. */
function run(command, args, cwd = folder) {
  try {
    // On Windows `npm` and `npx` are scripts.
    const shell = process.platform === 'win32' && command !== process.execPath
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell })
  } catch (error) {
    return fail(`${command} ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? error.message}`)
  }
}

/** @returns {never} */
function fail(message) {
  throw new Error(message)
}
