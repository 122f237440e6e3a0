import canonicalize from 'canonicalize'
import { writeMarked } from './mark.ts'
import { unmarkNumbers } from './marked-numbers.ts'

/**
 * Canonical JSON by RFC 8785: the same text for the same value, whatever the order of its keys. Beyond the RFC, whose numbers
 * are doubles, a `JsonNumber` keeps its digits.
 * @returns `undefined` for what has no canonical form: a string with half of a surrogate pair, or a value that is not JSON
 */
export function tryCanonicalJson(value: unknown): string | undefined {
  try {
    const { text, isMarked } = writeMarked(() => canonicalize(value))
    return isMarked && text !== undefined ? unmarkNumbers(text) : text
  } catch {
    // The library refuses with plain errors.
    return undefined
  }
}
