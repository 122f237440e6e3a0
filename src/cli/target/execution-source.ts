import type { PatchedPlan, PlanPatch } from '../../engine/growth/patch-shape.ts'
import type { InputQuestion, SSEEventType } from '../../events/events.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import type { ForkedFrom } from '../../engine/resume/recorded-options.ts'
import type { ListFilter } from '../../host/listing/list-filter.ts'

/** An execution in a list. */
export interface ExecutionHead {
  readonly executionId: string
  /** `running`, `parked`, or the final status. */
  readonly status: string
  /** ISO 8601; absent if the server does not report it. */
  readonly createdAt?: string
  /** Reason why it is no longer resumed automatically. */
  readonly parked?: { readonly code: string; readonly message: string }
  /** What a fork was made from; not in lists. */
  readonly forkedFrom?: ForkedFrom
  /** Set where it is available without reading the whole log. */
  readonly name?: string
  readonly totalTasks?: number
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly toleratedCount?: number
  readonly runningCount?: number
  /** ISO 8601. */
  readonly startedAt?: string
  readonly endedAt?: string
  /** Set once it has ended. */
  readonly executionTimeMs?: number
}

/** An event in its wire format. */
export interface WireEvent {
  readonly id: string
  readonly type: SSEEventType
  /** Its data, one line of JSON. */
  readonly json: string
}

/** Record and events of one execution. */
export interface ExecutionLog {
  /** The submitted request, as far as the source has it; JSON. */
  readonly record: object
  /** The events so far, in order. */
  readonly events: AsyncIterable<WireEvent>
}

/** An open question with its execution. */
export type OpenInput = InputQuestion & { readonly executionId: string }

/** The answer of a person to a question. */
export type GivenAnswer = { readonly response: unknown } | { readonly decline: true }

/** A source of executions. For an unknown execution every method rejects with a message for people. */
export interface ExecutionSource {
  /** The executions that match a filter, oldest first. */
  list(filter?: ListFilter): AsyncIterable<ExecutionHead>
  /** Adds figures that are available at little cost. */
  addFigures(head: ExecutionHead): Promise<ExecutionHead>
  /** Current status; with the result once it has ended. */
  show(executionId: string): Promise<{ readonly head: ExecutionHead; readonly result?: ExecutionResult }>
  openLog(executionId: string): Promise<ExecutionLog>
  /** The complete output of a task, or of `WHOLE_EXECUTION`, as JSON. */
  readOutput(executionId: string, taskId: string): Promise<string>
  /** The open questions, of one execution or of all. */
  listInputs(executionId?: string): AsyncIterable<OpenInput>
  /** Answers or declines a question. */
  answer(executionId: string, inputId: string, answer: GivenAnswer): Promise<void>
  /** Changes the document while it runs: all of the patch, or nothing. */
  patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan>
  /** `finally` tasks run on a server; a second call ends those. No effect after the end. @returns the resulting status */
  cancel(executionId: string): Promise<string>
  /** Rejects unless the execution has ended or is parked. */
  delete(executionId: string): Promise<void>
  close(): Promise<void>
}
