import type { ExecutionStatus, FinalTaskStatus } from '../../events/events.ts'
import { addTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import { createCounters, type MutableCounters } from '../../engine/counters.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { EntryObserver, ExecutionObserver, ObservedOutcome } from '../../engine/observers/execution-observer.ts'
import { Histogram } from './histogram.ts'

/** From a store in memory to a disk that is about to fail, s. */
const APPEND_BOUNDS_S = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

/**
 * The figures of a host since its start.
 *
 * Tasks, retries and usage are counted from the log entries: the figures agree with the logs, and the entries of earlier
 * processes are not counted again.
 */
export class Meters implements ExecutionObserver {
  /** Written by the executions themselves. */
  readonly counters: MutableCounters = createCounters()
  /** Executions that ended; lost: the store failed. */
  readonly executions: Record<ExecutionStatus | 'lost', number> = {
    success: 0,
    partial: 0,
    error: 0,
    cancelled: 0,
    lost: 0,
  }
  readonly tasks: Record<FinalTaskStatus, number> = { success: 0, error: 0, skipped: 0, cancelled: 0 }
  /** Durations of appends, s. */
  readonly appends: Histogram = new Histogram(APPEND_BOUNDS_S)
  resumedCount = 0
  retryCount = 0
  /** Usage of all ended attempts. */
  usage: TokenUsage | undefined
  /** One observer for all executions: it holds no state of them. */
  readonly #entryObserver: EntryObserver = {
    onEntry: entry => this.#count(entry),
    onEnd: outcome => this.#countEnd(outcome),
  }

  observe(): EntryObserver {
    return this.#entryObserver
  }

  #count({ type, data }: LogEntry): void {
    if (type === 'task_complete') this.tasks[data.status] += 1
    else if (type === 'task_retry') this.retryCount += 1
    else if (type === 'token_usage') this.usage = addTokenUsage(this.usage, data.tokenUsage)
  }

  #countEnd(outcome: ObservedOutcome): void {
    if (outcome !== 'parked' && outcome !== 'handed_off') this.executions[outcome] += 1
  }
}
