import { afterTurn, isTurnSpent } from '../clock.ts'
import type {
  EventData,
  EventFor,
  ExecutionCounts,
  ExecutionStatus,
  Reason,
  TaskCode,
  TaskResult,
} from '../events/events.ts'
import { JsonValue } from '../events/json-value.ts'
import type { ExecutionState, ExecutionTotals, TaskState } from '../events/state.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'

/** A task that failed. */
export interface TaskError {
  readonly taskId: string
  readonly error: string
  readonly code: TaskCode
  readonly status: 'error'
}

/** How an execution ended. */
export interface ExecutionResult extends ExecutionCounts {
  readonly executionId: string
  readonly status: ExecutionStatus
  /** Present when a cancellation, timeout, budget, disconnect or shutdown ended any task. */
  readonly reason?: Reason
  /** In document order, one per task. */
  readonly results: readonly TaskResult[]
  /** Those that failed by themselves, in document order; skipped and cancelled ones are not among them. */
  readonly errors: readonly TaskError[]
  /** Wall time, ms. */
  readonly executionTimeMs: number
  /** How many layers the plan has. */
  readonly parallelizationLayers: number
  /** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time. */
  readonly speedup: number
  /** The longest path of measured task times: no schedule could have been faster, ms. */
  readonly criticalPathMs: number
  readonly tokenUsage?: TokenUsage
}

/** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time, finite always. */
export function calculateSpeedup(taskTimesMs: ArrayLike<number>, wallTimeMs: number): number {
  if (taskTimesMs.length === 0) return 0
  if (wallTimeMs <= 0) return 1
  let sum = 0
  for (let task = 0; task < taskTimesMs.length; task++) sum += taskTimesMs[task] as number
  return Math.round((sum / wallTimeMs) * 1000) / 1000
}

/** The longest path through the plan, of times by task index, ms. Linear. */
function computeCriticalPath(plan: ExecutionPlan, timesMs: ArrayLike<number>): number {
  const { starts, targets } = plan.dependents
  const startOf = new Float64Array(timesMs.length)
  let longest = 0
  for (const layer of plan.layerIndices) {
    for (let place = 0; place < layer.length; place++) {
      const task = layer[place] as number
      const end = (startOf[task] as number) + (timesMs[task] as number)
      if (end > longest) longest = end
      const last = starts[task + 1] as number
      for (let at = starts[task] as number; at < last; at++) {
        const dependent = targets[at] as number
        if ((startOf[dependent] as number) < end) startOf[dependent] = end
      }
    }
  }
  return Math.round(longest * 1000) / 1000
}

/** What the counts, and a reason that ended some task, amount to. */
function computeStatus(counts: ExecutionCounts, reason: Reason | undefined): ExecutionStatus {
  if (reason !== undefined) return 'cancelled'
  if (counts.successCount === counts.totalTasks) return 'success'
  return counts.successCount === 0 ? 'error' : 'partial'
}

/** The figures that an execution ends with. @param timesMs of each task, by index */
export function summarise(
  plan: ExecutionPlan,
  counts: ExecutionCounts,
  reason: Reason | undefined,
  timesMs: ArrayLike<number>,
  totalExecutionTimeMs: number,
): Omit<EventFor<'execution_complete'>['data'], keyof EventData | 'tokenUsage'> {
  return {
    status: computeStatus(counts, reason),
    ...(reason && { reason }),
    ...counts,
    totalExecutionTimeMs,
    speedup: calculateSpeedup(timesMs, totalExecutionTimeMs),
    criticalPathMs: computeCriticalPath(plan, timesMs),
    parallelizationLayers: plan.layers.length,
  }
}

/**
 * Builds the result of an ended execution from its state, in slices, so that the event loop keeps turning.
 * @param tasks in the order of the results
 */
export async function buildResult(
  tasks: readonly { readonly id: string }[],
  { executionId, status, reason, counts, totals, tokenUsage, tasks: states }: ExecutionState,
): Promise<ExecutionResult> {
  const results: TaskResult[] = []
  const errors: TaskError[] = []
  for (const { id } of tasks) {
    const result = toTaskResult((states.get(id) as TaskState).result as TaskResult)
    results.push(result)
    if (result.status === 'error') {
      errors.push({ taskId: id, error: result.error ?? '', code: result.code ?? 'TOOL_ERROR', status: 'error' })
    }
    if (results.length % 256 === 0 && isTurnSpent()) await new Promise<void>(afterTurn)
  }
  const { totalExecutionTimeMs, parallelizationLayers, speedup, criticalPathMs } = totals as ExecutionTotals
  return {
    executionId,
    status: status as ExecutionStatus,
    ...(reason && { reason: { ...reason } }),
    results,
    errors,
    executionTimeMs: totalExecutionTimeMs,
    parallelizationLayers,
    ...counts,
    speedup,
    criticalPathMs,
    ...(tokenUsage && { tokenUsage: { ...tokenUsage } }),
  }
}

/** What of a `task_complete` is the task's result, its output as a plain value of the caller's own. */
export function toTaskResult(data: TaskResult): TaskResult {
  const { taskId, tool, status, attempts, executionTimeMs, waitMs } = data
  if (status === 'success') {
    const output = data.output instanceof JsonValue ? data.output.read() : data.output
    return { taskId, tool, status, output, attempts, executionTimeMs, waitMs }
  }
  const { error, code, causedBy, abandoned } = data
  return {
    taskId,
    tool,
    status,
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(causedBy !== undefined && { causedBy }),
    attempts,
    executionTimeMs,
    waitMs,
    ...(abandoned && { abandoned }),
  }
}
