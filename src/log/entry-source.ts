import type { LogEntry } from '../events/log-entry.ts'

/** Source of an execution's log entries: a position in the log that advances as entries are taken. */
export interface EntrySource {
  /**
   * Takes the entries available now: about `maxBytes`, at least one if there is one, empty if there is none yet.
   * Returns a promise when the entries come from a store; do not call `take` again before it settles.
   */
  take(maxBytes: number): readonly LogEntry[] | Promise<readonly LogEntry[]>
  /** True once all entries have been taken and no more will follow. */
  readonly done: boolean
  /**
   * Registers a callback that runs once, when entries may be available or `done` changed. Replaces an earlier callback.
   */
  onReadable(callback: (() => void) | undefined): void
  /** Releases the position. Idempotent. */
  close(): void
}
