import type { ExecutionCounts, ExecutionStatus, ExecutionTotals, Reason, TaskCode } from '../events/events.ts'
import { JsonValue } from '../events/json-value.ts'
import type { ExecutionState, TaskState } from '../events/execution-state.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { WHOLE_EXECUTION } from '../events/wire-json.ts'
import { type DocumentTaskResult, type ReadOutput, ResultTree } from './task-results.ts'

/** A task that failed. */
export interface TaskError {
  readonly taskId: string
  readonly error: string
  readonly code: TaskCode
  readonly status: 'error'
}

/** The result of an ended execution. */
export interface ExecutionResult extends ExecutionCounts {
  readonly executionId: string
  readonly status: ExecutionStatus
  /** Present when a cancellation, timeout, budget, disconnect or shutdown ended any task. */
  readonly reason?: Reason
  /** The result of each task of the document, in document order, `finally` tasks last. */
  readonly results: readonly DocumentTaskResult[]
  /** The value of the workflow's `output`; absent if the workflow declares none. */
  readonly output?: unknown
  /** Why there is no output, though the workflow declares one. */
  readonly outputError?: { readonly code: string; readonly message: string }
  /** Failed tasks in document order, without skipped and cancelled ones. */
  readonly errors: readonly TaskError[]
  /** Wall time, ms. */
  readonly executionTimeMs: number
  /** Number of layers of the plan. */
  readonly parallelizationLayers: number
  /** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time. */
  readonly speedup: number
  /** The longest path of measured task times, ms: a lower bound of every schedule. */
  readonly criticalPathMs: number
  readonly tokenUsage?: TokenUsage
}

/** The sum of task times over wall time: 0 with no tasks, 1 at zero wall time, always finite. */
export function calculateSpeedup(taskTimesMs: ArrayLike<number>, wallTimeMs: number): number {
  if (taskTimesMs.length === 0) return 0
  if (wallTimeMs <= 0) return 1
  let sum = 0
  for (let task = 0; task < taskTimesMs.length; task++) sum += taskTimesMs[task] as number
  return Math.round((sum / wallTimeMs) * 1000) / 1000
}

/** Computes the longest path through the plan from times by task index, ms; `finally` tasks follow all others. Linear. */
function computeCriticalPath(plan: ExecutionPlan, timesMs: ArrayLike<number>): number {
  const { starts, targets } = plan.dependents
  const startOf = new Float64Array(plan.tasks.length)
  let longest = 0
  plan.layerIndices.forEach((layer, depth) => {
    if (depth === plan.finallyLayer) startOf.fill(longest, plan.mainCount)
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
  })
  return Math.round(longest * 1000) / 1000
}

/**
 * Computes the figures in `execution_complete`.
 * @param timesMs time of each task of the plan, by index
 * @param attemptTimesMs time of each task that ran attempts, without parents
 */
export function summarise(
  plan: ExecutionPlan,
  timesMs: ArrayLike<number>,
  attemptTimesMs: ArrayLike<number>,
  totalExecutionTimeMs: number,
): ExecutionTotals {
  return {
    totalExecutionTimeMs,
    speedup: calculateSpeedup(attemptTimesMs, totalExecutionTimeMs),
    criticalPathMs: computeCriticalPath(plan, timesMs),
    parallelizationLayers: plan.layers.length,
  }
}

/**
 * Builds the result of an ended execution from its state, in slices, so that the event loop keeps turning.
 * @param tasks in the order of the results
 * @param readOutput reads an output that the state holds only by reference
 */
export async function buildResult(
  tasks: readonly { readonly id: string }[],
  state: ExecutionState,
  readOutput?: ReadOutput,
): Promise<ExecutionResult> {
  const { executionId, status, reason, counts, totals, tokenUsage, outputError } = state
  const isReferred = state.output === undefined && state.outputReference !== undefined
  const output = isReferred ? await readOutput?.(WHOLE_EXECUTION) : state.output
  const ended = tasks.map(({ id }) => state.tasks.get(id) as TaskState)
  const results = await (await ResultTree.of(state)).resultsOf(ended, readOutput)
  const errors: TaskError[] = []
  for (const { taskId, status: own, error = '', code = 'TOOL_ERROR', optional } of results) {
    if (own === 'error' && !optional) errors.push({ taskId, error, code, status: own })
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
    ...(output !== undefined && { output: output instanceof JsonValue ? output.read() : output }),
    ...(outputError && { outputError: { ...outputError } }),
  }
}
