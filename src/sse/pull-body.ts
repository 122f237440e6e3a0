import { type Clock, systemClock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import { IdleTimer } from './idle-timer.ts'

/** Where the chunks of a body come from. */
export interface ChunkSource {
  /** What can be had at this moment, in one chunk; `undefined` if nothing. May be shared with other readers: not to be changed. */
  take(): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Nothing will ever come any more. */
  readonly done: boolean
  /** Calls back once, when `take` may have something or `done` has changed; `undefined` for no more calls. */
  onReadable(callback: (() => void) | undefined): void
  /** Harmless to repeat. */
  close(): void
}

/** How a body behaves towards its reader. */
export interface PullBodyOptions {
  /** Sent at once, so that headers are flushed. */
  readonly first?: Uint8Array
  /** Sent after each `heartbeatMs` of silence: something that the reader ignores. */
  readonly heartbeat: Uint8Array
  /** Some runtimes and proxies drop a connection after 10 s of silence. @defaultValue 8,000 */
  readonly heartbeatMs?: number
  /** How long a reader may leave a chunk unasked-for behind the last one, ms; then it is disconnected. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  readonly clock?: Clock
  /** The body is over, however it ended; once, after the source was closed. `"left"`: before its end, by the reader or for stalling. */
  readonly onClose?: (how: 'ended' | 'left' | 'failed') => void
  /** The source failed. @returns the last chunk, after which the body ends; `undefined`: the body fails too, without the cause. */
  readonly onError: (error: unknown) => Uint8Array | undefined
}

/** What `next` gives when it has to wait. */
export const LATER: unique symbol = Symbol('later')

/** Called once for each `LATER`: with the chunk, with `undefined` at the end, or with an error that says nothing of its cause. */
export type Receive = (chunk: Uint8Array | undefined, error?: DagstreamError) => void

const noop = (): void => {}

const DEFAULT_HEARTBEAT_MS = 8000
const DEFAULT_STALL_TIMEOUT_MS = 30_000

/** The most that is given at once, bytes. */
const MAX_PIECE_BYTES = 64 * 1024

/**
 * What lies between a source of chunks and one reader: nothing is taken ahead of the reader, so a stalled one holds one chunk
 * at most; while there is nothing it waits, with a sign of life now and then. However it ends, the source is closed and no
 * timer or callback is left.
 */
export class PullBody {
  readonly #source: ChunkSource
  readonly #options: PullBodyOptions
  #first: Uint8Array | undefined
  /** Whether `take` may bring something: not after it brought nothing, until the source calls back. */
  #isReadable = true
  /** A `take` had to ask a store and is under way; heartbeats pass meanwhile. */
  #isFetching = false
  /** What is left of a chunk that was too large to be given at once. */
  #rest: Uint8Array | undefined
  /** What it brought, or why it failed. */
  #fetched: Uint8Array | undefined
  #failure: { readonly error: unknown } | undefined
  #isClosed = false
  readonly #stall: IdleTimer
  readonly #silence: IdleTimer
  #onStalled: (error: DagstreamError) => void = noop
  /** The reader that waits for a chunk. */
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

  /** What is there before anything is asked of the source; once. */
  takeFirst(): Uint8Array | undefined {
    const first = this.#first
    this.#first = undefined
    return first
  }

  /** What came first was given to nobody. */
  rewind(): void {
    this.#stall.stop()
    this.#onStalled = noop
    this.#first = this.#options.first
  }

  /** From now on a reader that does not come for more is given up, and `onStalled` told. Each `next` ends the watch. */
  watch(onStalled: (error: DagstreamError) => void): void {
    if (this.#isClosed) return
    this.#onStalled = onStalled
    this.#stall.arm()
  }

  /**
   * The next chunk, `undefined` at the end, or `LATER`: then `receive` is called, once. Never again before that.
   * @throws `STREAM_CLOSED`, which says nothing of the cause, when the source failed and nothing stands for that
   */
  next(receive: Receive): Uint8Array | undefined | typeof LATER {
    this.#stall.disarm()
    const chunk = this.takeFirst() ?? this.#attempt()
    if (chunk !== undefined || this.#isClosed) return chunk
    this.#waiting = receive
    this.#silence.arm()
    return LATER
  }

  /** The reader leaves. Harmless to repeat, and after the end. */
  cancel(): void {
    this.#close('left')
    this.#answer(undefined)
  }

  /** A chunk, or nothing: then the body is closed, or something will call back. @throws what the reader is told */
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
    // Before it is asked, so that what comes while a store answers is not missed.
    this.#source.onReadable(this.#onReadable)
    const taken = this.#source.take()
    if (taken instanceof Promise) {
      // It cannot reject: a failure is kept for whoever looks next.
      void this.#fetch(taken)
      return undefined
    }
    if (taken === undefined) return undefined
    this.#isReadable = true
    return this.#cut(taken)
  }

  /** A reader of a slow link makes progress by the piece: it is not to stall over one that takes it long. */
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

  /** Gives the reader that waits, if one does, what there is for it. */
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
