import { writeMarked } from './mark.ts'
import { unmarkNumbers } from './marked-numbers.ts'

/**
 * `JSON.stringify`, but a `JsonNumber` is written as its digits. No extra cost for a value without one.
 * @param space as in `JSON.stringify`
 * @returns `undefined` for `undefined`, functions and symbols, like `JSON.stringify`
 * @throws TypeError for BigInts and cycles, like `JSON.stringify`
 */
export function stringifyJson(value: unknown, space?: number): string {
  return writeJson(value, space).text as string
}

/** `stringifyJson`, plus whether the text may contain digits of a `JsonNumber`. */
export function writeJson(
  value: unknown,
  space?: number,
): { readonly text: string | undefined; readonly isMarked: boolean } {
  const { text, isMarked } = writeMarked(() => JSON.stringify(value, null, space))
  return { text: isMarked && text !== undefined ? unmarkNumbers(text) : text, isMarked }
}
