import type { EventFor, Schedule, SSEEventType } from '../events/events.ts'

/** The part of a log entry that is applied. Its `type` decides its `data`. */
export type AppliedEvent = {
  readonly [Type in SSEEventType]: {
    readonly type: Type
    readonly data: EventFor<Type>['data']
    /** Index of the event's task, or of the parent whose children it adds; −1 or absent to look it up by its id. */
    readonly taskIndex?: number
  }
}[SSEEventType]

/** The options that the table uses. */
export interface TableOptions {
  readonly schedule: Schedule
  readonly maxConcurrency: number
  readonly onTaskError: 'continue' | 'fail-fast'
  /** Whether the limits of tools are kept elsewhere: every ready task is taken without a permit. @defaultValue false */
  readonly areLimitsShared?: boolean
  /** Whether its plan is still being written: it does not end before `plan_sealed`. @defaultValue false */
  readonly isUnsealed?: boolean
  /** What starts before `plan_sealed`: read-only tools, or all. @defaultValue `read-only` */
  readonly eager?: 'read-only' | 'all'
}
