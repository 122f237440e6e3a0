/** Maximum evaluated length of `Accept`, characters; the rest is ignored. */
const MAX_ACCEPT_CHARS = 8192

/**
 * The response type that a request's `Accept` prefers, `text/event-stream` or `application/json`; `undefined`: neither (406).
 *
 * RFC 9110, 12.5.1. For each of the two the most specific range that covers it decides, so a named type overrides `text/*` and
 * that overrides the range for everything. The greater weight wins; between equal ones the more specifically named, `stream` if
 * both are named, else `json`. No header, an empty one, or one without a single well-formed member: `json`.
 *
 * Parameters other than `q` do not narrow a range: each answer exists in one variant only.
 */
export function negotiate(accept: string | null): 'stream' | 'json' | undefined {
  const stream: Preference = { weight: 0, specificity: NONE }
  const json: Preference = { weight: 0, specificity: NONE }
  let isStated = false
  for (const member of splitMembers(accept ?? '')) {
    const range = parseRange(member)
    if (range === undefined) continue
    isStated = true
    consider(stream, range, 'text', 'event-stream')
    consider(json, range, 'application', 'json')
  }
  if (!isStated) return 'json'
  if (stream.weight === 0 && json.weight === 0) return undefined
  if (stream.weight !== json.weight) return stream.weight > json.weight ? 'stream' : 'json'
  if (stream.specificity !== json.specificity) return stream.specificity > json.specificity ? 'stream' : 'json'
  return stream.specificity === NAMED ? 'stream' : 'json'
}

/** Whether an `Accept` admits an event stream at all; without one, or without a single well-formed member, it does. */
export function acceptsStream(accept: string | null): boolean {
  const stream: Preference = { weight: 0, specificity: NONE }
  const ranges = splitMembers(accept ?? '')
    .map(parseRange)
    .filter(range => range !== undefined)
  for (const range of ranges) consider(stream, range, 'text', 'event-stream')
  return ranges.length === 0 || stream.weight > 0
}

const NONE = 0
const ANYTHING = 1
const ANY_SUBTYPE = 2
const NAMED = 3

interface Preference {
  weight: number
  specificity: number
}

interface MediaRange {
  readonly type: string
  readonly subtype: string
  readonly weight: number
}

function consider(preference: Preference, range: MediaRange, type: string, subtype: string): void {
  const specificity = computeSpecificity(range, type, subtype)
  if (specificity === NONE || specificity < preference.specificity) return
  // Of two ranges that differ only in ignored parameters, the greater weight wins.
  preference.weight = specificity > preference.specificity ? range.weight : Math.max(preference.weight, range.weight)
  preference.specificity = specificity
}

function computeSpecificity(range: MediaRange, type: string, subtype: string): number {
  if (range.type === '*') return ANYTHING
  if (range.type !== type) return NONE
  if (range.subtype === '*') return ANY_SUBTYPE
  return range.subtype === subtype ? NAMED : NONE
}

const TOKEN = "[!#$%&'*+.^_`|~0-9a-z-]+"
const RANGE = new RegExp(`^(${TOKEN})/(${TOKEN})$`)
const PARAMETER = new RegExp(`^(${TOKEN})=(?:${TOKEN}|"(?:[^"\\\\]|\\\\.)*")$`)
/** RFC 9110, 12.4.2: at most three digits, at most 1. */
const WEIGHT = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/

/** @returns `undefined` for a malformed member */
function parseRange(member: string): MediaRange | undefined {
  const [first = '', ...parameters] = split(member.toLowerCase(), ';')
  const match = RANGE.exec(first)
  if (match === null) return undefined
  const [, type = '', subtype = ''] = match
  if (type === '*' && subtype !== '*') return undefined
  let weight = 1
  for (const parameter of parameters) {
    // RFC 9110, 5.6.6: a parameter between two semicolons may be empty.
    if (parameter === '') continue
    const name = PARAMETER.exec(parameter)?.[1]
    if (name === undefined) return undefined
    if (name !== 'q') continue
    const q = WEIGHT.exec(parameter)
    if (q === null) return undefined
    weight = Number(q[1])
  }
  return { type, subtype, weight }
}

function splitMembers(accept: string): string[] {
  const members = split(accept.slice(0, MAX_ACCEPT_CHARS), ',')
  // The truncated member could have been a different one.
  return accept.length > MAX_ACCEPT_CHARS ? members.slice(0, -1) : members
}

/** Splits in one pass at each separator that is not inside a quoted string (RFC 9110, 5.6.4), and trims the parts. */
function split(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') isQuoted = !isQuoted
    else if (isQuoted && character === '\\') i += 1
    else if (!isQuoted && character === separator) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(text.slice(start).trim())
  return parts
}
