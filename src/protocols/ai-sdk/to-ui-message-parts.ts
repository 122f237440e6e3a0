import type { SSEEventType } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { answerOf } from '../answer-task.ts'
import { readArguments } from '../options.ts'
import type { ProtocolEvent, ProtocolEventFor } from '../protocol-encoder.ts'
import { isLarge, isShown } from '../shown-tasks.ts'
import { formatTextId, showWorkflowOutput } from '../views.ts'
import { toEndParts } from './end-parts.ts'
import { endText, startText, toDagPart, toToolInput } from './parts.ts'
import { toClosedQuestion, toQuestionParts } from './question-parts.ts'
import { restoreParts } from './restore-parts.ts'
import type { TaskProgressView, UIMessageOptions, UIMessagePart } from './ui-message-part.ts'

/**
 * The parts of the UI message stream that an event yields: none, one or several.
 *
 * Pure: it depends on its arguments alone. The parts of all events of an execution, in order, are one message, which every
 * supported version of the package `ai` folds. No part ends the stream of a task that goes on.
 * @param state the state after the event, as `applyEvent` folds it
 */
export function toUIMessageParts(
  event: ProtocolEvent,
  state: ExecutionState,
  options: UIMessageOptions = {},
): readonly UIMessagePart[] {
  // The table has a member for each type, but the compiler cannot correlate the union.
  const translate = TRANSLATIONS[event.type] as Translate<SSEEventType> | undefined
  // Later versions may add types. An unknown part would end the stream.
  return translate === undefined ? NONE : translate(event, state, options)
}

type Translate<Type extends SSEEventType> = (
  event: ProtocolEventFor<Type>,
  state: ExecutionState,
  options: UIMessageOptions,
) => readonly UIMessagePart[]

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const NONE: readonly never[] = Object.freeze([])
const nothing = (): readonly never[] => NONE

const TRANSLATIONS: { readonly [Type in SSEEventType]: Translate<Type> } = {
  execution_start: (_, state) => [
    { type: 'start', messageId: state.executionId, messageMetadata: { executionId: state.executionId } },
    { type: 'start-step' },
    toDagPart(state),
  ],
  task_start: ({ data: { taskId, attempt, tool } }, state, options) => {
    const parts: UIMessagePart[] = []
    // Later attempts belong to the same call.
    if (attempt === 1 && isShown(state, taskId)) parts.push(toToolInput(taskId, tool, readArguments(options, taskId)))
    if (taskId === answerOf(state, options.answer)) parts.push(startText(taskId, attempt))
    return parts
  },
  // Members are named instead of spread: these are the most frequent events.
  task_progress: ({ data: { taskId, attempt, progress, total, message } }, state) => {
    if (isLarge(state)) return NONE
    const data: Writable<TaskProgressView> = { taskId, attempt, progress }
    if (total !== undefined) data.total = total
    if (message !== undefined) data.message = message
    return [{ type: 'data-progress', data, transient: true }]
  },
  info: ({ data: { taskId, attempt, level, message } }, state) => {
    if (isLarge(state)) return NONE
    const isOfTask = taskId !== undefined && attempt !== undefined
    const data = isOfTask ? { taskId, attempt, level, message } : { level, message }
    return [{ type: 'data-progress', data, transient: true }]
  },
  token: ({ data: { taskId, attempt, text } }, state, options) => {
    if (taskId === answerOf(state, options.answer)) {
      return [{ type: 'text-delta', id: formatTextId(taskId, attempt), delta: text }]
    }
    if (isLarge(state)) return NONE
    return [{ type: 'data-token', data: { taskId, attempt, text }, transient: true }]
  },
  token_usage: ({ data }) => [{ type: 'message-metadata', messageMetadata: { tokenUsage: data.executionTokenUsage } }],
  metrics: ({ data }, state, options) => {
    const { executionId: _, timestamp: __, taskId, ...metrics } = data
    if (isLarge(state) && taskId !== answerOf(state, options.answer)) return NONE
    return [{ type: 'message-metadata', messageMetadata: { metrics: { [taskId]: metrics } } }]
  },
  task_retry: ({ data: { taskId, attempt, error, code, delayMs } }, state, options) => {
    const isAnswer = taskId === answerOf(state, options.answer)
    const voids = formatTextId(taskId, attempt)
    const parts: UIMessagePart[] = isAnswer ? [endText(taskId, attempt)] : []
    if (isAnswer || isShown(state, taskId)) {
      const data = { taskId, status: 'retrying', voids, attempt, error, code, delayMs } as const
      parts.push({ type: 'data-task', id: taskId, data })
    }
    return parts
  },
  task_complete: toEndParts,
  tasks_added: (_, state) => [toDagPart(state)],
  tasks_removed: (_, state) => [toDagPart(state)],
  plan_rejected: nothing,
  plan_sealed: nothing,
  tasks_stopping: nothing,
  input_required: ({ data }, state, options) => {
    const { executionId: _, timestamp: __, ...question } = data
    return toQuestionParts(question, state, options)
  },
  input_resolved: ({ data }, state, options) => toClosedQuestion(data, state, options),
  execution_stopping: nothing,
  execution_handed_off: nothing,
  execution_resumed: nothing,
  // Its readers receive an `error` event, unless it was resumed since.
  execution_parked: nothing,
  execution_complete: ({ data }, state) => {
    const { status, reason } = data
    const dag = toDagPart(state)
    const messageMetadata = {
      status,
      ...showWorkflowOutput(data),
      ...(data.tokenUsage !== undefined && { tokenUsage: data.tokenUsage }),
    }
    if (status === 'cancelled') {
      const abort = { type: 'abort', ...(reason && { reason: reason.message }) } as const
      return [dag, abort, { type: 'finish', finishReason: 'other', messageMetadata }]
    }
    const finishReason = status === 'success' ? 'stop' : status === 'error' ? 'error' : 'other'
    return [dag, { type: 'finish-step' }, { type: 'finish', finishReason, messageMetadata }]
  },
  error: ({ data: { error, code } }) => [{ type: 'error', errorText: `${code}: ${error}` }],
  snapshot: (_, state, options) => restoreParts(state, options),
}
