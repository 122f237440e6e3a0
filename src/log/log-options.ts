import type { LogEntry } from '../events/log-entry.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import type { TailBounds } from './entry-tail.ts'

/** Options of `EventLog.restore`. */
export interface RestoreOptions {
  /** The fold of the entries that the store has evicted. */
  readonly base?: ExecutionState | undefined
  /** Whether to load outputs that their entries only refer to. @defaultValue `false` */
  readonly restoresOutputs?: boolean
  /** Receives each entry, in order. */
  readonly onEntry?: (entry: LogEntry) => void
}

/** Options of a reader's cursor. */
export interface CursorOptions {
  /** How far the reader may lag, in addition to the tail's own bounds, while the cursor is open. */
  readonly reserved?: Required<TailBounds>
  /** Whether large outputs are delivered whole instead of by reference. @defaultValue `false` */
  readonly restoresOutputs?: boolean
}
