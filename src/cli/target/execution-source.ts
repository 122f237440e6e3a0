import type { SSEEventType } from '../../events/events.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import type { ListFilter } from '../../host/listing/list-filter.ts'

/** An execution as a list shows it. */
export interface ExecutionHead {
  readonly executionId: string
  /** `running`, `parked`, or how it ended. */
  readonly status: string
  /** ISO 8601; unknown where a server does not tell. */
  readonly createdAt?: string
  /** Why it is not taken up by itself any more. */
  readonly parked?: { readonly code: string; readonly message: string }
  /** Where that is known without reading all of its log. */
  readonly name?: string
  readonly totalTasks?: number
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly runningCount?: number
  /** ISO 8601. */
  readonly startedAt?: string
  readonly endedAt?: string
  /** Once it has ended. */
  readonly executionTimeMs?: number
}

/** An event as it goes over the wire. */
export interface WireEvent {
  readonly id: string
  readonly type: SSEEventType
  /** Its data, one line of JSON. */
  readonly json: string
}

/** What is known of one execution. */
export interface ExecutionLog {
  /** What was asked for, as far as it is known here; JSON. */
  readonly record: object
  /** Up to now, in order. */
  readonly events: AsyncIterable<WireEvent>
}

/** Where executions are looked at and dealt with. Of one that is not there everything rejects, with a message for people. */
export interface ExecutionSource {
  /** Those that a filter leaves, oldest first. */
  list(filter?: ListFilter): AsyncIterable<ExecutionHead>
  /** The same with its figures, where they can be had at little cost. */
  addFigures(head: ExecutionHead): Promise<ExecutionHead>
  /** How it stands; with the result once it has ended. */
  show(executionId: string): Promise<{ readonly head: ExecutionHead; readonly result?: ExecutionResult }>
  openLog(executionId: string): Promise<ExecutionLog>
  /** An output, whole, as JSON. */
  readOutput(executionId: string, taskId: string): Promise<string>
  /** Harmless after the end. @returns the status then */
  cancel(executionId: string): Promise<string>
  /** One that has neither ended nor is parked is refused. */
  delete(executionId: string): Promise<void>
  close(): Promise<void>
}
