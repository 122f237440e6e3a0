// The licences of bundled packages, which ask to be distributed with every copy.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './stamp.mjs'

const SEPARATOR = `\n${'-'.repeat(80)}\n\n`

/**
 * One text of all: name, version and licence of each package, then its own licence file.
 * @param {readonly { name: string, folder: string }[]} packages
 */
export function collectLicences(packages) {
  const intro = 'dagstream contains code of these packages.\n'
  return [intro, ...packages.map(describe)].join(SEPARATOR)
}

function describe({ name, folder }) {
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!['MIT', 'ISC'].includes(license))
    throw new Error(`Expected ${name} to have the licence MIT or ISC, found ${license}`)
  return `${name} ${version} (${license})\n\n${readLicence(name, folder)}`
}

/** Copyright of packages whose archive has no licence file, from the licence in their repository. */
const COPYRIGHTS = { '@cfworker/json-schema': 'Copyright (c) 2020 Jeremy Danyow' }

function readLicence(name, folder) {
  const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each))
  if (file !== undefined) return `${readFileSync(join(folder, file), 'utf8').trim()}\n`
  const copyright = COPYRIGHTS[name]
  if (copyright === undefined) throw new Error(`Expected ${name} to have a licence file`)
  // The words of the licence are those of our own.
  return readFileSync(new URL('LICENSE', root), 'utf8').replace(/^Copyright .*$/m, copyright)
}
