import type { TaskTree } from '../checked-document.ts'

/** The ids of tasks that nobody knows beforehand: it has every id. */
export const ANY_TREE: TaskTree = new (class extends Map<string, TaskTree | undefined> {
  override has(): boolean {
    return true
  }
})()

/** A planned task, as far as its ids go. */
interface IdTask {
  readonly id: string
  readonly group?: { readonly kind: string; readonly plan?: { readonly tree: TaskTree } }
}

/** The ids of the tasks of a plan, with those of the workflows that they run. */
export function describeTree(tasks: readonly IdTask[]): TaskTree {
  return new Map(tasks.map(({ id, group }) => [id, group?.kind === 'plan' ? ANY_TREE : group?.plan?.tree]))
}

/** Maximum number of looked-up ids per pair of tasks: workflows can share workflows, so that their ids multiply. */
const MAX_LOOKUPS = 100_000

/**
 * Finds an id that two tasks would have: those of the workflow of task `outer` have ids such as `outer/id`.
 * @param id of a task of the same document; it begins with `outer/`
 */
export function findClash(tree: TaskTree, outer: string, id: string): string | undefined {
  const search: Search = { left: MAX_LOOKUPS }
  const rest = id.slice(outer.length + 1)
  const nested = tree.get(outer)
  if (nested === undefined) return undefined
  if (hasTask(nested, rest, search)) return id
  const other = tree.get(id)
  if (other === ANY_TREE) return id
  return other === undefined ? undefined : findShared(nested, `${rest}/`, other, `${id}/`, search)
}

interface Search {
  left: number
}

function hasTask(tree: TaskTree, id: string, search: Search): boolean {
  search.left -= 1
  // An undecidable case counts as a clash.
  if (search.left < 0 || tree.has(id)) return true
  for (let end = id.indexOf('/'); end >= 0; end = id.indexOf('/', end + 1)) {
    const nested = tree.get(id.slice(0, end))
    if (nested !== undefined && hasTask(nested, id.slice(end + 1), search)) return true
  }
  return false
}

/** Finds a task of `other` whose id, behind `prefix`, is that of a task of `tree`. */
function findShared(
  tree: TaskTree,
  prefix: string,
  other: TaskTree,
  shown: string,
  search: Search,
): string | undefined {
  for (const [id, nested] of other) {
    if (hasTask(tree, prefix + id, search)) return shown + id
    const found = nested && findShared(tree, `${prefix}${id}/`, nested, `${shown}${id}/`, search)
    if (found !== undefined) return found
  }
  return undefined
}
