import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { EventLog } from './event-log.ts'
import type { LogCursor } from './log-cursor.ts'
import { type BufferOptions, ReaderBound, resolveBufferOptions } from './reader-bound.ts'

/** Approximate amount of log that one `take` reads, bytes. */
const TAKE_BYTES = 256 * 1024

/** Callbacks of a reader to its consumer. Called synchronously; must not throw. */
export interface ReaderEnd {
  /** An event is available, or `done` changed. */
  readable(): void
  /** The reader counts as gone, or the log is unreadable. */
  gone(error: DagstreamError): void
}

/** Makes a reader the one-to-one reader of an execution, which can hold it. Called synchronously; must not throw. */
export interface ReaderHold {
  readonly buffer: BufferOptions
  /** The reader lags by its bound: start no new task. */
  hold(): void
  /** The reader has caught up, or is gone. May be called without a preceding `hold`. */
  release(): void
}

/**
 * A reader in this process. It receives the events of an execution, in order, from the first.
 *
 * With a `ReaderHold` it is the one-to-one reader and receives every event. It needs no separate buffer: events wait in
 * the log, between the reader's position and the head, and the bound on that range holds the execution. The log reserves
 * memory for that range and for the events that running tasks may add. If the log still evicts the reader's position, the
 * reader counts as gone, because it would miss events.
 *
 * Without a `ReaderHold` it is a subscriber and never slows the execution. Both receive a `snapshot` if they start at an
 * evicted position; a subscriber may receive one later, too.
 */
export class LogReader {
  readonly #log: EventLog
  readonly #cursor: LogCursor
  readonly #bound: ReaderBound | undefined
  readonly #end: ReaderEnd
  readonly #hold: ReaderHold | undefined
  #entries: readonly LogEntry[] = []
  #next = 0
  /** Seq and total bytes of the log up to the last event passed on. */
  #takenSeq = 0
  #takenBytes = 0
  #isReading = false
  #isClosed = false
  readonly #wake = (): void => this.#onWake()

  /** @throws `INVALID_OPTION` */
  constructor(log: EventLog, end: ReaderEnd, hold?: ReaderHold) {
    this.#log = log
    this.#end = end
    this.#hold = hold
    if (hold === undefined) this.#cursor = log.open(0, { restoresOutputs: true })
    else {
      this.#bound = new ReaderBound(hold.buffer, {
        full: () => hold.hold(),
        room: () => hold.release(),
        gone: error => this.#lose(error),
      })
      const { maxEvents, maxBytes } = resolveBufferOptions(hold.buffer)
      const reserved = { maxTailEvents: maxEvents, maxTailBytes: maxBytes }
      this.#cursor = log.open(0, { reserved, restoresOutputs: true })
    }
    this.#cursor.onReadable(this.#wake)
    this.#measure()
  }

  /** The next event, owned by the caller; `undefined` if none is available. */
  take(): SSEEvent | undefined {
    if (this.#next === this.#entries.length && !this.#refill()) return undefined
    const entry = this.#entries[this.#next] as LogEntry
    this.#next += 1
    // At the head nothing waits, even if entries from the store had a different weight.
    if (entry.type === 'snapshot' || entry.seq === this.#log.head) this.#takenBytes = this.#log.bytes
    else this.#takenBytes += entry.weight
    this.#takenSeq = entry.seq
    if (this.#bound !== undefined) {
      this.#bound.took()
      if (this.#bound.isFull) this.#measure()
    }
    return entry.toEvent()
  }

  /** True once all events have been taken and no more will follow. */
  get done(): boolean {
    return this.#isClosed || (this.#next === this.#entries.length && !this.#isReading && this.#cursor.done)
  }

  /** Releases the cursor and the hold. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#entries = []
    this.#next = 0
    this.#bound?.close()
    this.#cursor.close()
    this.#hold?.release()
  }

  /** Takes the next entries from the log. @returns whether entries are available now */
  #refill(): boolean {
    if (this.#isReading || this.#isClosed) return false
    const taken = this.#cursor.take(TAKE_BYTES)
    if (isArray(taken)) return this.#accept(taken)
    this.#isReading = true
    taken.then(
      entries => {
        this.#isReading = false
        if (!this.#isClosed && this.#accept(entries)) this.#end.readable()
      },
      error => this.#lose(new DagstreamError('STORE_FAILED', 'The log could not be read', { cause: error })),
    )
    return false
  }

  #accept(entries: readonly LogEntry[]): boolean {
    this.#entries = entries
    this.#next = 0
    const first = entries[0]
    if (first === undefined) {
      this.#cursor.onReadable(this.#wake)
      return false
    }
    if (first.type !== 'snapshot' || this.#takenSeq === 0 || this.#hold === undefined) return true
    this.#lose(
      new DagstreamError(
        'READER_OVERFLOWED',
        'The reader is too far behind: the log has evicted the entries at its position',
      ),
    )
    return false
  }

  #onWake(): void {
    // Register again at once, because events that arrive while the reader is busy count against its bound.
    this.#cursor.onReadable(this.#wake)
    this.#measure()
    if (!this.#isClosed) this.#end.readable()
  }

  #measure(): void {
    this.#bound?.update(this.#log.head - this.#takenSeq, this.#log.bytes - this.#takenBytes)
  }

  #lose(error: DagstreamError): void {
    if (this.#isClosed) return
    this.close()
    this.#end.gone(error)
  }
}

function isArray(taken: readonly LogEntry[] | Promise<readonly LogEntry[]>): taken is readonly LogEntry[] {
  return Array.isArray(taken)
}
