import type { ExecutionResult, SSEEvent } from '../../src/index.ts'

/** Each event in a few words: its type, its task, the attempt after the first, and how a task or the execution ended. */
export function outline(events: readonly SSEEvent[]): string[] {
  return events.map(({ type, data }) => {
    const {
      taskId,
      attempt = 1,
      status,
      code,
    } = data as {
      taskId?: string
      attempt?: number
      status?: string
      code?: string
    }
    const words = [type, taskId, attempt > 1 ? attempt : undefined, status, status === 'error' ? code : undefined]
    return words.filter(word => word !== undefined).join(' ')
  })
}

/** How each task ended, in document order: `a success`, `b error TOOL_ERROR`. */
export function endings(result: ExecutionResult): string[] {
  return result.results.map(({ taskId, status, code, causedBy }) =>
    [taskId, status, status === 'error' && code, causedBy && `by ${causedBy}`].filter(Boolean).join(' '),
  )
}

/** The counts of a result. */
export function counts(result: ExecutionResult): Record<string, number> {
  const { totalTasks, successCount, errorCount, skippedCount, cancelledCount } = result
  return { totalTasks, successCount, errorCount, skippedCount, cancelledCount }
}
