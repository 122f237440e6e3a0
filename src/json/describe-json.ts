import { describeValue } from '../errors.ts'
import { JsonNumber } from './json-number.ts'

/** `describeValue` for values that may be a `JsonNumber`, which is shown as a number. */
export function describeJson(value: unknown): string {
  if (!(value instanceof JsonNumber)) return describeValue(value)
  const { text } = value
  return `\`${text.length > 40 ? `${text.slice(0, 39)}…` : text}\` (number)`
}

/** Whether a JSON value is an object: not an array, `null` or a `JsonNumber`. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}
