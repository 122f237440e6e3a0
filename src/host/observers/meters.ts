import type { EventFor, ExecutionStatus, FinalTaskStatus } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { addTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import { createCounters, type MutableCounters } from '../../engine/counters.ts'
import { Histogram } from './histogram.ts'

/** From a store in memory to a disk that is about to fail, s. */
const APPEND_BOUNDS_S = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

/**
 * What a handler has counted since it was made.
 *
 * What tasks came to and used is counted as it is appended, so that it is what the logs say, and what another process
 * appended before is not counted again.
 */
export class Meters {
  /** What executions count themselves. */
  readonly counters: MutableCounters = createCounters()
  /** Executions that ended; lost: their log could not be kept. */
  readonly executions: Record<ExecutionStatus | 'lost', number> = {
    success: 0,
    partial: 0,
    error: 0,
    cancelled: 0,
    lost: 0,
  }
  readonly tasks: Record<FinalTaskStatus, number> = { success: 0, error: 0, skipped: 0, cancelled: 0 }
  readonly appends: Histogram = new Histogram(APPEND_BOUNDS_S)
  /** Requests that were answered, by status. */
  readonly answers: Map<number, number> = new Map()
  resumedCount = 0
  retryCount = 0
  /** Of all attempts that are over. */
  usage: TokenUsage | undefined

  /** Entries are in the store, `tookMs` after it was given them. */
  appended(entries: readonly LogEntry[], tookMs: number): void {
    this.appends.observe(tookMs / 1000)
    for (let at = 0; at < entries.length; at++) {
      const { type, data } = entries[at] as LogEntry
      if (type === 'task_complete') this.tasks[(data as unknown as EventFor<'task_complete'>['data']).status] += 1
      else if (type === 'task_retry') this.retryCount += 1
      else if (type === 'token_usage') {
        this.usage = addTokenUsage(this.usage, (data as unknown as EventFor<'token_usage'>['data']).tokenUsage)
      }
    }
  }

  answered(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
  }
}
