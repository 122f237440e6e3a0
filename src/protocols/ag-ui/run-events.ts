import type { ExecutionState } from '../../events/execution-state.ts'
import { listOpenInputs } from '../../events/inputs.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import { answerOf } from '../answer-task.ts'
import type { ProtocolEventFor } from '../protocol-encoder.ts'
import { isShown } from '../shown-tasks.ts'
import { showWorkflowOutput } from '../views.ts'
import type { AgUiEvent, AgUiInterrupt, AgUiOptions, AgUiUsage } from './ag-ui-event.ts'
import { formatCallId, formatInterruptId, formatMessageId } from './ids.ts'

/** The version of the protocol that the events follow. */
const PROTOCOL_VERSION = '1.0'

export function toRunStarted({ executionId }: ExecutionState, options: AgUiOptions): AgUiEvent {
  const run = identify(executionId, options)
  return { type: 'RUN_STARTED', ...run, protocolVersion: PROTOCOL_VERSION, metadata: { executionId } }
}

/** The end of a run. Everything in it has ended before. */
export function toRunEnd(
  { data }: ProtocolEventFor<'execution_complete'>,
  state: ExecutionState,
  options: AgUiOptions,
): AgUiEvent {
  const { executionId, status, reason, errorCount, totalTasks } = data
  const usage = toUsage(state.tokenUsage)
  if (status === 'error') {
    const message = reason?.message ?? `${errorCount} of ${totalTasks} tasks failed`
    return { type: 'RUN_ERROR', message, code: reason?.code ?? 'EXECUTION_FAILED', ...usage }
  }
  const run = identify(executionId, options)
  if (status === 'cancelled') return { type: 'RUN_FINISHED', ...run, outcome: { type: 'cancelled' }, ...usage }
  const { output, outputError: _, ...reference } = showWorkflowOutput(data)
  // The protocol does not allow null.
  const result = isNull(output) ? undefined : (output ?? (Object.keys(reference).length > 0 ? reference : undefined))
  return {
    type: 'RUN_FINISHED',
    ...run,
    outcome: { type: 'success' },
    ...(result !== undefined && { result }),
    ...usage,
  }
}

/**
 * The end of a run whose execution waits only for people: closes what is open, and asks. The next run continues it.
 * @returns nothing if no question is open
 */
export function toAgUiInterrupt(state: ExecutionState, options: AgUiOptions = {}): readonly AgUiEvent[] {
  const { executionId, tasks } = state
  const open = listOpenInputs(state.inputs)
  if (open.length === 0) return []
  const events: AgUiEvent[] = []
  const answer = answerOf(state, options.answer)
  for (const { taskId, attempts, result, retriedAttempt } of tasks.values()) {
    if (attempts === 0 || result !== undefined) continue
    if (taskId === answer && retriedAttempt !== attempts) {
      events.push({ type: 'TEXT_MESSAGE_END', messageId: formatMessageId(executionId, taskId, attempts) })
    }
    if (isShown(state, taskId)) events.push({ type: 'STEP_FINISHED', stepName: taskId })
  }
  const interrupts = open.map(
    ({ taskId, inputId, kind, message, responseSchema, expiresAt, ...more }): AgUiInterrupt => {
      const isCall = (tasks.get(taskId)?.attempts ?? 0) > 0 && isShown(state, taskId)
      return {
        id: formatInterruptId(executionId, inputId),
        reason: kind === 'approval' ? 'confirmation' : 'input_required',
        message,
        ...(responseSchema !== undefined && { responseSchema }),
        ...(expiresAt !== undefined && { expiresAt }),
        ...(isCall && { toolCallId: formatCallId(executionId, taskId) }),
        metadata: { executionId, taskId, inputId, kind, ...more },
      }
    },
  )
  const outcome = { type: 'interrupt', interrupts } as const
  const usage = toUsage(state.tokenUsage)
  events.push({ type: 'RUN_FINISHED', ...identify(executionId, options), outcome, ...usage })
  return events
}

function isNull(output: unknown): boolean {
  return output instanceof JsonValue ? output.text === 'null' : output === null
}

function identify(
  executionId: string,
  { threadId = executionId, runId = executionId }: AgUiOptions,
): { readonly threadId: string; readonly runId: string } {
  return { threadId, runId }
}

function toUsage(usage: TokenUsage | undefined): { readonly usage?: readonly AgUiUsage[] } {
  if (usage === undefined) return {}
  const { totalTokensIn, totalTokensOut, totalCacheReads, totalCacheWrites } = usage
  const counts = {
    inputTokens: toCount(totalTokensIn),
    outputTokens: toCount(totalTokensOut),
    ...(totalCacheReads !== undefined && { cachedInputTokens: toCount(totalCacheReads) }),
    ...(totalCacheWrites !== undefined && { cacheWriteInputTokens: toCount(totalCacheWrites) }),
  }
  return { usage: [counts] }
}

/** A client refuses the end of a run over a fraction. */
function toCount(count: number): number {
  return Math.min(Math.round(count), Number.MAX_SAFE_INTEGER)
}
