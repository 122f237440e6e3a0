import type { ExecutionState } from '../../events/execution-state.ts'
import { formatTextId, toDagView } from '../views.ts'
import type { UIMessagePart } from './ui-message-part.ts'

export function startText(taskId: string, attempt: number): UIMessagePart {
  const id = formatTextId(taskId, attempt)
  // A text of a message has no id: the metadata tells the texts of void attempts from others.
  return { type: 'text-start', id, providerMetadata: { dagstream: { textId: id } } }
}

export function endText(taskId: string, attempt: number): UIMessagePart {
  return { type: 'text-end', id: formatTextId(taskId, attempt) }
}

export function toToolInput(taskId: string, toolName: string, input: unknown): UIMessagePart {
  return { type: 'tool-input-available', toolCallId: taskId, toolName, input, dynamic: true, providerExecuted: true }
}

export function toDagPart(state: ExecutionState): UIMessagePart {
  return { type: 'data-dag', id: state.executionId, data: toDagView(state) }
}
