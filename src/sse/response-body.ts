import { type Clock, systemClock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { ErrorEvent } from '../events/events.ts'
import { LogEntry, NOT_LOGGED } from '../events/log-entry.ts'
import type { EntrySource } from '../stream/entry-source.ts'
import { encodeComment, encodeEntry } from './encode.ts'
import { defaultFormat, type Format } from './formats.ts'

/** How a body is made. */
export interface EventBodyOptions {
  /** Whose entries they are: named in the `error` event. */
  readonly executionId: string
  /** @defaultValue `defaultFormat` */
  readonly format?: Format
  /** A comment follows after this much silence, ms: some runtimes and proxies drop a connection after 10 s. @defaultValue 8,000 */
  readonly heartbeatMs?: number
  /** How long a reader may leave a chunk unasked-for behind the last one, ms; then it is disconnected. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  /** About how much one chunk holds, bytes; a single larger entry is a chunk of its own. @defaultValue 64 KiB */
  readonly maxChunkBytes?: number
  readonly clock?: Clock
  /** The reader has left before the end. Called after the source was closed. */
  readonly onCancel?: () => void
  /** The source failed: the cause, which the reader is not told. */
  readonly onError?: (error: unknown) => void
}

/**
 * The body of a streaming response: what a source has, when the reader asks for it.
 *
 * The first chunk is a comment, there at once, so that headers are flushed. Then each pull takes what is pending, up to
 * `maxChunkBytes`, as one chunk; nothing is taken ahead of the reader, so a stalled one holds one chunk at most. While
 * nothing is pending it waits, with a comment after every `heartbeatMs`. It ends with the source.
 *
 * If the source fails the stream carries an `error` event with a generic text and ends; it does not fail itself.
 * However it ends, the source is closed and no timer or callback is left.
 */
export function createEventBody(source: EntrySource, options: EventBodyOptions): ReadableStream<Uint8Array> {
  // The queue is never filled ahead: the source itself is the queue.
  return new ReadableStream(new EventBody(source, options), { highWaterMark: 0 })
}

const DEFAULT_HEARTBEAT_MS = 8000
const DEFAULT_STALL_TIMEOUT_MS = 30_000
const DEFAULT_MAX_CHUNK_BYTES = 64 * 1024
const GENERIC_ERROR = 'The event stream could not go on; resume it from the last event id'

const encoder = new TextEncoder()
const COMMENT = encoder.encode(encodeComment(''))
const NOTHING: readonly LogEntry[] = []

class EventBody implements UnderlyingDefaultSource<Uint8Array> {
  readonly #source: EntrySource
  readonly #options: EventBodyOptions
  readonly #format: (entry: LogEntry) => string
  /** A `take` had to ask a store and is under way; heartbeats pass meanwhile. */
  #isFetching = false
  /** What it brought, or why it failed. */
  #fetched: readonly LogEntry[] | undefined
  #failure: { readonly error: unknown } | undefined
  /** The source has called back since the last `take`: not to be missed while one is under way. */
  #isReadable = false
  #isClosed = false
  #stopStallTimer: (() => void) | undefined
  /** Ends the wait of the pull that is under way. */
  #wake: (() => void) | undefined

  constructor(source: EntrySource, options: EventBodyOptions) {
    this.#source = source
    this.#options = options
    const { format = defaultFormat } = options
    // Log entries have their JSON at hand, or keep it for the next reader.
    this.#format = format === defaultFormat ? encodeEntry : entry => format(entry.toEvent())
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    controller.enqueue(COMMENT.slice())
    this.#watch(controller)
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#stopStallTimer?.()
    try {
      const chunk = await this.#nextChunk()
      if (chunk !== undefined) {
        controller.enqueue(chunk)
        return this.#watch(controller)
      }
      if (this.#isClosed) return
      this.#close()
      controller.close()
    } catch (error) {
      // A cancel that came before the chunk: enqueueing throws then, and nobody is there to be told.
      if (this.#isClosed) return
      this.#close()
      this.#options.onError?.(error)
      controller.enqueue(this.#encodeError(error))
      controller.close()
    }
  }

  cancel(): void {
    this.#close()
    this.#wake?.()
    this.#options.onCancel?.()
  }

  /** Gives a reader up that does not come back for more: it resumes by its last id. */
  #watch(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { clock = systemClock, stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS } = this.#options
    this.#stopStallTimer = clock.after(stallTimeoutMs, () => {
      this.cancel()
      controller.error(new DagstreamError('READER_STALLED', `The reader took nothing for ${stallTimeoutMs} ms`))
    })
  }

  /** The next chunk; `undefined` at the end, and after a cancel. */
  async #nextChunk(): Promise<Uint8Array | undefined> {
    const { clock = systemClock, heartbeatMs = DEFAULT_HEARTBEAT_MS } = this.#options
    let isSilent = false
    let stopTimer: (() => void) | undefined
    try {
      while (!this.#isClosed) {
        const entries = this.#take()
        if (entries.length > 0) {
          const chunk = this.#join(entries)
          if (chunk.length > 0) return chunk
          continue
        }
        if (this.#source.done && !this.#isFetching) return undefined
        if (isSilent) return COMMENT.slice()
        stopTimer ??= clock.after(heartbeatMs, () => {
          isSilent = true
          this.#wake?.()
        })
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
      return undefined
    } finally {
      stopTimer?.()
    }
  }

  /** What can be had at this moment. If nothing, something will wake the pull: the source, or a fetch that settles. */
  #take(): readonly LogEntry[] {
    if (this.#failure) throw this.#failure.error
    if (this.#isFetching) return NOTHING
    const fetched = this.#fetched
    this.#fetched = undefined
    if (fetched && (fetched.length > 0 || !this.#isReadable)) return fetched
    this.#isReadable = false
    const taken = this.#source.take(this.#options.maxChunkBytes ?? DEFAULT_MAX_CHUNK_BYTES)
    // It cannot reject: a failure is kept for the pull that looks next.
    if (taken instanceof Promise) void this.#fetch(taken)
    else if (taken.length > 0) return taken
    this.#source.onReadable(this.#onReadable)
    return NOTHING
  }

  async #fetch(taken: Promise<readonly LogEntry[]>): Promise<void> {
    this.#isFetching = true
    try {
      this.#fetched = await taken
    } catch (error) {
      this.#failure = { error }
    }
    this.#isFetching = false
    this.#wake?.()
  }

  readonly #onReadable = (): void => {
    this.#isReadable = true
    this.#wake?.()
  }

  #join(entries: readonly LogEntry[]): Uint8Array {
    const format = this.#format
    let frames = ''
    for (let at = 0; at < entries.length; at++) frames += format(entries[at] as LogEntry)
    return encoder.encode(frames)
  }

  #close(): void {
    this.#isClosed = true
    this.#stopStallTimer?.()
    this.#source.onReadable(undefined)
    this.#source.close()
  }

  /** A format that failed before may fail again: then the reader gets dagstream's own. */
  #encodeError(error: unknown): Uint8Array {
    const entry = this.#buildErrorEntry(error)
    try {
      return this.#join([entry])
    } catch {
      return encoder.encode(encodeEntry(entry))
    }
  }

  /** The text of an unknown error never leaves the process; a code of dagstream's own says enough. */
  #buildErrorEntry(error: unknown): LogEntry {
    const { executionId, clock = systemClock } = this.#options
    const code = error instanceof DagstreamError ? error.code : 'INTERNAL_ERROR'
    const timestamp = new Date(clock.wallTime()).toISOString()
    const data: ErrorEvent['data'] = { executionId, timestamp, error: GENERIC_ERROR, code }
    return new LogEntry(NOT_LOGGED, 'error', data)
  }
}
