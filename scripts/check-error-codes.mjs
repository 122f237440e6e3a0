// Refuses an error code that is declared twice, that docs/error-codes.md does not name, or that it names without one.
// Usage: node scripts/check-error-codes.mjs [ROOT]
import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const DOCS = 'docs/error-codes.md'
const root = process.argv[2] === undefined ? new URL('..', import.meta.url) : pathToFileURL(`${process.argv[2]}/`)

/** @param {string} path */
const read = path => readFileSync(new URL(path, root), 'utf8')

/** A family's codes stand in the section of the docs whose heading names it. */
const families = [
  { name: 'DagstreamErrorCode', codes: readUnion('src/errors.ts', 'DagstreamErrorCode') },
  { name: 'TaskCode', codes: readUnion('src/events/events.ts', 'TaskCode') },
  { name: 'ReasonCode', codes: readUnion('src/events/events.ts', 'ReasonCode') },
  { name: 'IssueCode', codes: readUnion('src/workflow/document.ts', 'IssueCode') },
  { name: 'StreamErrorCode', codes: readStreamErrorCodes('src/integrations/llm/stream-error.ts') },
  // One problem may be reported in several places.
  { name: 'Problems', codes: [...new Set(readProblems('src/http'))] },
]
const docs = read(DOCS)
const problems = families.flatMap(({ name, codes }) => check(name, codes))
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else
  console.log(
    `${families.reduce((sum, { codes }) => sum + codes.length, 0)} error codes, each declared once and documented`,
  )

/**
 * Finds the faults of a family of codes.
 * @param {string} family
 * @param {readonly string[]} codes as they are declared: `NAME`, or `1000 NAME`
 */
function check(family, codes) {
  if (codes.length === 0) return [`${family}: no code is found; has its declaration moved?`]
  const section = docs
    .split(/^## /m)
    .find(each => each.split('\n', 1)[0]?.includes(`\`${family}\``) || each.startsWith(family))
  if (section === undefined) return [`${family}: ${DOCS} has no section of this name`]
  // Rows of its table: the first cells, up to the first one that is not a code.
  const told = [...section.matchAll(/^\| (?:(\d+) \| )?`([A-Z][A-Z0-9_]*)` \|/gm)].map(([, number, name]) =>
    number === undefined ? name : `${number} ${name}`,
  )
  return [
    ...findRepeated(codes.flatMap(code => code.split(' '))).map(code => `${family}: ${code} is declared twice`),
    ...findRepeated(told.flatMap(code => code.split(' '))).map(code => `${family}: ${DOCS} has two rows for ${code}`),
    ...codes.filter(code => !told.includes(code)).map(code => `${family}: ${code} is not in ${DOCS}`),
    ...told.filter(code => !codes.includes(code)).map(code => `${family}: ${DOCS} has ${code}, which is not declared`),
  ]
}

/** @param {readonly string[]} values */
function findRepeated(values) {
  return [...new Set(values.filter((value, at) => values.indexOf(value) !== at))]
}

/** The strings of a union type. */
function readUnion(path, name) {
  const text = new RegExp(`^export type ${name} =([^]*?)(?=^export |^/\\*\\*|^const |^interface |(?![^]))`, 'm').exec(
    read(path),
  )?.[1]
  return [...(text ?? '').matchAll(/(?:^\s*|= ?|\| )'([A-Z][A-Z0-9_]*)'/gm)].map(match => match[1])
}

function readStreamErrorCodes(path) {
  const text = /^export const StreamErrorCode = \{([^]*?)^\}/m.exec(read(path))?.[1] ?? ''
  return [...text.matchAll(/^ {2}([A-Z][A-Z0-9_]*): (\d+),$/gm)].map(([, name, number]) => `${number} ${name}`)
}

/** The codes of problems that are made in a folder. */
function readProblems(folder) {
  const files = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
  const sources = files.filter(file => file.endsWith('.ts') && !file.includes('openapi'))
  return sources.flatMap(file => {
    const text = read(`${folder}/${file.replaceAll('\\', '/')}`)
    const made = text.matchAll(/\btitle(?:,|: )(?:(?!\n\n|\n\})[^]){0,300}?\bcode: '([A-Z][A-Z0-9_]*)'/g)
    const named = text.matchAll(
      /\b(?:badRequest|conflict|notFound|tryLater)\((?:(?!\n\n|\n\})[^]){0,300}?'([A-Z][A-Z0-9_]*)'/g,
    )
    const defaults = text.matchAll(/\bcode = '([A-Z][A-Z0-9_]*)'\): HttpProblem/g)
    return [...made, ...named, ...defaults].map(match => match[1])
  })
}
