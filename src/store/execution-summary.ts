import type { TokenUsage } from '../events/token-usage.ts'

/** Summary of an execution for lists, beside its record. Fields are absent where they would need the whole log. */
export interface ExecutionSummary {
  /** Name of its workflow. */
  readonly name?: string
  readonly totalTasks?: number
  /** Present once it has ended. A server also reports the counts of executions that it runs. */
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly toleratedCount?: number
  /** Time of its first event, ISO 8601. */
  readonly startedAt?: string
  /** Time of its last event, ISO 8601. */
  readonly endedAt?: string
  /** Running time, ms. Present once it has ended. */
  readonly executionTimeMs?: number
  /** Tokens and cost, if tools reported any. Present once it has ended; a server also has those of executions that it runs. */
  readonly tokenUsage?: TokenUsage
}

/** The inputs of a summary. */
export interface SummaryParts {
  /** The document, JSON. */
  readonly workflow?: string | undefined
  /** ISO 8601. */
  readonly startedAt?: string | undefined
  /** The data of its last event, JSON; only if it has ended. */
  readonly end?: string | undefined
}

const COUNTS = ['totalTasks', 'successCount', 'errorCount', 'skippedCount', 'cancelledCount', 'toleratedCount'] as const

/** Builds a summary. Damaged or missing parts are omitted. */
export function summarize({ workflow, startedAt, end }: SummaryParts): ExecutionSummary {
  const document = parseObject(workflow)
  const data = parseObject(end)
  const { name, tasks, finally: last } = document
  const { timestamp, totalExecutionTimeMs, tokenUsage } = data
  const counts = COUNTS.filter(count => typeof data[count] === 'number').map(count => [count, data[count]])
  return {
    ...(typeof name === 'string' && { name }),
    ...(Array.isArray(tasks) && { totalTasks: tasks.length + (Array.isArray(last) ? last.length : 0) }),
    ...(Object.fromEntries(counts) as Partial<Record<(typeof COUNTS)[number], number>>),
    ...(startedAt !== undefined && { startedAt }),
    ...(typeof timestamp === 'string' && { endedAt: timestamp }),
    ...(typeof totalExecutionTimeMs === 'number' && { executionTimeMs: totalExecutionTimeMs }),
    ...(typeof tokenUsage === 'object' && tokenUsage !== null && { tokenUsage: tokenUsage as TokenUsage }),
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
