import type { TaskState } from '../../events/execution-state.ts'
import type { Fold } from '../model/fold.ts'

/** Groups with more children are folded until they are opened. */
const MAX_OPEN_CHILDREN = 60

/** A row of the timeline. */
export interface Row {
  readonly taskId: string
  readonly depth: number
  /** Number of its children, 0 for a task without any. */
  readonly childCount: number
  readonly isOpen: boolean
}

/** What the rows are chosen by. */
export interface RowFilter {
  /** Lower case; matches ids and tools. */
  readonly text: string
  /** Empty: any. */
  readonly status: string
  /** Groups that a person has opened or folded. */
  readonly opened: ReadonlyMap<string, boolean>
}

/** The rows in the order of the layers, children below their parents. With a filter: what matches, and its parents. */
export function listRows({ state, top, children }: Fold, { text, status, opened }: RowFilter): Row[] {
  const rows: Row[] = []
  const isFiltered = text !== '' || status !== ''
  const matches = (task: TaskState): boolean =>
    (status === '' || task.status === status) &&
    (text === '' || task.taskId.toLowerCase().includes(text) || (task.tool ?? '').toLowerCase().includes(text))
  /** @returns whether anything was added */
  const add = (ids: readonly string[], depth: number): boolean => {
    let isAny = false
    for (const taskId of ids) {
      const own = children.get(taskId)
      const childCount = own?.length ?? 0
      if (!isFiltered) {
        const isOpen = childCount > 0 && (opened.get(taskId) ?? childCount <= MAX_OPEN_CHILDREN)
        rows.push({ taskId, depth, childCount, isOpen })
        if (isOpen) add(own as string[], depth + 1)
        continue
      }
      const at = rows.length
      const isInside = own !== undefined && add(own, depth + 1)
      const task = state.tasks.get(taskId)
      if (!isInside && (task === undefined || !matches(task))) continue
      rows.splice(at, 0, { taskId, depth, childCount, isOpen: isInside })
      isAny = true
    }
    return isAny
  }
  add(top, 0)
  return rows
}
