import { compileTemplate, type TemplateWalk } from '../compile-template.ts'
import type { ItemSource } from '../checked-document.ts'
import { LIMITS } from '../document.ts'
import type { Template } from '../template.ts'
import { report } from '../walk.ts'

/**
 * Checks the value of `forEach`, which has passed its shape check.
 * @returns `undefined` if it is invalid, with the issues in the walk's list
 */
export function checkItems(value: unknown, walk: TemplateWalk): ItemSource | undefined {
  if (typeof value === 'string' || Array.isArray(value)) {
    const list = checkList(value, walk)
    return list === undefined ? undefined : Object.freeze({ kind: 'list', list })
  }
  const keys = Object.keys(value as object)
  const lists: Template[] = []
  let count = 1
  for (const key of keys) {
    walk.path.push(key)
    const member = (value as Record<string, unknown>)[key]
    // The shape check has reported what is undefined.
    const list = member === undefined ? undefined : checkList(member, walk)
    if (list !== undefined) {
      lists.push(list)
      if (Array.isArray(member)) count *= member.length
    }
    walk.path.pop()
  }
  if (lists.length < keys.length) return undefined
  if (count > LIMITS.maxItems) {
    const most = LIMITS.maxItems.toLocaleString('en')
    report(walk, 'LIMIT_EXCEEDED', () => `Expected at most ${most} items, got ${count}`)
    return undefined
  }
  return Object.freeze({ kind: 'product', keys: Object.freeze(keys), lists: Object.freeze(lists) })
}

function checkList(value: unknown, walk: TemplateWalk): Template | undefined {
  const template = compileTemplate(value, walk)
  if (template === undefined || Array.isArray(value) || isReference(template)) return template
  report(
    walk,
    'INVALID_ITEMS',
    () => 'Expected an array, or a string that is exactly one reference to an array, got text',
    () => 'Write a list, or `$OUTPUT[id].path`, `$INPUT.path` and nothing else',
  )
  return undefined
}

function isReference(template: Template): boolean {
  return typeof template === 'object' && template !== null && template.kind === 'reference'
}
