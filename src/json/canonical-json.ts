import { canonicalize } from 'json-canonicalize'
import { writeMarked } from './mark.ts'
import { unmarkNumbers } from './marked-numbers.ts'

/**
 * Canonical JSON by RFC 8785: the same text for the same value, whatever the order of its keys. Beyond the RFC, whose numbers
 * are doubles, a `JsonNumber` keeps its digits, and half of a surrogate pair is written as an escape.
 * @param value JSON in which no object stands twice, or `undefined`, whose text is that of no JSON
 * @param mayHoldJsonNumbers `false` saves the search for them
 */
export function writeCanonicalJson(value: unknown, mayHoldJsonNumbers = true): string {
  const flat = writeFlat(value)
  if (flat !== undefined) return flat
  if (!mayHoldJsonNumbers) return canonicalize(value)
  const { text, isMarked } = writeMarked(() => canonicalize(value))
  return isMarked ? unmarkNumbers(text as string) : (text as string)
}

/** Hot path: an object of scalars, as most arguments are. `undefined` for any other value. */
function writeFlat(value: unknown): string | undefined {
  // An object with `toJSON` is left to the library, `JsonNumber`s among them.
  if (typeof value !== 'object' || value === null || Array.isArray(value) || 'toJSON' in value) return undefined
  const keys = Object.keys(value)
  if (keys.length > 1) keys.sort()
  let text = '{'
  for (const key of keys) {
    const field = (value as Readonly<Record<string, unknown>>)[key]
    const isScalar = typeof field === 'string' || typeof field === 'boolean' || field === null || Number.isFinite(field)
    if (!isScalar) return undefined
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(key)}:${JSON.stringify(field)}`
  }
  return `${text}}`
}
