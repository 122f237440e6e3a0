import type { EventFor } from '../../events/events.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { listOpenInputs } from '../../events/inputs.ts'
import { answerOf } from '../answer-task.ts'
import { readArguments } from '../options.ts'
import { isShown } from '../shown-tasks.ts'
import { formatTextId, readText } from '../views.ts'
import { toEndParts } from './end-parts.ts'
import { startText, toDagPart, toToolInput } from './parts.ts'
import { toQuestionParts } from './question-parts.ts'
import type { UIMessageOptions, UIMessagePart } from './ui-message-part.ts'

/** The parts from which a message begins where the earlier events are gone. Text that was streamed is gone with them. */
export function restoreParts(state: ExecutionState, options: UIMessageOptions): readonly UIMessagePart[] {
  const { executionId, tokenUsage } = state
  const messageMetadata = { executionId, ...(tokenUsage !== undefined && { tokenUsage }) }
  const parts: UIMessagePart[] = []
  for (const task of state.tasks.values()) {
    if (task.attempts > 0 || task.result !== undefined) restoreTask(parts, task, state, options)
  }
  for (const question of listOpenInputs(state.inputs)) parts.push(...toQuestionParts(question, state, options))
  const begin: UIMessagePart[] = [{ type: 'start', messageId: executionId, messageMetadata }, { type: 'start-step' }]
  // The end of a task without parts is one of many changes of the whole.
  return [...begin, toDagPart(state), ...parts.filter(({ type }) => type !== 'data-dag')]
}

function restoreTask(parts: UIMessagePart[], task: TaskState, state: ExecutionState, options: UIMessageOptions): void {
  const { taskId, tool = taskId, attempts, retriedAttempt, result } = task
  if (attempts > 0 && isShown(state, taskId)) parts.push(toToolInput(taskId, tool, readArguments(options, taskId)))
  if (attempts > 0 && retriedAttempt !== attempts && taskId === answerOf(state, options.answer)) {
    parts.push(startText(taskId, attempts))
    const text = result?.status === 'success' ? readText(result.output) : undefined
    if (text !== undefined) parts.push({ type: 'text-delta', id: formatTextId(taskId, attempts), delta: text })
  }
  if (result === undefined) return
  const data = { ...result, executionId: state.executionId, timestamp: '' } as EventFor<'task_complete'>['data']
  parts.push(...toEndParts({ type: 'task_complete', data }, state, options))
}
