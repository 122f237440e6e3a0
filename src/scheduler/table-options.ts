import type { Schedule } from '../events/events.ts'

/** The options of an execution that its table follows. */
export interface TableOptions {
  readonly schedule: Schedule
  readonly maxConcurrency: number
  readonly onTaskError: 'continue' | 'fail-fast'
}

/** When a failed task is due again. */
export interface RetryDelay {
  /** When its attempt failed, ms since 1970. */
  readonly at: number
  readonly delayMs: number
}
