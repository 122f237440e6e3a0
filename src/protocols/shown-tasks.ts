import type { ExecutionState } from '../events/execution-state.ts'

/**
 * Maximum number of tasks with parts of their own. Clients copy a message at each change of it, so that their time grows with
 * the square of its parts: `useChat` took 10 s for 2,000 tasks, an AG-UI client 14 s for 800.
 */
export const MAX_SHOWN_TASKS = 200

/** By state of more tasks, those that keep their parts: the first ones, if the document itself has no more. */
const firstTasks = new WeakMap<ExecutionState, ReadonlySet<string>>()

/** Whether the execution has more tasks than are shown. */
export function isLarge({ tasks }: ExecutionState): boolean {
  return tasks.size > MAX_SHOWN_TASKS
}

/** Whether a task has parts of its own. Invariant: the same for all events of a task. */
export function isShown(state: ExecutionState, taskId: string): boolean {
  if (!isLarge(state)) return true
  let first = firstTasks.get(state)
  if (first === undefined) firstTasks.set(state, (first = findFirst(state)))
  return first.has(taskId)
}

/** Whether a failure of a task without parts is shown: the first ones are. */
export function isFailureShown({ counts }: ExecutionState): boolean {
  return counts.errorCount <= MAX_SHOWN_TASKS
}

function findFirst({ tasks }: ExecutionState): ReadonlySet<string> {
  const first = new Set<string>()
  let ownCount = 0
  for (const { taskId, parentId } of tasks.values()) {
    if (parentId === undefined && ++ownCount > MAX_SHOWN_TASKS) return new Set()
    if (first.size < MAX_SHOWN_TASKS) first.add(taskId)
  }
  return first
}
