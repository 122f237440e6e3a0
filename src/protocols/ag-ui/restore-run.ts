import type { EventFor } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { answerOf } from '../answer-task.ts'
import { readArguments } from '../options.ts'
import { isShown } from '../shown-tasks.ts'
import { readText } from '../views.ts'
import { toActivity } from './activity.ts'
import type { AgUiEvent, AgUiMessage, AgUiOptions } from './ag-ui-event.ts'
import { formatCallId, formatCallsId, formatMessageId, formatResultId } from './ids.ts'
import { writeResult } from './results.ts'
import { toRunStarted } from './run-events.ts'

/** What the state does not hold. */
export interface ReplayedText {
  /** The messages of the thread before the run. */
  readonly history: readonly AgUiMessage[]
  /** The text that the last attempt of the answer has streamed. */
  readonly text: string
}

/** Maximum size of the outputs in the messages, approximate bytes; further ones are references. A client takes 10 MiB a frame. */
const MAX_OUTPUTS_BYTES = 2 * 1024 * 1024

/**
 * A run as far as it has come: what is open, the activity, and the messages. A client that knows some of the messages has
 * each of them once, with its present text.
 * @param replayed absent: the text is unknown, and what a client has of it is void
 */
export function restoreRun(
  state: ExecutionState,
  options: AgUiOptions,
  replayed: ReplayedText = { history: [], text: '' },
): readonly AgUiEvent[] {
  const events: AgUiEvent[] = [toRunStarted(state, options), toActivity(state)]
  for (const { taskId, attempts, result } of state.tasks.values()) {
    if (attempts > 0 && result === undefined && isShown(state, taskId)) {
      events.push({ type: 'STEP_STARTED', stepName: taskId })
    }
  }
  const messages: AgUiMessage[] = [...replayed.history, ...listCalls(state, options)]
  const answer = findAnswer(state, options)
  if (answer !== undefined) {
    const { messageId, isOpen, output } = answer
    const content = replayed.text === '' ? (output ?? '') : replayed.text
    if (isOpen || content !== '') messages.push({ id: messageId, role: 'assistant', content })
  }
  events.push({ type: 'MESSAGES_SNAPSHOT', messages })
  // Behind it: a start makes a message where the client has none, and would change the order.
  if (answer?.isOpen) events.push({ type: 'TEXT_MESSAGE_START', messageId: answer.messageId, role: 'assistant' })
  return events
}

/** The message of the answer's last attempt; `undefined` before the first one, and after one whose text is void. */
export function findAnswer(
  state: ExecutionState,
  options: AgUiOptions,
): { readonly messageId: string; readonly isOpen: boolean; readonly output: string | undefined } | undefined {
  const taskId = answerOf(state, options.answer)
  const task = taskId === undefined ? undefined : state.tasks.get(taskId)
  if (taskId === undefined || task === undefined) return undefined
  const { attempts, retriedAttempt, result } = task
  const output = result?.status === 'success' ? readText(result.output) : undefined
  if (attempts === 0 ? output === undefined : attempts === retriedAttempt) return undefined
  return { messageId: formatMessageId(state.executionId, taskId, attempts), isOpen: result === undefined, output }
}

/** The message with all calls, and one for each result. */
function listCalls(state: ExecutionState, options: AgUiOptions): readonly AgUiMessage[] {
  const { executionId } = state
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = []
  const results: AgUiMessage[] = []
  let bytesLeft = MAX_OUTPUTS_BYTES
  for (const { taskId, attempts, tool = taskId, result } of state.tasks.values()) {
    if (attempts === 0 || !isShown(state, taskId)) continue
    const toolCallId = formatCallId(executionId, taskId)
    const written = stringifyJson(readArguments(options, taskId))
    calls.push({ id: toolCallId, type: 'function', function: { name: tool, arguments: written } })
    if (result === undefined) continue
    const content = writeResult({ ...result, executionId } as EventFor<'task_complete'>['data'], bytesLeft)
    bytesLeft = Math.max(0, bytesLeft - content.length)
    results.push({ id: formatResultId(executionId, taskId), role: 'tool', toolCallId, content })
  }
  if (calls.length === 0) return []
  return [{ id: formatCallsId(executionId), role: 'assistant', toolCalls: calls }, ...results]
}
