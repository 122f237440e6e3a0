import type { SSEEventType } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { answerOf } from '../answer-task.ts'
import { readArguments } from '../options.ts'
import type { ProtocolEvent, ProtocolEventFor } from '../protocol-encoder.ts'
import { isLarge, isShown } from '../shown-tasks.ts'
import { ActivityChanges, findChange, toActivity } from './activity.ts'
import type { AgUiEvent, AgUiOptions } from './ag-ui-event.ts'
import { formatCallId, formatCallsId, formatMessageId } from './ids.ts'
import { restoreRun } from './restore-run.ts'
import { endAnswer, toResult } from './results.ts'
import { toRunEnd, toRunStarted } from './run-events.ts'

/**
 * The events of AG-UI that an event yields: none, one or several.
 *
 * Pure: it depends on its arguments alone. The events of all events of an execution, in order, are one run.
 * @param state the state after the event, as `applyEvent` folds it
 */
export function toAgUiEvents(
  event: ProtocolEvent,
  state: ExecutionState,
  options: AgUiOptions = {},
): readonly AgUiEvent[] {
  const events = toRunEvents(event, state, options)
  const change = findChange(event, state)
  if (change === undefined) return events
  const changes = new ActivityChanges()
  changes.add(change)
  const delta = changes.take(state)
  if (delta === undefined) return events
  // Nothing follows the end of a run.
  return change.isEnd ? [delta, ...events] : [...events, delta]
}

/** The same without the changes of the activity. */
export function toRunEvents(event: ProtocolEvent, state: ExecutionState, options: AgUiOptions): readonly AgUiEvent[] {
  // The table has a member for each type, but the compiler cannot correlate the union.
  const translate = TRANSLATIONS[event.type] as Translate<SSEEventType> | undefined
  // Later versions may add types.
  return translate === undefined ? NONE : translate(event, state, options)
}

type Translate<Type extends SSEEventType> = (
  event: ProtocolEventFor<Type>,
  state: ExecutionState,
  options: AgUiOptions,
) => readonly AgUiEvent[]

const NONE: readonly never[] = Object.freeze([])
const nothing = (): readonly never[] => NONE

const TRANSLATIONS: { readonly [Type in SSEEventType]: Translate<Type> } = {
  execution_start: (_, state, options) => [toRunStarted(state, options), toActivity(state)],
  task_start: ({ data: { executionId, taskId, attempt, tool } }, state, options) => {
    const events: AgUiEvent[] = []
    // A step stays open over its attempts: a client refuses to open it again.
    if (attempt === 1 && isShown(state, taskId)) {
      const toolCallId = formatCallId(executionId, taskId)
      const parentMessageId = formatCallsId(executionId)
      events.push(
        { type: 'STEP_STARTED', stepName: taskId },
        { type: 'TOOL_CALL_START', toolCallId, toolCallName: tool, parentMessageId },
        { type: 'TOOL_CALL_ARGS', toolCallId, delta: stringifyJson(readArguments(options, taskId)) },
        { type: 'TOOL_CALL_END', toolCallId },
      )
    }
    if (taskId === answerOf(state, options.answer)) {
      const messageId = formatMessageId(executionId, taskId, attempt)
      events.push({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' })
    }
    return events
  },
  task_progress: nothing,
  info: nothing,
  token: ({ data: { executionId, taskId, attempt, text } }, state, options) => {
    if (taskId === answerOf(state, options.answer)) {
      const messageId = formatMessageId(executionId, taskId, attempt)
      return [{ type: 'TEXT_MESSAGE_CONTENT', messageId, delta: text }]
    }
    if (isLarge(state)) return NONE
    return [{ type: 'CUSTOM', name: 'token', value: { taskId, attempt, text } }]
  },
  // The usage of the run is in its last event.
  token_usage: nothing,
  metrics: nothing,
  task_retry: ({ data: { executionId, taskId, attempt } }, state, options) => {
    if (taskId !== answerOf(state, options.answer)) return NONE
    return [{ type: 'TEXT_MESSAGE_END', messageId: formatMessageId(executionId, taskId, attempt) }]
  },
  task_complete: ({ data }, state, options) => {
    const { taskId, attempts } = data
    const events: AgUiEvent[] = []
    const isCall = attempts > 0 && isShown(state, taskId)
    if (isCall) events.push(toResult(data))
    if (taskId === answerOf(state, options.answer)) events.push(...endAnswer(data, state))
    if (isCall) events.push({ type: 'STEP_FINISHED', stepName: taskId })
    return events
  },
  tasks_added: nothing,
  tasks_removed: nothing,
  plan_rejected: nothing,
  plan_sealed: nothing,
  tasks_stopping: nothing,
  input_required: nothing,
  input_resolved: nothing,
  execution_stopping: nothing,
  execution_handed_off: nothing,
  execution_resumed: nothing,
  // Its readers receive an `error` event, unless it was resumed since.
  execution_parked: nothing,
  execution_complete: (event, state, options) => [toRunEnd(event, state, options)],
  // The only event that may be the first one.
  error: ({ data: { error, code } }) => [{ type: 'RUN_ERROR', message: error, code }],
  snapshot: (_, state, options) => restoreRun(state, options),
}
