import { isJsonObject } from '../../json/describe-json.ts'
import { JsonNumber } from '../../json/json-number.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { describeNumber, matchesNumber, type NumberSchema } from '../../tools/retry-schema.ts'
import type { ShapeSchema, ShapeType } from './shape-schema.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import { mismatch, type Walk } from '../walk.ts'

/**
 * Reads a value by a schema. Reads each member once, so that an accessor cannot return one value to the check and another
 * to the use.
 *
 * @returns a plain copy to the depth of the schema; `undefined` if the value does not match. An object with invalid or missing
 * members is returned without them: the walk's list holds the issues.
 */
export type ShapeReader = (value: unknown, walk: Walk) => unknown

export const EXPECTED: Readonly<Record<ShapeType, string>> = {
  object: 'an object',
  array: 'an array',
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
}

export function isOfType(value: unknown, type: ShapeType): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isJsonObject(value)
  if (type === 'number' || type === 'integer') return typeof value === 'number' || value instanceof JsonNumber
  return typeof value === type
}

/** A string, or an object of another form. */
export function choose(
  { description = '' }: ShapeSchema,
  [readText, readOther]: readonly [ShapeReader, ShapeReader],
): ShapeReader {
  return (value, walk) => {
    if (typeof value === 'string') return readText(value, walk)
    return isJsonObject(value) ? readOther(value, walk) : mismatch(walk, description, value)
  }
}

export function compileEnum(values: readonly string[]): ShapeReader {
  const expected = `one of ${values.map(quoteName).join(', ')}`
  const hints = new Suggestions(values, 'values')
  return (value, walk) => {
    if (typeof value === 'string' && values.includes(value)) return value
    return mismatch(walk, expected, value, typeof value === 'string' ? hints.hintFor(value) : undefined)
  }
}

export function compileString(schema: ShapeSchema): ShapeReader {
  const { pattern, description, $comment: hint, maxLength = Number.POSITIVE_INFINITY } = schema
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  const isBounded = maxLength !== Number.POSITIVE_INFINITY
  const expected = isBounded
    ? `a string of at most ${maxLength} characters${expression === undefined ? '' : ' that is well-formed Unicode'}`
    : expression === undefined
      ? 'a string'
      : typeof schema.type === 'string'
        ? `a string of ${description ?? 'another form'}`
        : (description ?? 'another string')
  return (value, walk) =>
    typeof value === 'string' && isWithin(value, maxLength) && expression?.test(value) !== false
      ? value
      : mismatch(walk, expected, value, hint)
}

export function compileNumber(schema: ShapeSchema): ShapeReader {
  const bounds = { minimum: Number.NEGATIVE_INFINITY, ...schema } as NumberSchema
  const expected = describeNumber(bounds)
  return (value, walk) => {
    // A setting of the engine, for which a double is exact enough.
    const number = value instanceof JsonNumber ? value.valueOf() : value
    return matchesNumber(bounds, number) ? number : mismatch(walk, expected, value)
  }
}

/** Compares the length in characters (code points), each of one or two UTF-16 units. */
function isWithin(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return true
  return text.length <= 2 * maxLength && Array.from(text).length <= maxLength
}
