import type { ExecutionStatus } from '../events/events.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { END, type End, isFailure } from './task-ends.ts'
import type { TaskGroup } from './task-group.ts'
import type { TaskTable } from './task-table.ts'

/**
 * Computes the status of a workflow from the ends of its own tasks without the `finally` tasks, which see it as `$STATUS`.
 *
 * Any failure that is not tolerated makes it `partial`, or `error` if nothing succeeded. It is `cancelled` if a stop with a
 * reason ended some task, or ended a plan that was not complete.
 */
export function computeStatus({ columns, graph, history, hold }: TaskTable, group: TaskGroup): ExecutionStatus {
  const { plan, base, outer } = group
  const { mainCount, tasks } = plan as ExecutionPlan
  const isCancellable = (outer === undefined ? history.stop : group.stop)?.reason !== undefined
  if (isCancellable && outer === undefined && !hold.isSealed) return 'cancelled'
  const size = outer === undefined ? graph.size : tasks.length
  const ends: End[] = []
  for (let local = 0; local < size; local++) {
    // Tasks added to the document count; tasks of other groups and `finally` tasks do not.
    if (local >= mainCount && (local < tasks.length || graph.groupOf(local) !== group)) continue
    ends.push(((columns.end[base + local] as number) - 1) as End)
  }
  return summarizeEnds(ends, isCancellable)
}

/** The status by the ends of all tasks that count. @param isCancellable whether one that was cancelled makes it `cancelled` */
export function summarizeEnds(ends: readonly End[], isCancellable: boolean): ExecutionStatus {
  let hasSuccess = false
  let hasFailure = false
  for (const end of ends) {
    if (end === END.succeeded) hasSuccess = true
    else if (end === END.cancelled && isCancellable) return 'cancelled'
    else if (isFailure(end)) hasFailure = true
  }
  if (!hasFailure) return 'success'
  return hasSuccess ? 'partial' : 'error'
}

/** The status of a workflow that has ended: a `finally` task that failed makes a success `partial`. */
export function computeFinalStatus(table: TaskTable, group: TaskGroup): ExecutionStatus {
  const status = computeStatus(table, group)
  const hasFailed = (task: number): boolean => isFailure(((table.columns.end[task] as number) - 1) as End)
  return status === 'success' && group.finallyTasks().some(hasFailed) ? 'partial' : status
}
