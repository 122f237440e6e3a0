/** The type of `text` in PostgreSQL, by its number. */
const TEXT = 25

/** Bytes before the first element of an array of one dimension. */
const HEADER = 20

/**
 * A value as the driver sends it. Arrays of strings are arrays of `text` and sent in binary form: as text, each quote of their JSON would
 * be escaped here and parsed there. Pass numbers of rows, which are text here, through `toNumbers`.
 *
 * PostgreSQL holds no NUL. Documents are JSON, which escapes it; the id of an execution has none. An id from outside that has one is
 * looked for under another character, and not found.
 */
export function toParameter(value: unknown): unknown {
  if (typeof value === 'string') return withoutNul(value)
  if (!Array.isArray(value)) return value
  if (value.every(each => each === null || typeof each === 'number')) return toNumbers(value)
  return value.every(each => each === null || typeof each === 'string') ? encodeTexts(value.map(withoutNul)) : value
}

/** Numbers as an array of a type of numbers. */
export function toNumbers(numbers: readonly (number | string | null)[]): string {
  return `{${numbers.map(each => each ?? 'NULL').join(',')}}`
}

function withoutNul<T extends string | null>(text: T): T | string {
  return text?.includes('\u0000') === true ? text.replaceAll('\u0000', '\ufffd') : text
}

/** An array of `text` in PostgreSQL's binary form: dimensions, whether it has NULL, type, length, lower bound; then length and bytes of each. */
function encodeTexts(texts: readonly (string | null)[]): Buffer {
  const sizes = texts.map(text => (text === null ? 0 : Buffer.byteLength(text)))
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + 4 + size, HEADER))
  bytes.writeInt32BE(1, 0)
  bytes.writeInt32BE(texts.includes(null) ? 1 : 0, 4)
  bytes.writeInt32BE(TEXT, 8)
  bytes.writeInt32BE(texts.length, 12)
  bytes.writeInt32BE(1, 16)
  let at = HEADER
  for (const [index, text] of texts.entries()) {
    at = bytes.writeInt32BE(text === null ? -1 : (sizes[index] as number), at)
    if (text !== null) at += bytes.write(text, at)
  }
  return bytes
}
