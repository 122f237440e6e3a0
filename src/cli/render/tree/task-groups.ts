import type { EventFor, TaskStatus } from '../../../events/events.ts'
import { formatCount } from '../text.ts'

/** Number of failed children that a view can open; further ones are only counted. */
const MAX_FAILED = 100

/** The children of one task, as far as a view needs them. */
export interface TaskGroup {
  /** `rounds`: of a `repeat`; `tasks`: of a workflow. */
  readonly kind: 'items' | 'rounds' | 'tasks'
  readonly parentId: string
  /** Number of items of a `forEach`. */
  readonly itemCount: number | undefined
  /** Those so far, in their order. */
  readonly children: string[]
  readonly running: Set<string>
  /** The first that failed. */
  readonly failed: string[]
  failedCount: number
  endedCount: number
}

/** The children to open below a task. */
export interface OpenedChildren {
  readonly ids: readonly string[]
  /** A line about the omitted ones. */
  readonly rest?: string
}

/** The children of every parent. An event costs O(1) for each task that it names. */
export class TaskGroups {
  readonly #groups = new Map<string, TaskGroup>()
  readonly #parents = new Map<string, TaskGroup>()

  of(taskId: string): TaskGroup | undefined {
    return this.#groups.get(taskId)
  }

  clear(): void {
    this.#groups.clear()
    this.#parents.clear()
  }

  /** A `forEach` starts. */
  open(parentId: string, itemCount: number): void {
    this.#group(parentId, 'items', itemCount)
  }

  add(
    parentId: string,
    { taskId, index }: Pick<EventFor<'tasks_added'>['data']['tasks'][number], 'taskId' | 'index'>,
  ): void {
    const group = this.#group(parentId, index === undefined ? 'tasks' : 'rounds')
    group.children.push(taskId)
    this.#parents.set(taskId, group)
  }

  start(taskId: string): void {
    this.#parents.get(taskId)?.running.add(taskId)
  }

  end(taskId: string, status: TaskStatus): void {
    const group = this.#parents.get(taskId)
    if (group === undefined) return
    group.running.delete(taskId)
    group.endedCount += 1
    if (status !== 'error') return
    group.failedCount += 1
    if (group.failed.length < MAX_FAILED) group.failed.push(taskId)
  }

  #group(parentId: string, kind: TaskGroup['kind'], itemCount?: number): TaskGroup {
    let group = this.#groups.get(parentId)
    if (group === undefined) {
      const none = { children: [], running: new Set<string>(), failed: [], failedCount: 0, endedCount: 0 }
      group = { kind, parentId, itemCount, ...none }
      this.#groups.set(parentId, group)
    }
    return group
  }
}

/** `14/25, 2 running, 1 failed`. */
export function describeGroup({ kind, itemCount, children, running, failedCount, endedCount }: TaskGroup): string {
  const size = formatCount(itemCount ?? children.length)
  const counts = kind === 'rounds' ? [`round ${size}`] : [`${formatCount(endedCount)}/${size}`]
  if (running.size > 0 && kind !== 'rounds') counts.push(`${formatCount(running.size)} running`)
  if (failedCount > 0) counts.push(`${formatCount(failedCount)} failed`)
  return counts.join(', ')
}

/**
 * Chooses what to open below a parent, in at most `lines` lines: of a fan-out the items that failed, of a repetition the last
 * round until it succeeds, of a workflow its tasks, or if they are too many those that failed and those that run.
 * The cost depends on `lines`, never on the number of children.
 */
export function openChildren(
  { kind, children, running, failed, failedCount }: TaskGroup,
  lines: number,
): OpenedChildren {
  if (lines <= 0) return { ids: [] }
  if (kind === 'items') {
    if (failedCount <= Math.min(lines, failed.length)) return { ids: failed }
    const ids = failed.slice(0, lines - 1)
    return { ids, rest: `… ${formatCount(failedCount - ids.length)} more failed` }
  }
  if (kind === 'rounds') {
    const last = children.at(-1) as string
    return { ids: running.has(last) || failed.includes(last) ? [last] : [] }
  }
  if (children.length <= lines) return { ids: children }
  const ids = failed.slice(0, lines - 1)
  for (const id of running) {
    if (ids.length === lines - 1) break
    ids.push(id)
  }
  return { ids, rest: `… ${formatCount(children.length - ids.length)} more` }
}
