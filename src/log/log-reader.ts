import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { EventLog } from './event-log.ts'
import type { LogCursor } from './log-cursor.ts'
import { type BufferOptions, ReaderBound, resolveBufferOptions } from './reader-bound.ts'

/** About how much of the log is looked at in one go, bytes. */
const TAKE_BYTES = 256 * 1024

/** What a reader tells its end. Called synchronously; must not throw. */
export interface ReaderEnd {
  /** There is something to take, or `done` changed. */
  readable(): void
  /** The reader counts as gone, or the log cannot be read. */
  gone(error: DagstreamError): void
}

/** What makes a reader the one-to-one reader of an execution. Called synchronously; must not throw. */
export interface ReaderHold {
  readonly buffer: BufferOptions
  /** The reader is behind by its bound: start nothing new. */
  hold(): void
  /** It has caught up, or is gone; may come without a hold. */
  release(): void
}

/**
 * A reader in this process: the events of an execution, in order, from the first.
 *
 * With a hold it is the one-to-one reader and gets every event. What waits for it waits in the log, where it is anyway: the buffer is the stretch between the reader and the log's head, and
 * its bound is what holds the execution. The log keeps that stretch, and what running tasks may add to it, within its own
 * bounds; a reader whose place it had to trim away all the same counts as gone, since it could not get every event any more.
 * Without a hold it is a subscriber, which slows nothing. Either gets a `snapshot` where it begins at a place that is trimmed
 * away, a subscriber also later.
 */
export class LogReader {
  readonly #log: EventLog
  readonly #cursor: LogCursor
  readonly #bound: ReaderBound | undefined
  readonly #end: ReaderEnd
  readonly #hold: ReaderHold | undefined
  #entries: readonly LogEntry[] = []
  #next = 0
  /** Of what has been passed on. */
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

  /** The next event, for its caller to keep; `undefined` when there is none now. */
  take(): SSEEvent | undefined {
    if (this.#next === this.#entries.length && !this.#refill()) return undefined
    const entry = this.#entries[this.#next] as LogEntry
    this.#next += 1
    // At the head nothing waits, however what came back from a store was weighed.
    if (entry.type === 'snapshot' || entry.seq === this.#log.head) this.#takenBytes = this.#log.bytes
    else this.#takenBytes += entry.weight
    this.#takenSeq = entry.seq
    if (this.#bound !== undefined) {
      this.#bound.took()
      if (this.#bound.isFull) this.#measure()
    }
    return entry.toEvent()
  }

  /** True once everything has been taken and there will never be more. */
  get done(): boolean {
    return this.#isClosed || (this.#next === this.#entries.length && !this.#isReading && this.#cursor.done)
  }

  /** Gives the place up; harmless to repeat. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#entries = []
    this.#next = 0
    this.#bound?.close()
    this.#cursor.close()
    this.#hold?.release()
  }

  /** Gets entries from the log if there are any at hand. @returns whether there are */
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
      new DagstreamError('READER_OVERFLOWED', 'The reader fell so far behind that the log has let go of its place'),
    )
    return false
  }

  #onWake(): void {
    // Asked for again at once: what comes while the reader is busy counts against its bound.
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
