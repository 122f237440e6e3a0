import type { TaskGraph } from './task-graph.ts'
import type { TaskGroup } from './task-group.ts'

/** The nearest ancestor of a task with an approval: it approves all tasks below it. */
export function findApproved(graph: TaskGraph, task: number): number | undefined {
  for (let { parent, outer } = graph.groupOf(task); parent >= 0; { parent, outer } = outer as TaskGroup) {
    if (graph.taskAt(parent)?.approve !== undefined) return parent
  }
  return undefined
}

/** Whether a task is a `finally` task, or inside one. */
export function isInFinally(graph: TaskGraph, task: number): boolean {
  for (let group: TaskGroup | undefined = graph.groupOf(task), at = task; group !== undefined; group = group.outer) {
    if (group.isFinally(at)) return true
    at = group.parent
  }
  return false
}
