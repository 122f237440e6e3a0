// What a build was made from: one hash over the sources, so that a checkout that only touched times is not built again.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

export const root = new URL('..', import.meta.url)
export const stampFile = new URL('dist/.stamp', root)

/** @returns {string} */
export function sourceStamp() {
  const hash = createHash('sha256')
  const files = readdirSync(new URL('src', root), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => `${entry.parentPath}/${entry.name}`)
    .sort()
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'])
    hash.update(readFileSync(new URL(name, root)))
  return hash.digest('hex')
}
