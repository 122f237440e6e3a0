import { describeJson, isJsonObject } from '../json/describe-json.ts'
import { JsonNumber } from '../json/json-number.ts'
import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import { describeNumber, matchesNumber, type NumberSchema } from '../tools/retry-schema.ts'
import type { IssueCode } from './document.ts'
import type { IssueList } from './issues.ts'
import type { ShapeSchema } from './schema.ts'
import { Suggestions } from './suggestion.ts'

/** State of a walk over a document. */
export interface Walk {
  readonly issues: IssueList
  /** Path of the current value. It is formatted as a pointer only for an issue. */
  readonly path: (string | number)[]
}

/**
 * Reads a value by a schema. Reads each member once, so that an accessor cannot return one value to the check and another
 * to the use.
 *
 * @returns a plain copy to the depth of the schema; `undefined` if the value does not match. An object with invalid or missing
 * members is returned without them: the walk's list holds the issues.
 */
export type ShapeReader = (value: unknown, walk: Walk) => unknown

/** Compiles a schema into a reader. */
export function compileShape(schema: ShapeSchema): ShapeReader {
  switch (schema.type) {
    case 'object':
      return schema.properties ? compileObject(schema, schema.properties) : readAnyObject
    case 'array':
      return compileArray(schema, compileShape(schema.items as ShapeSchema))
    case 'string':
      return compileString(schema)
    case 'number':
    case 'integer':
      return compileNumber(schema)
    default:
      return schema.type satisfies never
  }
}

/** Adds an issue at the current path. Builds the message only if the issue is kept. */
export function report(
  walk: Walk,
  code: IssueCode,
  message: () => string,
  hint?: () => string,
  /** Whether the issue is about the key at the end of the path. */
  isAboutKey = false,
): void {
  const { issues } = walk
  if (issues.isFull) issues.skip()
  else issues.add(code, formatPointer(walk.path), message(), { ...(hint && { hint: hint() }), isAboutKey })
}

/** Reports that a value does not match. */
export function mismatch(walk: Walk, expected: string, value: unknown, hint?: string): undefined {
  const at = walk.path.findLast((token): token is string => typeof token === 'string')
  const subject = at === undefined ? 'the workflow' : quoteName(at)
  const message = (): string => `Expected ${subject} to be ${expected}, got ${describeJson(value)}`
  report(walk, 'INVALID_SHAPE', message, hint === undefined ? undefined : () => hint)
}

/** Runs a part of a walk in which foreign code (accessors, proxies) may throw. */
export function guard<T>(walk: Walk, read: () => T): T | undefined {
  const depth = walk.path.length
  try {
    return read()
  } catch {
    report(walk, 'INVALID_SHAPE', () => 'Expected plain data, got something that throws when it is read')
    walk.path.length = depth
    return undefined
  }
}

function readAnyObject(value: unknown, walk: Walk): unknown {
  return isJsonObject(value) ? value : mismatch(walk, 'an object', value)
}

function compileObject(schema: ShapeSchema, properties: Readonly<Record<string, ShapeSchema>>): ShapeReader {
  const readers = new Map(Object.entries(properties).map(([key, member]) => [key, compileShape(member)]))
  // What is for editors alone is no field that anyone misses.
  const names = Object.keys(properties).filter(key => !key.startsWith('$'))
  const accepted = new Suggestions(names, 'accepted fields')
  const { required = [], not } = schema
  const readObject = (value: unknown, walk: Walk): unknown => {
    if (!isJsonObject(value)) return mismatch(walk, 'an object', value)
    const copy: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      walk.path.push(key)
      const member = value[key]
      const reader = readers.get(key)
      // An undefined member counts as absent, as in JSON.
      if (member !== undefined) {
        if (reader) copy[key] = reader(member, walk)
        else
          report(
            walk,
            'INVALID_SHAPE',
            () => `Unknown field ${quoteName(key)}`,
            () => accepted.hintFor(key),
            true,
          )
      }
      walk.path.pop()
    }
    for (const key of required) {
      if (!Object.hasOwn(copy, key)) report(walk, 'INVALID_SHAPE', () => `Missing field ${quoteName(key)}`)
    }
    if (not?.required.every(key => Object.hasOwn(copy, key))) {
      const [kept, other] = not.required
      const message = (): string => `Expected one of ${quoteName(kept)} and ${quoteName(other)}, got both`
      report(walk, 'INVALID_SHAPE', message, () => `Keep ${quoteName(kept)}`)
    }
    return copy
  }
  return (value, walk) => guard(walk, () => readObject(value, walk))
}

function compileArray({ maxItems = Number.POSITIVE_INFINITY }: ShapeSchema, readItem: ShapeReader): ShapeReader {
  return (value, walk) => {
    if (!Array.isArray(value)) return mismatch(walk, 'an array', value)
    const { length } = value
    if (length > maxItems) {
      report(walk, 'LIMIT_EXCEEDED', () => `Expected at most ${maxItems.toLocaleString('en')} items, got ${length}`)
      return undefined
    }
    const copy: unknown[] = []
    for (let i = 0; i < length; i++) {
      walk.path.push(i)
      const item: unknown = value[i]
      copy.push(readItem(item, walk))
      walk.path.pop()
      // Only the first hole is reported, because a sparse array may have four billion.
      if (item === undefined) break
    }
    return copy
  }
}

function compileString(schema: ShapeSchema): ShapeReader {
  const { pattern, description, $comment: hint, maxLength = Number.POSITIVE_INFINITY } = schema
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u')
  const isBounded = maxLength !== Number.POSITIVE_INFINITY
  const expected = isBounded
    ? `a string of at most ${maxLength} characters${expression === undefined ? '' : ' that is well-formed Unicode'}`
    : expression === undefined
      ? 'a string'
      : `a string of ${description ?? 'another form'}`
  return (value, walk) =>
    typeof value === 'string' && isWithin(value, maxLength) && expression?.test(value) !== false
      ? value
      : mismatch(walk, expected, value, hint)
}

function compileNumber(schema: ShapeSchema): ShapeReader {
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
