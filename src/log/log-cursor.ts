import type { JsonValue } from '../events/json-value.ts'
import { LogEntry } from '../events/log-entry.ts'
import { showOutput } from '../events/wire-json.ts'
import { toSnapshot } from '../events/snapshot.ts'
import type { ExecutionState } from '../events/state.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { EntrySource } from './entry-source.ts'

/** Entries that one read of the store asks for. */
const PAGE_ENTRIES = 128

/** Outputs that a snapshot holds inline, about bytes. */
const MAX_INLINE_OUTPUTS_BYTES = 1024 * 1024

/** What a cursor needs of its log. */
export interface CursorLog {
  readonly state: ExecutionState
  readonly head: number
  readonly ending: LogEntry | 'complete' | undefined
  /** For all who come while it is the newest: to make one costs, and readers often come back together. */
  lastSnapshot: WeakRef<LogEntry> | undefined
  readTail(afterSeq: number, maxBytes: number): LogEntry[] | undefined
  readStored(afterSeq: number, limit: number): Promise<LogEntry[]>
  restoreOutput(entry: LogEntry): Promise<LogEntry>
}

/**
 * One reader's place in an execution's log.
 *
 * Replay and live are the same: a cursor behind reads older entries, one at the head waits. Since nothing is copied for it, a
 * slow reader costs a cursor and nothing more. A place that cannot be served — trimmed, or ahead of the log — gets a
 * `snapshot`, whose id is the last seq it covers, and goes on from there.
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

  /** The seq of the last entry taken. */
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

  onReadable(callback: (() => void) | undefined): void {
    this.#callback = callback
  }

  /** Tells the reader that something changed; for the log. */
  wake(): void {
    const callback = this.#callback
    this.#callback = undefined
    try {
      callback?.()
    } catch {
      // The fault of whoever reads: neither the log nor another reader is to suffer for it.
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
    // What is large together is told by reference, as what is large alone is: a snapshot must fit a receiver's bound.
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
   * Of what has ended, the state just before: a reader that was left behind is to see the last event, which tells more than
   * a state does. One that was ahead has seen it.
   */
  #snapshotState(): ExecutionState {
    const { state, head, ending } = this.#log
    const isBehind = ending === 'complete' && this.#after < head
    const hasLast = isBehind && this.#log.readTail(head - 1, 1)?.length === 1
    return hasLast ? { ...state, seq: head - 1, status: 'running' } : state
  }
}
