import { replaceJsonNumbers } from './replace-numbers.ts'
import { JsonNumber } from './json-number.ts'
import { getMark } from './mark.ts'
import { findLossyNumbers, type NumberToken } from './number-tokens.ts'

/** A JSON text with marked strings in the place of these numbers. */
export function markNumbers(text: string, numbers: readonly NumberToken[]): string {
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

/** A JSON text with digits in the place of marked strings. */
export function unmarkNumbers(text: string): string {
  const mark = getMark()
  if (!text.includes(mark)) return text
  const marked = new RegExp(`"${mark}([^"\\\\]*)"`, 'g')
  // What is left stands inside a string: a `toJSON` has called `JSON.stringify` in turn.
  return text.replace(marked, '$1').replaceAll(mark, '')
}

/**
 * Puts a `JsonNumber` in the place of each marked string, in place. In steps: what is nested deep would overflow the stack.
 * @returns the value, another one where it is a marked string itself
 */
export function restoreNumbers(value: unknown): unknown {
  const mark = getMark()
  const waiting: Record<string, unknown>[] = []
  const restore = (each: unknown): unknown => {
    if (typeof each === 'string') return each.startsWith(mark) ? new JsonNumber(each.slice(mark.length)) : each
    if (typeof each === 'object' && each !== null) waiting.push(each as Record<string, unknown>)
    return each
  }
  const root = restore(value)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const key of Object.keys(next)) {
      const member = next[key]
      const restored = restore(member)
      // An own property, `__proto__` too, so an assignment reaches no setter.
      if (restored !== member) next[key] = restored
    }
  }
  return root
}

/**
 * For JSON that others parse: the text with marked strings in the place of numbers that a double loses, to be put right by
 * `restoreNumbers`. A text that is no JSON stays as it is, so that no message about it shows a mark.
 */
export function markText(text: string): string {
  const numbers = findLossyNumbers(text)
  if (numbers.length === 0) return text
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  return markNumbers(text, numbers)
}

/** For values that others write: marked strings in the place of numbers, to be put right by `unmarkNumbers`. */
export function markValue(value: unknown): unknown {
  const mark = getMark()
  return replaceJsonNumbers(value, ({ text }) => mark + text)
}
