import { parseWorkflow } from '../../engine/resume/recorded-execution.ts'
import type { TaskState } from '../../events/execution-state.ts'

/** The ids of a document's tasks, `finally` tasks last. @throws `RECORD_UNUSABLE` */
export function parseIds(workflow: string): string[] {
  const { tasks, finally: last = [] } = parseWorkflow(workflow)
  return [...tasks, ...last].map(({ id }) => id)
}

/** The ids of tasks without the children of parents. */
export function listOwnIds(tasks: Iterable<TaskState>): string[] {
  return Array.from(tasks).flatMap(({ taskId, parentId }) => (parentId === undefined ? [taskId] : []))
}
