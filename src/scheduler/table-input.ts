import type { EventData, Schedule, SSEEventType } from '../events/events.ts'

/** What of a log entry is applied. */
export interface AppliedEvent {
  readonly type: SSEEventType
  readonly data: EventData & { readonly taskId?: string }
  /** The index of its task, or of the parent whose children it adds, where that is at hand; −1 or absent to look it up by its id. */
  readonly taskIndex?: number
}

/** The options of an execution that its table follows. */
export interface TableOptions {
  readonly schedule: Schedule
  readonly maxConcurrency: number
  readonly onTaskError: 'continue' | 'fail-fast'
}
