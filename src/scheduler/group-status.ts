import type { ExecutionStatus } from '../events/events.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { END, type End, isFailure } from './task-ends.ts'
import type { TaskGroup } from './task-group.ts'
import type { TaskTable } from './task-table.ts'

/**
 * The status of a workflow by the ends of its own tasks, so far.
 *
 * Any failure that is not tolerated makes it `partial`, or `error` if nothing succeeded; a `finally` task that failed makes
 * a success `partial`. It is `cancelled` if a reason for its stop ended some task.
 */
export function computeStatus({ columns, graph, history }: TaskTable, group: TaskGroup): ExecutionStatus {
  const { plan, base, outer } = group
  const { mainCount, tasks } = plan as ExecutionPlan
  const isRoot = outer === undefined
  const size = isRoot ? graph.size : tasks.length
  let hasSuccess = false
  let hasFailure = false
  let hasFinallyFailure = false
  for (let local = 0; local < size; local++) {
    if (local >= tasks.length && graph.groupOf(local) !== group) continue
    const end = ((columns.end[base + local] as number) - 1) as End
    if (local >= mainCount && local < tasks.length) hasFinallyFailure ||= isFailure(end)
    else if (end === END.succeeded) hasSuccess = true
    else if (end === END.cancelled && isRoot && history.stop?.reason !== undefined) return 'cancelled'
    else if (isFailure(end)) hasFailure = true
  }
  if (hasFailure) return hasSuccess ? 'partial' : 'error'
  return hasFinallyFailure ? 'partial' : 'success'
}
