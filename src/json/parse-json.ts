import { markNumbers, restoreNumbers } from './marked-numbers.ts'
import { findLossyNumbers } from './number-tokens.ts'

/**
 * `JSON.parse`, but a number that no JavaScript number stands for is a `JsonNumber`: an integer beyond 2^53 whose digits a
 * double does not give back, and what overflows or underflows. Every other number is the double that `JSON.parse` gives.
 *
 * A text without such numbers costs a scan beside `JSON.parse`.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseJson(text: string): unknown {
  const numbers = findLossyNumbers(text)
  if (numbers.length === 0) return JSON.parse(text)
  let value: unknown
  try {
    value = JSON.parse(markNumbers(text, numbers))
  } catch {
    // Throws too, with a message about the text as it is.
    return JSON.parse(text)
  }
  return restoreNumbers(value)
}

/** Whether `parseJson` would make a `JsonNumber` of a part of it. Linear. */
export function hasLossyNumbers(text: string): boolean {
  return findLossyNumbers(text).length > 0
}
