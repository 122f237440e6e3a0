import type { Schedule } from '../events/events.ts'

/** The options of an execution that its table follows. */
export interface TableOptions {
  readonly schedule: Schedule
  readonly maxConcurrency: number
  readonly onTaskError: 'continue' | 'fail-fast'
}
