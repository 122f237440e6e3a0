import type { JsonValue } from '../events/json-value.ts'
import { JsonNumber } from '../json/json-number.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { EACH, type PathStep, type Reference } from './references.ts'

/** Maximum number of keys in a message. */
const MAX_KEYS_TOLD = 20

/** Explains why a reference cannot be resolved. */
export interface MissingPlace {
  /** Names the reference, the failing step and the existing keys. */
  readonly missing: string
  /** Correct notation of the key that was probably meant. */
  readonly hint?: string
  /** Length of the part of the path that exists. */
  readonly depth: number
}

/**
 * Explains why a reference into `root` cannot be resolved; `undefined` if it can.
 * @param behind the text after the reference: `-type` may be the rest of the key `content-type`
 */
export function explainMissing(
  reference: Reference,
  root: JsonValue | undefined,
  behind: string,
): MissingPlace | undefined {
  const found = findValue(reference, root, behind)
  return 'missing' in found ? found : undefined
}

/**
 * The value that a reference leads to, possibly shared: copy it before passing it on.
 * @param behind as for `explainMissing`
 */
export function findValue(
  reference: Reference,
  root: JsonValue | undefined,
  behind: string,
): { readonly value: unknown } | MissingPlace {
  if (root !== undefined) return follow(reference, root.peek(), 0, behind)
  if (reference.isLenient) return NULL
  return { missing: `${quoteName(reference.text)} has no value: ${WITHOUT_VALUE[reference.source]}`, depth: 0 }
}

const NULL = Object.freeze({ value: null })

const WITHOUT_VALUE: Readonly<Record<Reference['source'], string>> = {
  input: 'the execution was given no input',
  output: 'the task has no output',
  status: 'the task has no status',
  error: 'the task has no error',
  item: 'there is no item',
  index: 'there is no index',
  previous: 'there is no earlier round',
}

/** Follows the path from its step `from` on. */
function follow(
  reference: Reference,
  start: unknown,
  from: number,
  behind: string,
): { readonly value: unknown } | MissingPlace {
  const { path } = reference
  let value = start
  for (let i = from; i < path.length; i++) {
    const key = path[i] as PathStep
    if (key === EACH) {
      if (Array.isArray(value)) return { value: value.map(element => followElement(reference, element, i + 1)) }
      const missing = `${quoteName(reference.text)} has no elements for \`[*]\`: ${describeKeys(value)}`
      return { missing, depth: i }
    }
    if (!hasMember(value, key)) {
      const rest = path.slice(i).map(step => (step === EACH ? '' : step))
      const hint = suggestKey(value, rest.join('.') + behind, key)
      const missing = `${quoteName(reference.text)} has no ${quoteName(key)}: ${describeKeys(value)}`
      return { missing, depth: i, ...(hint !== undefined && { hint }) }
    }
    value = (value as Record<string, unknown>)[key]
  }
  return { value }
}

/** The rest of a path within one element; null where it does not exist. */
function followElement(reference: Reference, element: unknown, from: number): unknown {
  const { path } = reference
  let value = element
  for (let i = from; i < path.length; i++) {
    const key = path[i] as PathStep
    if (key === EACH) return Array.isArray(value) ? value.map(each => followElement(reference, each, i + 1)) : null
    if (!hasMember(value, key)) return null
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function hasMember(value: unknown, key: string): boolean {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return false
  // An array's `length` is an own key, but not a JSON member.
  if (Array.isArray(value) && key === 'length') return false
  return Object.hasOwn(value, key)
}

/**
 * Suggests a key that the grammar cut: in `.content-type` the name ends before `-`.
 * @param written the path from the step on
 */
function suggestKey(value: unknown, written: string, step: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  let longest = step
  for (const key of Object.keys(value)) {
    if (key.length > longest.length && written.startsWith(key)) longest = key
  }
  if (longest === step) return undefined
  return `For the key ${quoteName(longest)} write \`[${JSON.stringify(longest)}]\``
}

function describeKeys(value: unknown): string {
  if (value === null) return 'there is `null`, which has no members'
  if (Array.isArray(value))
    return value.length === 0 ? 'the array is empty' : `the array has the indices 0 to ${value.length - 1}`
  if (value instanceof JsonNumber) return 'there is a number, which has no members'
  if (typeof value !== 'object') return `there is a ${typeof value}, which has no members`
  const keys = Object.keys(value)
  if (keys.length === 0) return 'the object is empty'
  const more = keys.length > MAX_KEYS_TOLD ? ` and ${keys.length - MAX_KEYS_TOLD} more` : ''
  return `there are ${keys.slice(0, MAX_KEYS_TOLD).map(quoteName).join(', ')}${more}`
}
