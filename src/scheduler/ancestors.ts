import type { PlannedTask } from '../plan/execution-plan.ts'
import type { TaskGroup } from './task-group.ts'

/** The part of a graph that leads from a task to its ancestors. */
interface Ancestry {
  groupOf(task: number): TaskGroup
  taskAt(task: number): PlannedTask | undefined
}

/** The nearest ancestor of a task with an approval: it approves all tasks below it. */
export function findApproved(graph: Ancestry, task: number): number | undefined {
  for (let { parent, outer } = graph.groupOf(task); parent >= 0; { parent, outer } = outer as TaskGroup) {
    if (graph.taskAt(parent)?.approve !== undefined) return parent
  }
  return undefined
}

/**
 * Whether the engine must decide on a task before it starts: on its condition, its approval, its children, or an earlier output.
 */
export function needsDecision(graph: Ancestry & { readonly usesLanguage: boolean }, task: number): boolean {
  const definition = graph.usesLanguage ? graph.taskAt(task) : undefined
  if (definition === undefined) return false
  const { group, when, approve, cache } = definition
  if (group !== undefined || when !== undefined || approve !== undefined || cache !== undefined) return true
  return findApproved(graph, task) !== undefined
}

/** Whether a task is a `finally` task, or inside one. */
export function isInFinally(graph: Ancestry, task: number): boolean {
  for (let group: TaskGroup | undefined = graph.groupOf(task), at = task; group !== undefined; group = group.outer) {
    if (group.isFinally(at)) return true
    at = group.parent
  }
  return false
}
