import type { ExecutionState } from '../../events/execution-state.ts'
import { answerOf } from '../answer-task.ts'
import type { ProtocolEventFor } from '../protocol-encoder.ts'
import { isFailureShown, isShown } from '../shown-tasks.ts'
import { formatTextId, readText, showTaskOutput, toTaskView } from '../views.ts'
import { endText, startText, toDagPart } from './parts.ts'
import { isApprovalPart } from './question-parts.ts'
import type { UIMessageOptions, UIMessagePart } from './ui-message-part.ts'

/** The end of a task: of its text, if it is the answer, and of its call, if it has one. */
export function toEndParts(
  { data }: ProtocolEventFor<'task_complete'>,
  state: ExecutionState,
  options: UIMessageOptions,
): readonly UIMessagePart[] {
  const { taskId, status, attempts } = data
  const parts: UIMessagePart[] = []
  if (taskId === answerOf(state, options.answer)) {
    const text = attempts === 0 && status === 'success' ? readText(data.output) : undefined
    if (attempts > 0 && state.tasks.get(taskId)?.retriedAttempt !== attempts) parts.push(endText(taskId, attempts))
    else if (text !== undefined) {
      const delta = { type: 'text-delta', id: formatTextId(taskId, 0), delta: text } as const
      parts.push(startText(taskId, 0), delta, endText(taskId, 0))
    }
  }
  if (isShown(state, taskId)) parts.push(toEndPart(data, state, options))
  else {
    if (status === 'error' && isFailureShown(state)) {
      parts.push({ type: 'data-task', id: taskId, data: toTaskView(data) })
    }
    parts.push(toDagPart(state))
  }
  return parts
}

function toEndPart(
  data: ProtocolEventFor<'task_complete'>['data'],
  state: ExecutionState,
  options: UIMessageOptions,
): UIMessagePart {
  const { taskId, status, attempts, code, error = status } = data
  const isCall = attempts > 0
  // An approval announces the call before its first attempt.
  const isAsked = !isCall && hasApproval(state, taskId) && isApprovalPart(state, taskId, options)
  if (!isCall && !isAsked) return { type: 'data-task', id: taskId, data: toTaskView(data) }
  if (isAsked && code === 'INPUT_DECLINED') return { type: 'tool-output-denied', toolCallId: taskId }
  const of = { toolCallId: taskId, dynamic: true, providerExecuted: true } as const
  if (status !== 'success') return { type: 'tool-output-error', ...of, errorText: error }
  const shown = showTaskOutput(data)
  return { type: 'tool-output-available', ...of, output: shown.output === undefined ? shown : shown.output }
}

function hasApproval({ inputs }: ExecutionState, taskId: string): boolean {
  return inputs?.get(taskId)?.some(({ kind }) => kind === 'approval') === true
}
