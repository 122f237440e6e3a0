import { JsonValue } from '../../events/json-value.ts'
import type { ItemSource } from '../../workflow/checked-document.ts'
import { resolveTemplate, type Scope } from '../../workflow/template.ts'

/** The items of a fan-out. Each is made when it is asked for, so that no product of lists stands in memory. */
export interface Items {
  readonly count: number
  at(index: number): JsonValue
}

/** What should be a list of items is none. */
export class InvalidItemsError extends Error {
  override readonly name: string = 'InvalidItemsError'
  readonly code = 'INVALID_ITEMS' as const
}

/** @throws InvalidItemsError; whatever `resolveTemplate` throws */
export function resolveItems(source: ItemSource, scope: Scope): Items {
  if (source.kind === 'list') {
    const list = readList(resolveTemplate(source.list, scope).value, '`forEach`')
    return { count: list.length, at: index => JsonValue.from(list[index]) }
  }
  const { keys } = source
  const lists = source.lists.map((list, at) =>
    readList(resolveTemplate(list, scope).value, `\`forEach.${keys[at] as string}\``),
  )
  return {
    count: lists.reduce((product, { length }) => product * length, 1),
    at: index => JsonValue.from(pick(keys, lists, index)),
  }
}

function readList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  const found = value === null ? '`null`' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
  throw new InvalidItemsError(`Expected ${name} to be an array, got ${found}`)
}

/** One combination: the last key changes fastest. */
function pick(keys: readonly string[], lists: readonly (readonly unknown[])[], index: number): object {
  const values: [string, unknown][] = []
  let left = index
  for (let at = keys.length - 1; at >= 0; at--) {
    const list = lists[at] as readonly unknown[]
    values.unshift([keys[at] as string, list[left % list.length]])
    left = Math.floor(left / list.length)
  }
  return Object.fromEntries(values)
}
