// Builds dist: bundled modules, their declarations and the licences of what is bundled; stamps it, so that `prepare.mjs` can tell
// whether it is still fresh.
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'
import { collectLicences } from './licences.mjs'
import { root, sourceStamp, stampFile } from './stamp.mjs'

const dist = new URL('dist/', root)
const { exports, bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
const bundled = await bundle(listEntries(), fileURLToPath(dist))
writeFileSync(new URL('THIRD-PARTY-LICENSES.txt', dist), collectLicences(bundled))
chmodSync(new URL('cli/main.js', dist), 0o755)
writeFileSync(stampFile, sourceStamp())

/** The modules that package.json names, and the inside for benches and tests, which is not published. */
function listEntries() {
  const paths = [...Object.values(exports), ...Object.values(bin)]
  const names = paths.flatMap(path => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1] ?? [])
  return { ...Object.fromEntries(names.map(name => [name, `src/${name}.ts`])), internals: 'bench/internals.ts' }
}
