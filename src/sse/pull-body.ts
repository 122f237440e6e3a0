import { type Clock, systemClock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import { IdleTimer } from './idle-timer.ts'

/** Source of a body's chunks. */
export interface ChunkSource {
  /** The available bytes, in one chunk; `undefined` if there are none. May be shared with other readers: must not be modified. */
  take(): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Whether the source has ended. */
  readonly done: boolean
  /** Registers a callback for one call, when `take` may return a chunk or `done` has changed; `undefined` unregisters. */
  onReadable(callback: (() => void) | undefined): void
  /** Idempotent. */
  close(): void
}

/** Options of a body. */
export interface PullBodyOptions {
  /** Sent at once, so that headers are flushed. */
  readonly first?: Uint8Array
  /** Sent after each `heartbeatMs` of silence; the reader ignores it. */
  readonly heartbeat: Uint8Array
  /** Some runtimes and proxies drop a connection after 10 s of silence. @defaultValue 8,000 */
  readonly heartbeatMs?: number
  /** Maximum pause between a reader's requests, ms; then it is disconnected. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  readonly clock?: Clock
  /** Called once when the body has ended, after the source was closed. `"left"`: the reader left or stalled before the end. */
  readonly onClose?: (how: 'ended' | 'left' | 'failed') => void
  /** The source failed. @returns the last chunk, after which the body ends; `undefined`: the body fails too, without the cause. */
  readonly onError: (error: unknown) => Uint8Array | undefined
}

/** Returned by `next` when no chunk is available. */
export const LATER: unique symbol = Symbol('later')

/** Called once for each `LATER`: with the chunk, with `undefined` at the end, or with an error without its cause. */
export type Receive = (chunk: Uint8Array | undefined, error?: DagstreamError) => void

const noop = (): void => {}

const DEFAULT_HEARTBEAT_MS = 8000
const DEFAULT_STALL_TIMEOUT_MS = 30_000

/** Maximum size of one chunk, bytes. */
const MAX_PIECE_BYTES = 64 * 1024

/**
 * Connects a source of chunks to one reader. Nothing is taken ahead of the reader, so a stalled one holds at most one chunk.
 * While the source is empty it sends heartbeats. However it ends, the source is closed and no timer or callback remains.
 */
export class PullBody {
  readonly #source: ChunkSource
  readonly #options: PullBodyOptions
  #first: Uint8Array | undefined
  /** Whether `take` may return a chunk: false after it returned none, until the source calls back. */
  #isReadable = true
  /** Whether an asynchronous `take` is in flight; heartbeats continue meanwhile. */
  #isFetching = false
  /** Rest of a chunk that exceeded the maximum size. */
  #rest: Uint8Array | undefined
  /** Its outcome: the chunk or the failure. */
  #fetched: Uint8Array | undefined
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  readonly #stall: IdleTimer
  readonly #silence: IdleTimer
  #onStalled: (error: DagstreamError) => void = noop
  /** The reader that is waiting for a chunk. */
  #waiting: Receive | undefined

  constructor(source: ChunkSource, options: PullBodyOptions) {
    this.#source = source
    this.#options = options
    this.#first = options.first
    const {
      clock = systemClock,
      heartbeatMs = DEFAULT_HEARTBEAT_MS,
      stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS,
    } = options
    this.#silence = new IdleTimer(clock, heartbeatMs, () => this.#answer(options.heartbeat))
    this.#stall = new IdleTimer(clock, stallTimeoutMs, () => {
      this.cancel()
      this.#onStalled(new DagstreamError('READER_STALLED', `The reader took nothing for ${stallTimeoutMs} ms`))
    })
  }

  /** The first chunk, which needs no request to the source; returned once. */
  takeFirst(): Uint8Array | undefined {
    const first = this.#first
    this.#first = undefined
    return first
  }

  /** Makes the first chunk available again, since no reader received it. */
  rewind(): void {
    this.#stall.stop()
    this.#onStalled = noop
    this.#first = this.#options.first
  }

  /**
   * Starts the stall timeout: a reader that requests no further chunk is dropped and `onStalled` called. Each `next` ends the
   * watch.
   */
  watch(onStalled: (error: DagstreamError) => void): void {
    if (this.#isClosed) return
    this.#onStalled = onStalled
    this.#stall.arm()
  }

  /**
   * The next chunk, `undefined` at the end, or `LATER`: then `receive` is called, once. Must not be called again before that.
   * @throws `STREAM_CLOSED`, without the cause, when the source failed and `onError` returned no last chunk
   */
  next(receive: Receive): Uint8Array | undefined | typeof LATER {
    this.#stall.disarm()
    const chunk = this.takeFirst() ?? this.#attempt()
    if (chunk !== undefined || this.#isClosed) return chunk
    this.#waiting = receive
    this.#silence.arm()
    return LATER
  }

  /** The reader leaves. Idempotent, also after the end. */
  cancel(): void {
    this.#close('left')
    this.#answer(undefined)
  }

  /** Returns a chunk, or `undefined` if the body is closed or a callback will follow. @throws the error for the reader */
  #attempt(): Uint8Array | undefined {
    if (this.#isClosed) return undefined
    try {
      const chunk = this.#take()
      if (chunk !== undefined || !this.#source.done || this.#isFetching) return chunk
    } catch (error) {
      this.#close('failed')
      const last = this.#options.onError(error)
      if (last !== undefined) return last
      throw new DagstreamError('STREAM_CLOSED', 'The body could not be completed')
    }
    this.#close('ended')
    return undefined
  }

  #take(): Uint8Array | undefined {
    if (this.#rest !== undefined) return this.#cut(this.#rest)
    if (this.#failure) throw this.#failure.error
    if (this.#isFetching) return undefined
    const fetched = this.#fetched
    this.#fetched = undefined
    if (fetched !== undefined) return this.#cut(fetched)
    if (!this.#isReadable) return undefined
    this.#isReadable = false
    // Registered before `take`, so that entries that arrive while a store answers are not missed.
    this.#source.onReadable(this.#onReadable)
    const taken = this.#source.take()
    if (taken instanceof Promise) {
      // Cannot reject: a failure is stored for the next attempt.
      void this.#fetch(taken)
      return undefined
    }
    if (taken === undefined) return undefined
    this.#isReadable = true
    return this.#cut(taken)
  }

  /** Splits large chunks: a reader on a slow link shows progress with each piece and does not appear stalled. */
  #cut(chunk: Uint8Array): Uint8Array {
    this.#rest = chunk.byteLength > MAX_PIECE_BYTES ? chunk.subarray(MAX_PIECE_BYTES) : undefined
    return this.#rest === undefined ? chunk : chunk.subarray(0, MAX_PIECE_BYTES)
  }

  async #fetch(taken: Promise<Uint8Array | undefined>): Promise<void> {
    this.#isFetching = true
    try {
      this.#fetched = await taken
      if (this.#fetched !== undefined) this.#isReadable = true
    } catch (error) {
      this.#failure = { error }
    }
    this.#isFetching = false
    this.#serve()
  }

  readonly #onReadable = (): void => {
    this.#isReadable = true
    this.#serve()
  }

  /** Delivers the next chunk to a waiting reader, if any. */
  #serve(): void {
    if (this.#waiting === undefined) return
    try {
      const chunk = this.#attempt()
      if (chunk !== undefined || this.#isClosed) this.#answer(chunk)
    } catch (error) {
      this.#answer(undefined, error as DagstreamError)
    }
  }

  #answer(chunk: Uint8Array | undefined, error?: DagstreamError): void {
    const receive = this.#waiting
    this.#waiting = undefined
    this.#silence.disarm()
    receive?.(chunk, error)
  }

  #close(how: 'ended' | 'left' | 'failed'): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#rest = undefined
    this.#stall.stop()
    this.#silence.stop()
    this.#source.onReadable(undefined)
    this.#source.close()
    this.#options.onClose?.(how)
  }
}
