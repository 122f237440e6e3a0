import { backoff, type BackoffPolicy } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { ExecutionResult } from '../engine/execution-result.ts'
import type { DocumentTaskResult } from '../engine/task-results.ts'
import type { TaskResult } from '../events/events.ts'
import type { ClientEvent, ExecutionApi } from './execution-api.ts'
import { AbortScope } from './abort-scope.ts'

/** Polling interval. */
const BACKOFF: BackoffPolicy = { initialDelayMs: 500, maxDelayMs: 5000 }

/** Polls for the result, for runtimes that cannot read a response while it arrives. */
export async function pollResult(
  api: ExecutionApi,
  executionId: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<ExecutionResult> {
  const scope = new AbortScope(clock, signal)
  try {
    for (let count = 1; ; count++) {
      const result = await api.findResult(executionId, signal)
      if (result !== undefined) return result
      await scope.sleep(backoff(BACKOFF, count))
    }
  } finally {
    scope.close()
  }
}

/**
 * The closing events of an execution, derived from its result: each task's outcome, those of children before their parent's,
 * then the end. As in the result, an output that the parent's output contains is omitted.
 */
export function* buildClosingEvents(result: ExecutionResult, clock: Clock): Generator<ClientEvent, void, undefined> {
  const { executionId, results, errors: _, executionTimeMs, ...figures } = result
  const head = { executionId, timestamp: new Date(clock.wallTime()).toISOString() }
  for (const task of listEnds(results)) yield { type: 'task_complete', data: { ...head, ...task }, degraded: true }
  const data = { ...head, ...figures, totalExecutionTimeMs: executionTimeMs }
  yield { type: 'execution_complete', data, degraded: true }
}

function* listEnds(results: readonly DocumentTaskResult[]): Generator<TaskResult, void, undefined> {
  for (const { items, tasks, ...result } of results) {
    yield* listEnds(items ?? tasks ?? [])
    yield result
  }
}
