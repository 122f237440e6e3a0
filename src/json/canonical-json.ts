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
  if (!mayHoldJsonNumbers) return canonicalize(value)
  const { text, isMarked } = writeMarked(() => canonicalize(value))
  return isMarked ? unmarkNumbers(text as string) : (text as string)
}
