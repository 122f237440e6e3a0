// The origin of a build: one hash over the sources and the build itself, so that a checkout that only touched times is not
// built again.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

export const root = new URL('..', import.meta.url)
export const stampFile = new URL('dist/.stamp', root)

/** The steps of the build, and its packages. */
const BUILD_FILES = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
  'bench/internals.ts',
  'scripts/build.mjs',
  'scripts/bundle.mjs',
  'scripts/licences.mjs',
  'scripts/page.mjs',
]

/** @returns {string} */
export function sourceStamp() {
  const hash = createHash('sha256')
  const files = readdirSync(new URL('src', root), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => `${entry.parentPath}/${entry.name}`)
    .sort()
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  for (const name of BUILD_FILES) hash.update(readFileSync(new URL(name, root)))
  return hash.digest('hex')
}
