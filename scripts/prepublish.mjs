// Refuses to publish while package.json lacks what only the owner knows. npm derives `homepage` and `bugs` from it.
import { readFileSync } from 'node:fs'
import { root } from './stamp.mjs'

const { repository } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
if (repository.url === '') {
  console.error('Expected `repository.url` of package.json to be the address of the repository, got an empty string')
  process.exitCode = 1
}
