import type { SSEEventType } from '../events/events.ts'

/** The events that say what the tasks of an execution took. Of `task_start` only those with an `itemCount`. */
export const TIMED_TYPES: readonly SSEEventType[] = [
  'execution_start',
  'tasks_added',
  'task_start',
  'task_retry',
  'task_complete',
  'token_usage',
]

/** An entry of such a type. */
export interface TimedEntry {
  readonly seq: number
  readonly type: string
  /** The data of the event; `output` and `layers` may be missing, and all of it if it is damaged. */
  readonly data: Readonly<Record<string, unknown>>
}
