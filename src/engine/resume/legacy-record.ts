import { LogEntry } from '../../events/log-entry.ts'
import type { LoggedData } from '../../events/wire-json.ts'
import type { EarlierNotes } from '../../store/earlier-notes.ts'
import type { ExecutionHistory } from '../../scheduler/execution-history.ts'
import { INTERRUPTED } from '../interruption.ts'

/**
 * Migrates log entries of an earlier version on read: its `task_retry` had neither `interrupted` nor `executionTimeMs`. The
 * stored log does not change.
 */
export class LegacyEntries {
  /** Start time of the last attempt, by task. */
  readonly #startedAt = new Map<string, string>()

  upgrade(entry: LogEntry): LogEntry {
    const { type, data } = entry
    if (type === 'task_start') this.#startedAt.set(data.taskId, data.timestamp)
    else if (type === 'task_complete') this.#startedAt.delete(data.taskId)
    else if (type === 'task_retry') return this.#upgradeRetry(entry, data)
    return entry
  }

  #upgradeRetry(entry: LogEntry, data: LoggedData<'task_retry'>): LogEntry {
    if (data.interrupted !== undefined || data.executionTimeMs !== undefined) return entry
    // Earlier versions marked an interruption by this code and message only.
    const isInterrupted = data.code === INTERRUPTED.code && data.error === 'The process that ran it ended'
    const startedAt = this.#startedAt.get(data.taskId)
    const executionTimeMs =
      startedAt === undefined ? 0 : Math.max(0, Date.parse(data.timestamp) - Date.parse(startedAt))
    const more = isInterrupted ? { interrupted: true as const } : { executionTimeMs }
    return new LogEntry(entry.seq, 'task_retry', { ...data, ...more })
  }
}

/** Adopts notes that an earlier version stored beside the log, unless a later version has resumed the execution since. */
export function adoptNotes(history: ExecutionHistory, notes: EarlierNotes | undefined): void {
  if (notes === undefined || history.isResumed) return
  history.restoreTime(notes.spentMs ?? 0, notes.resumedAt)
  if (notes.left) history.isHandedOff = true
}
