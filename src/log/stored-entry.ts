import { recordUnusable } from '../errors.ts'
import { LogEntry } from '../events/log-entry.ts'

/** An entry as a store keeps it: `json` is the event's `data` in wire form. */
export interface StoredEntry {
  readonly seq: number
  readonly type: LogEntry['type']
  readonly json: string
}

/** @throws `RECORD_UNUSABLE` for a damaged entry */
export function toEntry(stored: StoredEntry): LogEntry {
  return stored instanceof LogEntry ? stored : LogEntry.fromJson(stored.seq, stored.type, stored.json)
}

/** The entry, which must be the one with this seq of this execution. @throws `RECORD_UNUSABLE` */
export function toNextEntry(stored: StoredEntry, executionId: string, seq: number): LogEntry {
  if (stored.seq !== seq) throw recordUnusable(`The log has no entry ${seq}`)
  const entry = toEntry(stored)
  if (entry.data.executionId === executionId) return entry
  throw recordUnusable(`Entry ${seq} of the log belongs to another execution`)
}
