import { JsonValue } from '../events/json-value.ts'
import { JsonNumber } from '../json/json-number.ts'
import { parseJson } from '../json/parse-json.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { LIMITS } from './document.ts'
import { findValue } from './follow-path.ts'
import { EACH, type Reference } from './references.ts'

/** Compiled arguments: JSON with references. Immutable, shared by all attempts. */
export type Template = string | number | boolean | null | TemplateNode

/** A part of a template that each attempt evaluates. */
export type TemplateNode =
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly members: readonly Template[] }
  | { readonly kind: 'array'; readonly items: readonly Template[] }
  | { readonly kind: 'number'; readonly number: JsonNumber }
  | { readonly kind: 'reference'; readonly reference: Reference; readonly source: string }
  | { readonly kind: 'text'; readonly parts: readonly (string | Reference)[]; readonly source: string }

/** The values that references resolve to. */
export interface Scope {
  /** `undefined` if the execution has no input. */
  readonly input: JsonValue | undefined
  /** The output of a task, or what stands for it; `undefined` if there is neither. */
  readonly output: (taskId: string) => JsonValue | undefined
  /** The status of a task; without an id, that of the workflow so far. */
  readonly status?: ((taskId?: string) => JsonValue | undefined) | undefined
  /** `{code, message}` of a task that did not succeed. */
  readonly error?: ((taskId: string) => JsonValue | undefined) | undefined
  /** The item of a `forEach`. */
  readonly item?: JsonValue | undefined
  /** Of an item or a round. */
  readonly index?: number
  /** The output of the round before; `undefined` in the first. */
  readonly previous?: JsonValue | undefined
}

/** A reference whose path does not exist; the message names the existing keys. */
export class ReferenceNotFoundError extends Error {
  override readonly name: string = 'ReferenceNotFoundError'
  readonly code = 'REFERENCE_NOT_FOUND' as const
}

/** The total size that the references insert exceeds `LIMITS.maxInserted`. */
export class ArgumentsTooLargeError extends Error {
  override readonly name: string = 'ArgumentsTooLargeError'
  readonly code = 'INVALID_ARGUMENTS' as const
}

/** The template of absent arguments. */
export const EMPTY_TEMPLATE: Template = Object.freeze({
  kind: 'object',
  keys: Object.freeze([]),
  members: Object.freeze([]),
})

/** The arguments of one attempt. */
export interface ResolvedArguments {
  readonly value: unknown
  /** Whether they may contain a `JsonNumber`. */
  readonly mayHoldJsonNumbers: boolean
}

/**
 * Resolves the arguments of one attempt. Every object is fresh and owned by the caller; inserted text is not scanned for
 * references. Numbers that a double cannot represent are `JsonNumber`s.
 * @throws ReferenceNotFoundError, ArgumentsTooLargeError
 */
export function resolveTemplate(template: Template, scope: Scope): ResolvedArguments {
  if (template === EMPTY_TEMPLATE) return { value: {}, mayHoldJsonNumbers: false }
  const resolution: Resolution = { scope, left: LIMITS.maxInserted, mayHoldJsonNumbers: false }
  const value = resolve(template, resolution)
  return { value, mayHoldJsonNumbers: resolution.mayHoldJsonNumbers }
}

/**
 * Reads the value of a template that is one reference, as often as it is called, from the value that the scope has: no copy
 * of it is kept. The value is shared: do not change it.
 * @returns `undefined` for another template, and for a reference with `[*]`, whose value is built each time
 * @throws ReferenceNotFoundError, from the function
 */
export function shareReference(template: Template, scope: Scope): (() => unknown) | undefined {
  if (typeof template !== 'object' || template === null || template.kind !== 'reference') return undefined
  const { reference } = template
  if (reference.path.includes(EACH)) return undefined
  const root = findRoot(reference, scope)
  return () => requireValue(reference, root, '')
}

/** The source of the arguments, with references as text. Every object is fresh, except `JsonNumber`s. */
export function readSource(template: Template): unknown {
  return resolve(template, undefined)
}

/** The ids of the tasks that a template refers to, with repetitions. Linear in the template. */
export function* listReferredTasks(template: Template): Generator<string, void, undefined> {
  if (typeof template !== 'object' || template === null) return
  switch (template.kind) {
    case 'object':
      for (const member of template.members) yield* listReferredTasks(member)
      return
    case 'array':
      for (const item of template.items) yield* listReferredTasks(item)
      return
    case 'number':
      return
    case 'reference':
      yield* listTask(template.reference)
      return
    case 'text':
      for (const part of template.parts) if (typeof part !== 'string') yield* listTask(part)
      return
    default:
      template satisfies never
  }
}

function* listTask({ taskId }: Reference): Generator<string, void, undefined> {
  if (taskId !== undefined) yield taskId
}

/** The text from an unbraced reference to the next reference; `''` for a braced one. */
export function readTextBehind(parts: readonly (string | Reference)[], index: number): string {
  const reference = parts[index]
  const text = parts[index + 1]
  return typeof text === 'string' && typeof reference === 'object' && !reference.text.startsWith('${') ? text : ''
}

interface Resolution {
  readonly scope: Scope
  /** Remaining size that references may insert: a small document can multiply a large output. */
  left: number
  mayHoldJsonNumbers: boolean
}

function resolve(template: Template, resolution: Resolution | undefined): unknown {
  if (typeof template !== 'object' || template === null) return template
  switch (template.kind) {
    case 'object': {
      const { keys, members } = template
      const result: Record<string, unknown> = {}
      for (let i = 0; i < keys.length; i++) {
        setOwn(result, keys[i] as string, resolve(members[i] as Template, resolution))
      }
      return result
    }
    case 'array':
      return template.items.map(item => resolve(item, resolution))
    case 'number':
      if (resolution) resolution.mayHoldJsonNumbers = true
      return template.number
    case 'reference':
      return resolution ? readCopy(template.reference, resolution) : template.source
    case 'text':
      return resolution ? joinText(template.parts, resolution) : template.source
    default:
      return template satisfies never
  }
}

function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  // Assigning to `__proto__` would set the prototype.
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

function readCopy(reference: Reference, resolution: Resolution): unknown {
  const root = findRoot(reference, resolution.scope)
  const isExact = root?.hasExactNumbers ?? false
  if (isExact) resolution.mayHoldJsonNumbers = true
  if (root !== undefined && reference.path.length === 0) {
    spend(resolution, weighInserted(root.text), reference)
    return root.read()
  }
  const value = requireValue(reference, root, '')
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return value
  const text = isExact ? stringifyJson(value) : JSON.stringify(value)
  spend(resolution, weighInserted(text), reference)
  return isExact ? parseJson(text) : JSON.parse(text)
}

function joinText(parts: readonly (string | Reference)[], resolution: Resolution): string {
  let text = ''
  for (const [i, part] of parts.entries()) {
    if (typeof part === 'string') text += part
    else {
      const value = requireValue(part, findRoot(part, resolution.scope), readTextBehind(parts, i))
      const inserted = typeof value === 'string' ? value : stringifyJson(value)
      spend(resolution, inserted.length, part)
      text += inserted
    }
  }
  return text
}

const COMMA = 0x2c

/** Estimates memory: `{}` is two characters of JSON but much larger in memory. Counts commas in strings as values. */
function weighInserted(text: string): number {
  const first = text.charCodeAt(0)
  if (first !== 0x7b && first !== 0x5b) return text.length
  let count = 1
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) === COMMA) count += 1
  return text.length + count * 32
}

function spend(resolution: Resolution, size: number, reference: Reference): void {
  resolution.left -= size
  if (resolution.left >= 0) return
  const bound = `${LIMITS.maxInserted.toLocaleString('en')} characters, each value counted as 32 more,`
  throw new ArgumentsTooLargeError(
    `The references insert more than ${bound} together, reached at ${quoteName(reference.text)}`,
  )
}

function findRoot({ source, taskId = '' }: Reference, scope: Scope): JsonValue | undefined {
  switch (source) {
    case 'input':
      return scope.input
    case 'output':
      return scope.output(taskId)
    case 'status':
      return taskId === '' ? scope.status?.() : scope.status?.(taskId)
    case 'error':
      return scope.error?.(taskId)
    case 'item':
      return scope.item
    case 'index':
      return scope.index === undefined ? undefined : JsonValue.from(scope.index)
    case 'previous':
      return scope.previous
    default:
      return source satisfies never
  }
}

/** The value itself, possibly shared: copy it before passing it on. @throws ReferenceNotFoundError */
function requireValue(reference: Reference, root: JsonValue | undefined, behind: string): unknown {
  const found = findValue(reference, root, behind)
  if (!('missing' in found)) return found.value
  throw new ReferenceNotFoundError(found.hint === undefined ? found.missing : `${found.missing}. ${found.hint}`)
}
