import { JsonValue } from '../../events/json-value.ts'
import type { ItemSource } from '../../workflow/checked-document.ts'
import { resolveTemplate, type Scope, shareReference, type Template } from '../../workflow/template.ts'

/** The items of a fan-out. Each is created on access, so that a product of lists is never held in memory. */
export interface Items {
  readonly count: number
  at(index: number): JsonValue
}

/** The error of a value that is not a list of items. */
export class InvalidItemsError extends Error {
  override readonly name: string = 'InvalidItemsError'
  readonly code = 'INVALID_ITEMS' as const
}

/** A list whose elements are read one by one. */
interface List {
  readonly length: number
  at(index: number): unknown
}

/** @throws InvalidItemsError; whatever `resolveTemplate` throws */
export function resolveItems(source: ItemSource, scope: Scope): Items {
  if (source.kind === 'list') {
    const list = readList(source.list, scope, '`forEach`')
    return { count: list.length, at: index => JsonValue.from(list.at(index)) }
  }
  const { keys } = source
  const lists = source.lists.map((list, at) => readList(list, scope, `\`forEach.${keys[at] as string}\``))
  return {
    count: lists.reduce((product, { length }) => product * length, 1),
    at: index => JsonValue.from(pick(keys, lists, index)),
  }
}

/** Elements are read in place: the list of an output is not copied. */
function readList(template: Template, scope: Scope, name: string): List {
  const share = shareReference(template, scope)
  if (share === undefined) return expectArray(resolveTemplate(template, scope).value, name)
  const { length } = expectArray(share(), name)
  return { length, at: index => (share() as readonly unknown[])[index] }
}

function expectArray(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  const found = value === null ? '`null`' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
  throw new InvalidItemsError(`Expected ${name} to be an array, got ${found}`)
}

/** One combination: the last key changes fastest. */
function pick(keys: readonly string[], lists: readonly List[], index: number): object {
  const values: [string, unknown][] = []
  let left = index
  for (let at = keys.length - 1; at >= 0; at--) {
    const list = lists[at] as List
    values.unshift([keys[at] as string, list.at(left % list.length)])
    left = Math.floor(left / list.length)
  }
  return Object.fromEntries(values)
}
