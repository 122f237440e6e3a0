import type { LogEntry } from '../events/log-entry.ts'
import { type StoredEntry, toEntry } from './stored-entry.ts'

/** The right to append to one execution's log, valid until another process claims it. */
export interface Lease {
  readonly executionId: string
  /** Increases with every claim, and so fences off earlier holders. */
  readonly epoch: number
}

/** The part of a store that the log uses. */
export interface LogStorage {
  /** Atomic; durable when it returns or its promise resolves. The entries are numbered from `firstSeq` without gaps. */
  append(lease: Lease, firstSeq: number, entries: readonly LogEntry[]): void | Promise<void>
  /** Entries after `afterSeq`, in order, at most `limit`; empty at the end of the log. Never waits for new entries. */
  read(executionId: string, afterSeq: number, limit: number): readonly StoredEntry[] | Promise<readonly StoredEntry[]>
  /** Stores an output that its entry only refers to, before that is appended. `taskId` is `''` for that of the workflow. */
  putOutput(lease: Lease, taskId: string, json: string): void | Promise<void>
  getOutput(executionId: string, taskId: string): string | undefined | Promise<string | undefined>
}

/** Reads up to the first gap. @throws `RECORD_UNUSABLE` for a damaged entry */
export async function readEntries(
  storage: LogStorage,
  executionId: string,
  afterSeq: number,
  limit: number,
): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (const entry of await storage.read(executionId, afterSeq, limit)) {
    if (entry.seq !== afterSeq + 1 + entries.length) break
    entries.push(toEntry(entry))
  }
  return entries
}
