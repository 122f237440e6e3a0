import { replaceJsonNumbers } from './replace-numbers.ts'
import { JsonNumber } from './json-number.ts'
import { getMark } from './mark.ts'
import { findLossyNumbers, type NumberToken } from './number-tokens.ts'

/** Replaces these numbers of a JSON text by marked strings. */
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

/** Replaces marked strings of a JSON text by digits. */
export function unmarkNumbers(text: string): string {
  const mark = getMark()
  if (!text.includes(mark)) return text
  const marked = new RegExp(`"${mark}([^"\\\\]*)"`, 'g')
  // Remaining marks are inside strings: a `toJSON` has called `JSON.stringify`.
  return text.replace(marked, '$1').replaceAll(mark, '')
}

/**
 * Replaces each marked string by a `JsonNumber`, in place. Iterative, because deep nesting would overflow the stack.
 * @returns the value, or a `JsonNumber` if the value itself is a marked string
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
      // Every key is an own property, including `__proto__`, so the assignment calls no setter.
      if (restored !== member) next[key] = restored
    }
  }
  return root
}

/**
 * Prepares JSON for a foreign parser: replaces numbers that a double loses by marked strings, for `restoreNumbers`.
 * Invalid JSON is returned unchanged, so that no error message shows a mark.
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

/** Prepares a value for a foreign writer: replaces each `JsonNumber` by a marked string, for `unmarkNumbers`. */
export function markValue(value: unknown): unknown {
  const mark = getMark()
  return replaceJsonNumbers(value, ({ text }) => mark + text)
}
