import { writeMarked } from './mark.ts'
import { unmarkNumbers } from './marked-numbers.ts'

/**
 * `JSON.stringify`, but a `JsonNumber` is written as its digits. A value without any costs what `JSON.stringify` costs.
 * @param space as that of `JSON.stringify`
 * @returns `undefined` where `JSON.stringify` returns it: for `undefined`, functions and symbols
 * @throws TypeError as `JSON.stringify` does, for BigInts and cycles
 */
export function stringifyJson(value: unknown, space?: number): string {
  return writeJson(value, space).text as string
}

/** `stringifyJson`, and whether the text may hold digits of a `JsonNumber`. */
export function writeJson(
  value: unknown,
  space?: number,
): { readonly text: string | undefined; readonly isMarked: boolean } {
  const { text, isMarked } = writeMarked(() => JSON.stringify(value, null, space))
  return { text: isMarked && text !== undefined ? unmarkNumbers(text) : text, isMarked }
}
