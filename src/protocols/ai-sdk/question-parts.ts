import type { EventFor, InputQuestion } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { findInput } from '../../events/inputs.ts'
import { readArguments } from '../options.ts'
import { isShown } from '../shown-tasks.ts'
import { toToolInput } from './parts.ts'
import type { UIMessageOptions, UIMessagePart } from './ui-message-part.ts'

/** Whether the approval of a task is a part of its call. */
export function isApprovalPart(state: ExecutionState, taskId: string, { version = 7 }: UIMessageOptions): boolean {
  return version > 5 && isShown(state, taskId)
}

/** An open question. An approval announces the call of its task: a request for an unknown call ends the stream. */
export function toQuestionParts(
  question: InputQuestion,
  state: ExecutionState,
  options: UIMessageOptions,
): readonly UIMessagePart[] {
  const { taskId, inputId, kind, message } = question
  if (kind !== 'approval' || !isApprovalPart(state, taskId, options)) {
    return [{ type: 'data-question', id: inputId, data: question }]
  }
  const tool = state.tasks.get(taskId)?.tool ?? options.toolOf?.(taskId) ?? taskId
  return [
    toToolInput(taskId, tool, readArguments(options, taskId)),
    { type: 'tool-approval-request', approvalId: inputId, toolCallId: taskId, reason: message },
  ]
}

/** The end of a question. That of an approval shows in the call of its task. The answer is not repeated. */
export function toClosedQuestion(
  { taskId, inputId, outcome }: EventFor<'input_resolved'>['data'],
  state: ExecutionState,
  options: UIMessageOptions,
): readonly UIMessagePart[] {
  const input = findInput(state.inputs, inputId)
  if (input === undefined || (input.kind === 'approval' && isApprovalPart(state, taskId, options))) return []
  const { response: _, ...question } = input
  return [{ type: 'data-question', id: inputId, data: { ...question, outcome } }]
}
