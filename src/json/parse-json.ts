import { markNumbers, restoreNumbers } from './marked-numbers.ts'
import { findLossyNumbers } from './number-tokens.ts'

/**
 * `JSON.parse`, but a number that no JavaScript number represents is a `JsonNumber`: an integer beyond 2^53 whose
 * digits a double loses, or a number that overflows or underflows. Every other number is the double that `JSON.parse`
 * returns.
 *
 * A text without such numbers costs one scan in addition to `JSON.parse`.
 * @throws SyntaxError like `JSON.parse`
 */
export function parseJson(text: string): unknown {
  const numbers = findLossyNumbers(text)
  if (numbers.length === 0) return JSON.parse(text)
  let value: unknown
  try {
    value = JSON.parse(markNumbers(text, numbers))
  } catch {
    // Throws as well, with a message about the original text.
    return JSON.parse(text)
  }
  return restoreNumbers(value)
}

/** Whether `parseJson` would create a `JsonNumber` anywhere in the value. Linear. */
export function hasLossyNumbers(text: string): boolean {
  return findLossyNumbers(text).length > 0
}
