interface TaskResult {
  readonly taskId: string
  readonly status: string
  readonly items?: readonly TaskResult[]
  readonly tasks?: readonly TaskResult[]
  readonly [name: string]: unknown
}

/** What a server shows of an execution that has ended. */
export interface Result {
  readonly status: string
  readonly reason?: unknown
  readonly results: readonly TaskResult[]
  readonly errors: unknown
  readonly tokenUsage?: Readonly<Record<string, number>>
  readonly [name: string]: unknown
}

/** What of a result may not depend on how often the server was killed: neither times nor attempts. */
export function readOutcome(result: unknown): unknown {
  const {
    status,
    reason,
    results,
    errors,
    totalTasks,
    successCount,
    errorCount,
    skippedCount,
    cancelledCount,
    output,
  } = result as Result
  const counts = { totalTasks, successCount, errorCount, skippedCount, cancelledCount }
  return { status, reason, tasks: results.map(readTask), errors, ...counts, output }
}

function readTask({ taskId, tool, status, output, error, code, causedBy, optional, ...nested }: TaskResult): unknown {
  const { items, tasks } = nested
  const children = { items: items?.map(readTask), tasks: tasks?.map(readTask) }
  return { taskId, tool, status, output, error, code, causedBy, optional, ...children }
}
