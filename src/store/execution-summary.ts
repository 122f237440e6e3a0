/** What a list tells of an execution beside its record: as much as is known without its log. */
export interface ExecutionSummary {
  /** Of its workflow. */
  readonly name?: string
  readonly totalTasks?: number
  /** Once it has ended; a server tells them of what it runs too. */
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  /** ISO 8601: its first event. */
  readonly startedAt?: string
  /** ISO 8601: its last event. */
  readonly endedAt?: string
  /** Once it has ended, ms. */
  readonly executionTimeMs?: number
}

/** What a summary is made of. */
export interface SummaryParts {
  /** The document, JSON. */
  readonly workflow?: string | undefined
  /** ISO 8601. */
  readonly startedAt?: string | undefined
  /** The data of its last event, JSON; only of what has ended. */
  readonly end?: string | undefined
}

const COUNTS = ['totalTasks', 'successCount', 'errorCount', 'skippedCount', 'cancelledCount'] as const

/** A summary of what is known; what is damaged or missing is left out. */
export function summarize({ workflow, startedAt, end }: SummaryParts): ExecutionSummary {
  const document = parseObject(workflow)
  const data = parseObject(end)
  const { name, tasks } = document
  const { timestamp, totalExecutionTimeMs } = data
  const counts = COUNTS.filter(count => typeof data[count] === 'number').map(count => [count, data[count]])
  return {
    ...(typeof name === 'string' && { name }),
    ...(Array.isArray(tasks) && { totalTasks: tasks.length }),
    ...(Object.fromEntries(counts) as Partial<Record<(typeof COUNTS)[number], number>>),
    ...(startedAt !== undefined && { startedAt }),
    ...(typeof timestamp === 'string' && { endedAt: timestamp }),
    ...(typeof totalExecutionTimeMs === 'number' && { executionTimeMs: totalExecutionTimeMs }),
  }
}

function parseObject(json: string | undefined): Readonly<Record<string, unknown>> {
  if (json === undefined) return {}
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
