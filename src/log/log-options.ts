import type { LogEntry } from '../events/log-entry.ts'
import type { ExecutionState } from '../events/state.ts'
import type { TailBounds } from './entry-tail.ts'

/** How a log is restored. */
export interface RestoreOptions {
  /** What the entries add up to that the store has let go. */
  readonly base?: ExecutionState | undefined
  /** Outputs are wanted themselves, also those that their entries only refer to. */
  readonly restoresOutputs?: boolean
  /** Told of each entry, in order. */
  readonly onEntry?: (entry: LogEntry) => void
}

/** What a reader needs of its place in the log. */
export interface CursorOptions {
  /** How far behind it may be beyond the tail's own bounds, while it is open. */
  readonly reserved?: Required<TailBounds>
  /** It wants the outputs themselves, not what the wire says of large ones. */
  readonly restoresOutputs?: boolean
}
