import { describeValue } from '../errors.ts'
import { JsonNumber } from './json-number.ts'

/** `describeValue` of a value that may be a `JsonNumber`, which is a number to people. */
export function describeJson(value: unknown): string {
  if (!(value instanceof JsonNumber)) return describeValue(value)
  const { text } = value
  return `\`${text.length > 40 ? `${text.slice(0, 39)}…` : text}\` (number)`
}

/** Whether a JSON value is an object: no array, no `null`, no number. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}
