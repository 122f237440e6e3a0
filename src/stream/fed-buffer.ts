import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import { BoundedBuffer, type BufferOptions } from './bounded-buffer.ts'
import type { EntrySource } from './entry-source.ts'

/** About how much of the log is taken at a time, bytes. */
const TAKE_BYTES = 256 * 1024

/** What an execution gives a one-to-one reader of it. */
export interface ReaderHooks {
  /** The reader is behind by its bound: start nothing new. */
  hold(heldEvents: number): void
  /** It has caught up, or is gone. */
  release(): void
}

/** What the reading end wants to know. */
export interface ReaderEnd {
  /** There is something to take, or `done` changed. */
  readable(): void
  /** The reader counts as gone, or the log failed underneath it. */
  gone(error: DagstreamError): void
}

/**
 * A bounded buffer that fills itself from a place in the log: the one-to-one reader's end of an execution.
 *
 * Every event passes, in order. While the buffer is full the execution is held; the log keeps what is not buffered yet. A
 * reader that falls so far behind that the log has trimmed its place away counts as gone: it could not get every event any
 * more. Only one that begins there gets a `snapshot` first.
 */
export class FedBuffer {
  readonly #source: EntrySource
  readonly #buffer: BoundedBuffer
  readonly #hooks: ReaderHooks
  readonly #end: ReaderEnd
  /** Taken from the log, not yet in the buffer. */
  #entries: readonly LogEntry[] = []
  #next = 0
  #hasPassed = false
  #isReading = false
  #isClosed = false
  readonly #feedAgain = (): void => this.#feed()

  /** @throws `INVALID_OPTION` */
  constructor(
    source: EntrySource,
    options: BufferOptions,
    hooks: ReaderHooks,
    end: ReaderEnd,
  ) {
    this.#source = source
    this.#hooks = hooks
    this.#end = end
    this.#buffer = new BoundedBuffer(options, {
      readable: () => end.readable(),
      full: held => hooks.hold(held),
      room: () => {
        hooks.release()
        this.#feed()
      },
      gone: error => this.#lose(error),
    })
    this.#feed()
  }

  /** The next event, or `undefined` when there is none now. */
  take(): SSEEvent | undefined {
    return this.#buffer.take()
  }

  /** Events that can be taken now. */
  get size(): number {
    return this.#buffer.size
  }

  /** True once everything has been taken and there will never be more. */
  get done(): boolean {
    return this.#isClosed || (this.#buffer.size === 0 && this.#next === this.#entries.length && this.#source.done)
  }

  /** Gives the place up; harmless to repeat. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#entries = []
    this.#next = 0
    if (this.#buffer.isFull) this.#hooks.release()
    this.#buffer.close()
    this.#source.close()
  }

  #feed(): void {
    // A take may make room, and room feeds: the outer call goes on with what there is.
    if (this.#isReading || this.#isClosed) return
    this.#isReading = true
    while (this.#pass()) {
      const taken = this.#source.take(TAKE_BYTES)
      if (!isArray(taken)) {
        taken.then(
          entries => this.#accept(entries),
          error => this.#lose(new DagstreamError('STORE_FAILED', 'The log could not be read', { cause: error })),
        )
        return
      }
      this.#entries = taken
      this.#next = 0
      if (taken.length === 0) {
        this.#source.onReadable(this.#feedAgain)
        break
      }
    }
    this.#isReading = false
    if (this.done) this.#end.readable()
  }

  #accept(entries: readonly LogEntry[]): void {
    this.#isReading = false
    if (this.#isClosed) return
    this.#entries = entries
    this.#next = 0
    this.#feed()
  }

  /** Passes entries on until none is left (true) or the buffer is full (false). */
  #pass(): boolean {
    while (this.#next < this.#entries.length) {
      const entry = this.#entries[this.#next] as LogEntry
      if (entry.type === 'snapshot' && this.#hasPassed) {
        this.#lose(new DagstreamError('READER_OVERFLOWED', 'The reader fell so far behind that the log has let go of its events'))
        return false
      }
      if (!this.#buffer.isFull) this.#buffer.offer(entry.toEvent(), entry.weight)
      else if (!isMergeable(entry) || !this.#buffer.join(entry.toEvent(), entry.weight)) return false
      if (this.#isClosed) return false
      this.#next += 1
      this.#hasPassed = true
    }
    return true
  }

  #lose(error: DagstreamError): void {
    this.#isReading = false
    if (this.#isClosed) return
    this.#isClosed = true
    this.#entries = []
    this.#next = 0
    this.#hooks.release()
    this.#buffer.close()
    this.#source.close()
    this.#end.gone(error)
  }
}

function isMergeable(entry: LogEntry): boolean {
  return entry.type === 'token' || entry.type === 'task_progress'
}

function isArray(taken: readonly LogEntry[] | Promise<readonly LogEntry[]>): taken is readonly LogEntry[] {
  return Array.isArray(taken)
}
