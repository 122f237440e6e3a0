import { formatTextId } from '../views.ts'

// The messages of a thread come from many executions: each id has that of its execution, or a second turn would be added to
// the messages of the first.

export function formatCallId(executionId: string, taskId: string): string {
  return `${executionId}.${taskId}`
}

/** The message that holds all calls of an execution. */
export function formatCallsId(executionId: string): string {
  return `${executionId}.tasks`
}

export function formatResultId(executionId: string, taskId: string): string {
  return `${executionId}.${taskId}.result`
}

export function formatMessageId(executionId: string, taskId: string, attempt: number): string {
  return `${executionId}.${formatTextId(taskId, attempt)}`
}

export function formatActivityId(executionId: string): string {
  return `${executionId}.dag`
}

/** The id of a question in an interrupt. */
export function formatInterruptId(executionId: string, inputId: string): string {
  return `${executionId}.${inputId}`
}

/** The inverse of `formatInterruptId`; `undefined` for any other text. */
export function parseInterruptId(id: string): { readonly executionId: string; readonly inputId: string } | undefined {
  // The id of an execution has no dot.
  const match = /^([A-Za-z0-9_-]{1,128})\.(.+)$/s.exec(id)
  return match ? { executionId: match[1] as string, inputId: match[2] as string } : undefined
}
