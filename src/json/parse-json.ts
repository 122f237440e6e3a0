import { JsonNumber } from './json-number.ts'
import { getMark } from './mark.ts'
import { findLossyNumbers, type NumberToken } from './number-tokens.ts'

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

/** The text with marked strings in the place of numbers, for a `JSON.parse` that is not ours. */
export function markLossyNumbers(text: string): string {
  const numbers = findLossyNumbers(text)
  return numbers.length === 0 ? text : markNumbers(text, numbers)
}

function markNumbers(text: string, numbers: readonly NumberToken[]): string {
  const mark = getMark()
  const parts: string[] = []
  let from = 0
  for (const { start, end } of numbers) {
    parts.push(text.slice(from, start), `"${mark}${text.slice(start, end)}"`)
    from = end
  }
  parts.push(text.slice(from))
  return parts.join('')
}

/** Puts a `JsonNumber` in the place of each marked string, in place. In steps: what is nested deep would overflow the stack. */
export function restoreNumbers(value: unknown): unknown {
  const mark = getMark()
  const restore = (each: unknown): unknown => {
    if (typeof each === 'string') return each.startsWith(mark) ? new JsonNumber(each.slice(mark.length)) : each
    if (typeof each === 'object' && each !== null) waiting.push(each as Record<string, unknown>)
    return each
  }
  const waiting: Record<string, unknown>[] = []
  const root = restore(value)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    // The members are own properties, `__proto__` among them, so an assignment reaches no setter.
    for (const key of Object.keys(next)) {
      const member = next[key]
      const restored = restore(member)
      if (restored !== member) next[key] = restored
    }
  }
  return root
}
