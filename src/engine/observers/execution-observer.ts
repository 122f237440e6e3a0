import type { ExecutionStatus } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'

/** The description of an execution for observers. */
export interface ObservedExecution {
  readonly executionId: string
  readonly owner?: string
  /** The name of its workflow. */
  readonly name?: string
}

/**
 * How the observation of an execution ends: with its status; `"parked"`: it resumes only by hand; `"handed_off"`: the next
 * process resumes it; `"lost"`: the store failed, and this process tries to resume it later.
 */
export type ObservedOutcome = ExecutionStatus | 'parked' | 'handed_off' | 'lost'

/** The trace of an execution that is about to start. */
export interface ExecutionTrace {
  /** W3C `traceparent` of the execution's own span: it is recorded, and given back when the execution resumes. */
  readonly traceparent: string
}

/** What an observer needs for traces, beside the execution itself. */
export interface ObservedTrace {
  /** What `begin` of the same observer returned. */
  readonly trace?: ExecutionTrace
  /** Present where the execution resumes: the `traceparent` that it was recorded with, if it had one. */
  readonly resumes?: { readonly traceparent?: string }
  /** The ids of the dependencies of the task of an entry; call it while the entry is being handed on. */
  readonly dependenciesOf: (entry: LogEntry) => readonly string[]
}

/** The observer of one execution. */
export interface EntryObserver {
  /** Receives each log entry in order, once the store has it. The entry is shared: read it only. */
  onEntry?(entry: LogEntry): void
  /** Called once, after the last entry. */
  onEnd?(outcome: ObservedOutcome): void
  /**
   * The W3C `traceparent` for an attempt: its tool sends it along. Asked once, after its `task_start` was handed on; for an attempt that
   * a worker is to run before that. The first observer that has this function is asked.
   */
  traceparentOf?(taskId: string, attempt: number): string | undefined
}

/**
 * Observes executions: those of a host, or of an executor.
 *
 * All calls are synchronous and part of the execution's own time: keep them short. An observer that throws, or returns a promise
 * that rejects, changes nothing; its first fault is logged.
 */
export interface ExecutionObserver {
  /**
   * Called before an execution is recorded, which may fail: then no other call follows.
   * @param parent W3C `traceparent` of the caller, if the request has one
   */
  begin?(execution: ObservedExecution, parent: string | undefined): ExecutionTrace | undefined
  /**
   * Called before the first entry of an execution that starts or resumes here; entries of earlier processes are not repeated.
   * @returns the observer of this execution, or `undefined` to leave it out
   */
  observe(execution: ObservedExecution, trace: ObservedTrace): EntryObserver | undefined
}
