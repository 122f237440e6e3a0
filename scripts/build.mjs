// Builds dist: bundled modules, their declarations, the schemas of documents and the licences of what is bundled. Stamps it,
// so that `prepare.mjs` can check whether it is up to date.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundle, listEntries } from './bundle.mjs'
import { buildPage } from './page.mjs'
import { collectLicences } from './licences.mjs'
import { root, sourceStamp, stampFile } from './stamp.mjs'

const dist = new URL('dist/', root)

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
const bundled = await bundle(listEntries(), fileURLToPath(dist))
const inPage = await buildPage(fileURLToPath(new URL('page', dist)))
const all = new Map([...bundled, ...inPage].map(each => [each.name, each]))
const byName = [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
writeFileSync(new URL('THIRD-PARTY-LICENSES.txt', dist), collectLicences(byName))
await writeSchemas()
chmodSync(new URL('cli/main.js', dist), 0o755)
writeFileSync(stampFile, sourceStamp())

/**
 * The schemas of workflows and of the configuration, for editors. Documents name a copy by its path, so the ids are not
 * URLs.
 */
async function writeSchemas() {
  const { workflowSchema } = await import(new URL('index.js', dist).href)
  const { configSchema } = await import(new URL('internals.js', dist).href)
  for (const [name, { $schema, ...schema }] of Object.entries({ workflow: workflowSchema, config: configSchema })) {
    const published = { $schema, $id: `urn:dagstream:${name}`, ...schema }
    writeFileSync(new URL(`${name}.schema.json`, dist), `${JSON.stringify(published, undefined, 2)}\n`)
  }
}
