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

/** The observer of one execution. */
export interface EntryObserver {
  /** Receives each log entry in order, once the store has it. The entry is shared: read it only. */
  onEntry?(entry: LogEntry): void
  /** Called once, after the last entry. */
  onEnd?(outcome: ObservedOutcome): void
}

/**
 * Observes the executions of a host.
 *
 * All calls are synchronous and part of the execution's own time: keep them short. An observer that throws, or returns a promise
 * that rejects, changes nothing; its first fault is logged.
 */
export interface ExecutionObserver {
  /**
   * Called before the first entry of an execution that starts or resumes here; entries of earlier processes are not repeated.
   * @returns the observer of this execution, or `undefined` to leave it out
   */
  observe(execution: ObservedExecution): EntryObserver | undefined
}
