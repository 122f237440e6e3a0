import type { EventFor } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { readText, showTaskOutput } from '../views.ts'
import type { AgUiEvent } from './ag-ui-event.ts'
import { formatCallId, formatMessageId, formatResultId } from './ids.ts'

/** What a call came to: its output as text, or its error. */
export function toResult(data: EventFor<'task_complete'>['data']): AgUiEvent & { readonly type: 'TOOL_CALL_RESULT' } {
  const { executionId, taskId } = data
  const messageId = formatResultId(executionId, taskId)
  const toolCallId = formatCallId(executionId, taskId)
  return { type: 'TOOL_CALL_RESULT', messageId, toolCallId, content: writeResult(data), role: 'tool' }
}

/** @param maxBytes a larger output is shown as a reference */
export function writeResult(data: EventFor<'task_complete'>['data'], maxBytes?: number): string {
  const { status, error, code } = data
  if (status !== 'success') return JSON.stringify({ status, error, code })
  const shown = showTaskOutput(data, maxBytes)
  const { output } = shown
  if (output === undefined) return JSON.stringify(shown)
  return readText(output) ?? (output instanceof JsonValue ? output.text : stringifyJson(output))
}

/** Ends the text of the answer. One that never ran has the text of its output. */
export function endAnswer(data: EventFor<'task_complete'>['data'], state: ExecutionState): readonly AgUiEvent[] {
  const { executionId, taskId, attempts, status, output } = data
  const messageId = formatMessageId(executionId, taskId, attempts)
  const end: AgUiEvent = { type: 'TEXT_MESSAGE_END', messageId }
  if (attempts > 0) return state.tasks.get(taskId)?.retriedAttempt === attempts ? [] : [end]
  const delta = status === 'success' ? readText(output) : undefined
  if (delta === undefined) return []
  return [
    { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
    { type: 'TEXT_MESSAGE_CONTENT', messageId, delta },
    end,
  ]
}
