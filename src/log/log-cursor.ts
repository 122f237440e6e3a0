import type { JsonValue } from '../events/json-value.ts'
import { LogEntry } from '../events/log-entry.ts'
import { showOutput } from '../events/wire-json.ts'
import { toSnapshot } from '../events/snapshot.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { EntrySource } from './entry-source.ts'

/** Maximum number of entries per read of the store. */
const PAGE_ENTRIES = 128

/** Maximum total size of the outputs that a snapshot holds inline, approximate bytes. */
const MAX_INLINE_OUTPUTS_BYTES = 1024 * 1024

/** How a log has ended: by its last event, or by an `error` event that is not in it. */
export type LogEnding = 'complete' | (LogEntry & { readonly type: 'error' })

/** The part of the log that a cursor uses. */
export interface CursorLog {
  readonly state: ExecutionState
  readonly head: number
  readonly ending: LogEnding | undefined
  /** Cache of the newest snapshot: it is costly to build, and readers often reconnect at the same time. */
  lastSnapshot: WeakRef<LogEntry> | undefined
  readTail(afterSeq: number, maxBytes: number): LogEntry[] | undefined
  readStored(afterSeq: number, limit: number): Promise<LogEntry[]>
  restoreOutput(entry: LogEntry): Promise<LogEntry>
}

/**
 * One reader's position in an execution's log.
 *
 * Replay and live reading are the same: a cursor behind the head reads older entries, a cursor at the head waits.
 * Nothing is copied per reader, so a slow reader costs only its cursor. A position that the log cannot serve (trimmed,
 * or ahead of the head) receives a `snapshot`, whose id is the last seq it covers, and resumes from there.
 */
export class LogCursor implements EntrySource {
  readonly #log: CursorLog
  readonly #onClose: () => void
  readonly #restoresOutputs: boolean
  #after: number
  #tookEnding = false
  #isClosed = false
  #callback: (() => void) | undefined

  /** Made by `EventLog.open`. */
  constructor(log: CursorLog, after: number, restoresOutputs: boolean, onClose: () => void) {
    this.#log = log
    this.#after = after
    this.#restoresOutputs = restoresOutputs
    this.#onClose = onClose
  }

  /** Seq of the last entry taken. */
  get position(): number {
    return this.#after
  }

  get done(): boolean {
    if (this.#isClosed || this.#tookEnding) return true
    return this.#log.ending === 'complete' && this.#after === this.#log.head
  }

  take(maxBytes: number): readonly LogEntry[] | Promise<readonly LogEntry[]> {
    if (this.#isClosed) return []
    if (this.#after === this.#log.head) return this.#takeEnding()
    if (this.#after > this.#log.head) return [this.#snapshot()]
    const entries = this.#log.readTail(this.#after, maxBytes)
    if (entries === undefined) return this.#takeStored(maxBytes)
    this.#after += entries.length
    return entries
  }

  /** Moves forward to a visible entry that the reader has from elsewhere. */
  skipTo(seq: number): void {
    this.#after = seq
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#callback = callback
  }

  /** Notifies the reader of a change. Called by the log. */
  wake(): void {
    const callback = this.#callback
    this.#callback = undefined
    try {
      callback?.()
    } catch {
      // A reader's own fault must not affect the log or other readers.
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#callback = undefined
    this.#onClose()
  }

  #takeEnding(): readonly LogEntry[] {
    const { ending } = this.#log
    if (typeof ending !== 'object' || this.#tookEnding) return []
    this.#tookEnding = true
    return [ending]
  }

  async #takeStored(maxBytes: number): Promise<readonly LogEntry[]> {
    const entries = await this.#log.readStored(this.#after, PAGE_ENTRIES)
    if (this.#isClosed) return []
    if (entries.length === 0) return [this.#snapshot()]
    const taken: LogEntry[] = []
    for (let bytes = 0; taken.length < entries.length && bytes < maxBytes; ) {
      const stored = entries[taken.length] as LogEntry
      const entry = this.#restoresOutputs ? await this.#log.restoreOutput(stored) : stored
      taken.push(entry)
      bytes += entry.weight
    }
    this.#after += taken.length
    return this.#isClosed ? [] : taken
  }

  #snapshot(): LogEntry {
    const state = this.#snapshotState()
    this.#after = state.seq
    const known = this.#log.lastSnapshot?.deref()
    if (known?.seq === state.seq) return known
    const timestamp = new Date().toISOString()
    // Outputs beyond the total limit become references, so that a snapshot fits a receiver's bound.
    let inlineLeft = MAX_INLINE_OUTPUTS_BYTES
    const data = toSnapshot(state, timestamp, (taskId, output) => {
      const value = output as JsonValue
      const shown = showOutput(state.executionId, taskId, value, inlineLeft)
      if ('output' in shown) inlineLeft -= value.weight
      return shown
    })
    const snapshot = new LogEntry(state.seq, 'snapshot', data, stringifyJson(data))
    this.#log.lastSnapshot = new WeakRef(snapshot)
    return snapshot
  }

  /**
   * The state to send. For an ended execution and a reader behind: the state before the last event, so that the reader
   * receives `execution_complete`, which holds more than the state. A reader ahead of the head has seen it already.
   */
  #snapshotState(): ExecutionState {
    const { state, head, ending } = this.#log
    const isBehind = ending === 'complete' && this.#after < head
    const hasLast = isBehind && this.#log.readTail(head - 1, 1)?.length === 1
    if (!hasLast) return state
    const { totals: _, reason: __, output: ___, outputReference: ____, outputError: _____, ...rest } = state
    return { ...rest, seq: head - 1, status: 'running' }
  }
}
