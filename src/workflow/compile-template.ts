import { describeValue } from '../errors.ts'
import { JsonNumber } from '../json/json-number.ts'
import { LIMITS } from './document.ts'
import { type Place, PLAIN } from './place.ts'
import { parseReferences, type Reference } from './references.ts'
import { describeMalformed, suggestReference } from './reference-repair.ts'
import { guard, report, type Walk } from './walk.ts'
import { EMPTY_TEMPLATE, readTextBehind, type Template } from './template.ts'

/** A walk over the arguments of tasks. */
export interface TemplateWalk extends Walk {
  /** Whether an earlier version may have accepted the document, with its grammar of references. */
  readonly isRecorded: boolean
  /** Remaining number of values in the arguments of the whole document: shared objects can expand exponentially. */
  valuesLeft: number
  /** The objects that enclose the current value, for the detection of cycles. */
  readonly around: object[]
  /** Which references strings may hold; `literal`: none. @defaultValue PLAIN */
  place?: Place | 'literal'
  /** Receives each reference and the text after it, while `path` is that of its string. */
  onReference(reference: Reference, behind: string): void
}

/** Maximum number of values in the arguments of all tasks of a document. */
export const MAX_ARGUMENT_VALUES = 5_000_000

/**
 * Compiles a task's arguments. Reads each value once.
 * @returns the template; `undefined` if a part is not JSON, with the issue in the walk's list
 */
export function compileTemplate(value: unknown, walk: TemplateWalk): Template | undefined {
  // An exception in an earlier task may have left some.
  if (walk.around.length > 0) walk.around.length = 0
  return guard(walk, () => compile(value, walk))
}

function compile(value: unknown, walk: TemplateWalk): Template | undefined {
  walk.valuesLeft -= 1
  if (walk.valuesLeft < 0) {
    // Reported once, at the value that exceeds the limit.
    if (walk.valuesLeft === -1) {
      report(
        walk,
        'LIMIT_EXCEEDED',
        () => `The arguments contain more than ${MAX_ARGUMENT_VALUES.toLocaleString('en')} values`,
      )
    }
    return undefined
  }
  if (typeof value === 'string') return compileString(value, walk)
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return value
  if (typeof value !== 'object') {
    report(walk, 'INVALID_SHAPE', () => `Expected JSON, got ${describeValue(value)}`)
    return undefined
  }
  if (value instanceof JsonNumber) return Object.freeze({ kind: 'number', number: value })
  if (walk.around.includes(value)) {
    report(walk, 'INVALID_SHAPE', () => 'Expected JSON, got a value that contains itself')
    return undefined
  }
  if (walk.path.length >= LIMITS.maxNesting) {
    report(walk, 'LIMIT_EXCEEDED', () => `Nested deeper than ${LIMITS.maxNesting} levels of objects and arrays`)
    return undefined
  }
  walk.around.push(value)
  const template = Array.isArray(value) ? compileArray(value, walk) : compileObject(value, walk)
  walk.around.pop()
  return template
}

function compileString(value: string, walk: TemplateWalk): Template | undefined {
  const { place = PLAIN } = walk
  if (place === 'literal') return value
  const parsed = parseReferences(value, walk.isRecorded, place)
  if (parsed === value) return value
  // An escape keeps its source text beside its value.
  if (typeof parsed === 'string') {
    return Object.freeze({ kind: 'text', parts: Object.freeze([parsed]), source: value })
  }
  if ('malformed' in parsed) {
    report(
      walk,
      'INVALID_REFERENCE',
      () => describeMalformed(value, parsed),
      () => suggestReference(value, parsed),
    )
    return undefined
  }
  for (const [i, part] of parsed.entries()) {
    if (typeof part !== 'string') walk.onReference(part, readTextBehind(parsed, i))
  }
  const [first] = parsed
  if (parsed.length === 1 && typeof first === 'object') {
    return Object.freeze({ kind: 'reference', reference: first, source: value })
  }
  return Object.freeze({ kind: 'text', parts: Object.freeze(parsed), source: value })
}

function compileArray(value: readonly unknown[], walk: TemplateWalk): Template | undefined {
  const items: Template[] = []
  let isWhole = true
  for (let i = 0; i < value.length && walk.valuesLeft >= 0; i++) {
    const item = value[i]
    walk.path.push(i)
    const template = compile(item, walk)
    walk.path.pop()
    if (template === undefined) isWhole = false
    else items.push(template)
    // Only the first hole is reported, because a sparse array may have four billion.
    if (item === undefined) break
  }
  return isWhole ? Object.freeze({ kind: 'array', items: Object.freeze(items) }) : undefined
}

function compileObject(value: object, walk: TemplateWalk): Template | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  // The `Object.prototype` of any realm has no prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    report(
      walk,
      'INVALID_SHAPE',
      () => 'Expected JSON, got an instance of a class',
      () => 'Pass plain objects',
    )
    return undefined
  }
  const keys: string[] = []
  const members: Template[] = []
  let isWhole = true
  for (const key of Object.keys(value)) {
    if (walk.valuesLeft < 0) return undefined
    walk.path.push(key)
    const member = (value as Record<string, unknown>)[key]
    // An undefined member counts as absent, as in JSON.
    if (member !== undefined) {
      const template = compile(member, walk)
      if (template === undefined) isWhole = false
      else {
        keys.push(key)
        members.push(template)
      }
    }
    walk.path.pop()
  }
  if (!isWhole) return undefined
  if (keys.length === 0) return EMPTY_TEMPLATE
  return Object.freeze({ kind: 'object', keys: Object.freeze(keys), members: Object.freeze(members) })
}
