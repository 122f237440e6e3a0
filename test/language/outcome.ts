import type { Json } from './reference-template.ts'

/** How a task, an item, a round or a task of a sub-workflow ended. */
export interface Ending {
  readonly status: 'success' | 'error' | 'skipped'
  /** Present unless it succeeded. */
  readonly code?: string
  /** Present if it succeeded. */
  readonly output?: Json
  /** Of a call of a tool: attempts made. */
  readonly attempts?: number
  readonly children?: readonly Outcome[]
  /**
   * Present on a fan-out that exceeded its tolerance: how many failures were allowed. Which items were made, and which of
   * them were aborted, depends on the schedule. Its children here are how each item ends if nothing stops it.
   */
  readonly exceeded?: number
}

/** An ending with its place in the execution. */
export interface Outcome extends Ending {
  readonly taskId: string
  readonly children: readonly Outcome[]
  /** The tool that events name; `workflow` or `workflow:NAME` for a sub-workflow. */
  readonly tool: string
  readonly kind: 'tool' | 'forEach' | 'repeat' | 'workflow'
  /** Full ids of the tasks that settle before it. */
  readonly dependsOn: readonly string[]
  /** Topological layer within its workflow; those of `finally` tasks come last. */
  readonly layer: number
  readonly isFinally: boolean
  /** Present if its failure was tolerated: what dependents read. */
  readonly substitute?: Json
  /** Of a fan-out. */
  readonly concurrency?: number
}

/** The counts of an execution. */
export interface Counts {
  readonly totalTasks: number
  readonly successCount: number
  readonly errorCount: number
  readonly skippedCount: number
  readonly cancelledCount: number
  readonly toleratedCount: number
}

/** Whether it failed in a way that counts: by itself without being tolerated, or because of an ancestor. */
export function isFailure({ status, code, substitute }: Outcome): boolean {
  return status === 'error' ? substitute === undefined : status === 'skipped' && code === 'DEPENDENCY_FAILED'
}

/** Whether it was skipped, and that is no failure. */
export function isHarmlessSkip({ status, code }: Outcome): boolean {
  return status === 'skipped' && code !== 'DEPENDENCY_FAILED'
}

/** The status that tasks of one workflow amount to. */
export function computeStatus(tasks: readonly Outcome[]): 'success' | 'partial' | 'error' {
  if (!tasks.some(isFailure)) return 'success'
  return tasks.some(({ status }) => status === 'success') ? 'partial' : 'error'
}

/** All outcomes, parents before their children. */
export function flatten(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.flatMap(outcome => [outcome, ...flatten(outcome.children)])
}

/** Whether which children there are, and how they end, depends on the schedule. */
export function isCountable(outcomes: readonly Outcome[]): boolean {
  return flatten(outcomes).every(({ exceeded }) => exceeded === undefined)
}

/** Counts of all tasks, children and parents. Determined only if `isCountable`. */
export function count(outcomes: readonly Outcome[]): Counts {
  const all = flatten(outcomes)
  const countOf = (status: Outcome['status']): number => all.filter(each => each.status === status).length
  return {
    totalTasks: all.length,
    successCount: countOf('success'),
    errorCount: countOf('error'),
    skippedCount: countOf('skipped'),
    cancelledCount: 0,
    toleratedCount: all.filter(({ substitute }) => substitute !== undefined).length,
  }
}

/** The layers of a workflow as its `execution_start` tells them: ids in document order, those of `finally` last. */
export function toLayers(tasks: readonly Outcome[]): { layers: string[][]; finallyFrom?: number } {
  const size = Math.max(...tasks.map(({ layer }) => layer)) + 1
  const layers = Array.from({ length: size }, (_, at) =>
    tasks.filter(({ layer }) => layer === at).map(({ taskId }) => taskId),
  )
  const finallyFrom = tasks.find(({ isFinally }) => isFinally)?.layer
  return { layers, ...(finallyFrom !== undefined && { finallyFrom }) }
}
