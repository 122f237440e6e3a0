import { type Place, PLAIN } from './place.ts'

/**
 * A reference to a value. Which of them a string may hold depends on its `Place`.
 *
 *     ref  = "$" body | "${" body "}"
 *     body = "OUTPUT[" id "]" path | "INPUT" path | "STATUS[" id "]" | "ERROR[" id "]" path
 *          | "STATUS" | "ITEM" path | "PREVIOUS" path | "INDEX"
 *     path = *( "." name | "[" digits "]" | "[" JSON-string "]" | "[*]" )  name = 1*( Unicode letter | digit | "_" )
 */
export interface Reference {
  readonly source: ReferenceSource
  /** Present for `output` and `error`, and for the `status` of a task. */
  readonly taskId?: string
  /** Keys and indices; an index keeps its digits as text. `EACH` for `[*]`. */
  readonly path: readonly PathStep[]
  /** The source text. */
  readonly text: string
  /** Whether it is null if there is nothing that its path could lead into. */
  readonly isLenient?: true
}

export type ReferenceSource = 'input' | 'output' | 'status' | 'error' | 'item' | 'index' | 'previous'

/** The step `[*]`: each element of an array. No key of JSON is a symbol. */
export const EACH: unique symbol = Symbol('[*]')

/** One step of a path. */
export type PathStep = string | typeof EACH

/** A reference with a syntax error. */
export interface MalformedReference {
  /** The first characters of its source text, at most 41. */
  readonly malformed: string
  /** Offset of the reference in the string. */
  readonly start: number
  /** Offset of its path; absent if its id is invalid. */
  readonly pathStart?: number
  /** Offset of the first invalid character. */
  readonly faultAt: number
  /** Whether it is well-formed, but nothing for this place. */
  readonly isMisplaced?: true
}

const CHARACTER = '[^\\p{Cc}\\p{Cs}\\[\\]]'
const CHARACTER_BUT_DOT = '[^\\p{Cc}\\p{Cs}\\[\\].]'

/**
 * 1–200 characters (code points), no control character, `[` or `]`, no lone surrogate; neither `.` nor `..`.
 *
 * A URL path cannot contain `.` or `..` as a segment, percent-encoded or not: parsers resolve them (WHATWG URL, 4.1,
 * "double-dot URL path segment"). Avoids a lookahead, which some JSON Schema validators do not support.
 */
export const TASK_ID_PATTERN: string = `^(?:${CHARACTER}{3,200}|${CHARACTER_BUT_DOT}${CHARACTER}?|\\.${CHARACTER_BUT_DOT})$`

/** `TASK_ID_PATTERN` plus `.` and `..`, which earlier versions accepted and stores may hold. */
export const RECORDED_ID_PATTERN: string = `^${CHARACTER}{1,200}$`

// Accepts `.`, so that a reference to it is reported as an unknown task.
const taskId = new RegExp(RECORDED_ID_PATTERN, 'u')
const nameToken = /\.([\p{L}\p{Nd}_]+)/uy
const indexToken = /\[([0-9]+)\]/y
/** The words of references, the frequent ones first. */
const WORDS: readonly { readonly name: string; readonly source: ReferenceSource; readonly hasId?: true }[] = [
  { name: 'OUTPUT', source: 'output', hasId: true },
  { name: 'INPUT', source: 'input' },
  // Also without an id, where a bare `$STATUS` may be read.
  { name: 'STATUS', source: 'status', hasId: true },
  { name: 'ERROR', source: 'error', hasId: true },
  { name: 'ITEM', source: 'item' },
  { name: 'INDEX', source: 'index' },
  { name: 'PREVIOUS', source: 'previous' },
]

/** Maximum length of an id, UTF-16 units. */
const MAX_ID_UNITS = 400

/**
 * Splits a string into literal text and references, longest match first.
 *
 * `$$` before the rest of an opening is an escape for `$` and starts no reference: `$$$OUTPUT[a]` is the text
 * `$$OUTPUT[a]`.
 * @param isRecorded whether `[` directly after an unbraced reference may be text, as in earlier versions
 * @returns the unescaped text if it contains no reference
 */
export function parseReferences(
  text: string,
  isRecorded = false,
  place: Place = PLAIN,
): string | readonly (string | Reference)[] | MalformedReference {
  let at = text.indexOf('$')
  if (at < 0) return text
  const parts: (string | Reference)[] = []
  let literal = ''
  let literalStart = 0
  while (at >= 0) {
    if (text.charCodeAt(at + 1) === DOLLAR && isOpening(text, at + 1, place.opening)) {
      literal += text.slice(literalStart, at + 1)
      literalStart = at + 2
      at = text.indexOf('$', at + 2)
    } else if (isOpening(text, at, isRecorded ? place.recordedOpening : place.opening)) {
      const parsed = parseAt(text, at, isRecorded, place)
      if ('malformed' in parsed) return parsed
      literal += text.slice(literalStart, at)
      if (literal !== '') parts.push(literal)
      parts.push(parsed)
      literal = ''
      literalStart = at + parsed.text.length
      at = text.indexOf('$', literalStart)
    } else at = text.indexOf('$', at + 1)
  }
  literal += text.slice(literalStart)
  if (parts.length === 0) return literal
  if (literal !== '') parts.push(literal)
  return parts
}

const DOLLAR = 0x24
const BRACE = 0x7b

function isOpening(text: string, at: number, opening: RegExp): boolean {
  opening.lastIndex = at
  return opening.test(text)
}

function parseAt(text: string, start: number, isRecorded: boolean, place: Place): Reference | MalformedReference {
  const isBraced = text.charCodeAt(start + 1) === BRACE
  let at = start + (isBraced ? 2 : 1)
  const wordStart = at
  // The opening has matched one of them.
  const { name, source, hasId } = WORDS.find(word => text.startsWith(word.name, wordStart)) as (typeof WORDS)[number]
  at += name.length
  let id: string | undefined
  if (hasId && text[at] === '[') {
    const idStart = at + 1
    // Searched in a slice, so that a text of many unclosed openings takes linear time.
    const length = text.slice(idStart, idStart + MAX_ID_UNITS + 1).indexOf(']')
    if (length < 0) return malform(text, start, idStart)
    id = text.slice(idStart, idStart + length)
    if (!taskId.test(id)) return malform(text, start, idStart)
    at = idStart + length + 1
  }
  const pathStart = at
  const path: PathStep[] = []
  // A status and an index have no members.
  if (source !== 'status' && source !== 'index') {
    for (let token = parseToken(text, at); token !== undefined; token = parseToken(text, at)) {
      path.push(token.key)
      at = token.end
    }
  }
  // `[` after an unbraced reference is a step or a mistake, never text. Text with `[` needs a braced reference before it.
  if (isBraced ? text[at] !== '}' : text[at] === '[' && !isRecorded) return malform(text, start, at, pathStart)
  if (isBraced) at += 1
  const reference = { path: Object.freeze(path), text: text.slice(start, at) }
  if (id === undefined) {
    if (source === 'previous') return Object.freeze({ source, ...reference, isLenient: true })
    return Object.freeze({ source, ...reference })
  }
  if (source !== 'output' && !place.hasStatuses) return { ...malform(text, start, at, pathStart), isMisplaced: true }
  if (place.isLenient) return Object.freeze({ source, taskId: id, ...reference, isLenient: true })
  return Object.freeze({ source, taskId: id, ...reference })
}

function malform(text: string, start: number, faultAt: number, pathStart?: number): MalformedReference {
  const malformed = text.slice(start, start + 41)
  return { malformed, start, faultAt, ...(pathStart !== undefined && { pathStart }) }
}

/** One step of a path in its source text. */
export interface PathToken {
  readonly key: PathStep
  /** Offset after the step. */
  readonly end: number
}

/** Parses the path step at `at`; `undefined` if there is none. */
export function parseToken(text: string, at: number): PathToken | undefined {
  const pattern = text[at] === '.' ? nameToken : text[at] === '[' ? indexToken : undefined
  if (pattern === undefined) return undefined
  pattern.lastIndex = at
  const key = pattern.exec(text)?.[1]
  if (key !== undefined) return { key, end: pattern.lastIndex }
  if (text.startsWith('[*]', at)) return { key: EACH, end: at + 3 }
  return text.startsWith('["', at) ? parseStringToken(text, at) : undefined
}

function parseStringToken(text: string, at: number): PathToken | undefined {
  let end = at + 2
  // Scans to the first unescaped quote. The quote of the next opening ends a failing scan, so the whole text takes linear time.
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  if (text[end + 1] !== ']') return undefined
  try {
    return { key: JSON.parse(text.slice(at + 1, end + 1)) as string, end: end + 2 }
  } catch {
    return undefined
  }
}
