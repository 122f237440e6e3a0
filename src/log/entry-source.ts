import type { LogEntry } from '../events/log-entry.ts'

/** What a reader of an execution's events reads from: a place in the log that moves forward as entries are taken. */
export interface EntrySource {
  /**
   * Entries that can be had now, about `maxBytes` of them but at least one where there is one; empty: none yet. A promise
   * where they come from a store. Never call it again before that has settled.
   */
  take(maxBytes: number): readonly LogEntry[] | Promise<readonly LogEntry[]>
  /** True once everything has been taken and there will never be more. */
  readonly done: boolean
  /** Calls back once, when more may be had or `done` changed. Replaces an earlier callback. */
  onReadable(callback: (() => void) | undefined): void
  /** Gives the place up; harmless to repeat. */
  close(): void
}
