import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import type { PendingSettlement } from '../scheduler/pending-settlements.ts'
import type { TaskColumns } from '../scheduler/task-columns.ts'
import { cutMessage } from './emissions.ts'

/** Why a task ends early. */
export interface Abortion {
  readonly message: string
  /** The code with which it fails; absent when it is cancelled. */
  readonly code?: string
}

/** A task that ends. */
export interface EndedTask {
  readonly task: PlannedTask
  readonly index: number
  /** Of its last attempt. */
  readonly number: number
}

/** The fields that every event has. */
export interface Stamp {
  readonly executionId: string
  readonly timestamp: string
}

/** The data of `task_start`. */
export function describeStart(
  { executionId, timestamp }: Stamp,
  { id, tool, layer }: PlannedTask,
  attempt: number,
): LoggedData<'task_start'> {
  // Hot path, here and below: objects with one constant shape are created and read fastest.
  return { executionId, timestamp, taskId: id, tool: tool.name, layer, attempt }
}

/**
 * The data of the `task_complete` that ends a task with this report.
 * @param abortion why it ends early, if it does
 * @param now by the monotonic clock, ms
 */
export function describeCompletion(
  { executionId, timestamp }: Stamp,
  { task, index, number: attempts }: EndedTask,
  report: AttemptReport,
  abortion: Abortion | undefined,
  columns: TaskColumns,
  now: number,
): LoggedData<'task_complete'> {
  const taskId = task.id
  const tool = task.tool.name
  const spentMs = columns.spentMs[index] as number
  const executionTimeMs = spentMs === 0 ? report.executionTimeMs : round(spentMs + report.executionTimeMs)
  const waitMs = columns.waitMs(index, now, report.executionTimeMs)
  if (report.status === 'success') {
    const { status, output } = report
    return { executionId, timestamp, taskId, tool, status, output, attempts, executionTimeMs, waitMs }
  }
  const isCancelled = report.status === 'cancelled'
  const status = isCancelled && abortion?.code === undefined ? 'cancelled' : 'error'
  const code = isCancelled ? (abortion?.code ?? 'CANCELLED') : report.code
  const error = cutMessage(isCancelled ? (abortion?.message ?? 'Cancelled') : report.message)
  const isTolerated = task.optional !== undefined && !isCancelled
  const failure = { taskId, tool, status, error, code, attempts, executionTimeMs, waitMs } as const
  const abandoned = report.abandoned && { abandoned: true as const }
  return { executionId, timestamp, ...failure, ...abandoned, ...(isTolerated && { optional: true as const }) }
}

/** The data of the `task_complete` of a task that ends without running. */
export function describeEnding(
  { executionId, timestamp }: Stamp,
  { id, tool }: Pick<PlannedTask, 'id' | 'tool'>,
  index: number,
  { status, code, error, causedBy }: PendingSettlement,
  columns: TaskColumns,
  now: number,
): LoggedData<'task_complete'> {
  const reason = { status, error, code, ...(causedBy !== undefined && { causedBy }) }
  const attempts = columns.attempts[index] as number
  const executionTimeMs = columns.spentMs[index] as number
  const cost = { attempts, executionTimeMs, waitMs: columns.waitMs(index, now) }
  return { executionId, timestamp, taskId: id, tool: tool.name, ...reason, ...cost }
}
