import { afterTurn, type Clock, systemClock } from '../clock.ts'
import { DagstreamError, invalidOption } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'

/** The bound between an execution and one reader. */
export interface BufferOptions {
  /** Events held at most. A positive integer. @defaultValue 1,000 */
  readonly maxEvents?: number
  /** About bytes held at most, positive. @defaultValue 8 MiB */
  readonly maxBytes?: number
  /**
   * What happens at the bound. `"block"`: no new task starts until the reader takes something; one that takes nothing for
   * the stall time counts as gone. `"disconnect"`: it counts as gone unless it takes something within that turn of the
   * event loop. @defaultValue `"block"`
   */
  readonly policy?: 'block' | 'disconnect'
  /** How long a reader may take nothing while the buffer is full, ms, positive. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  readonly clock?: Clock
}

const DEFAULTS: Required<BufferOptions> = {
  maxEvents: 1000,
  maxBytes: 8 * 1024 * 1024,
  policy: 'block',
  stallTimeoutMs: 30_000,
  clock: systemClock,
}

/** What the two ends of a buffer want to know. Called synchronously; must not throw. */
export interface BufferEnds {
  /** To the reader: there is something to take. */
  readable(): void
  /** To the writer: the bound was reached. */
  full(heldEvents: number): void
  /** To the writer: half of the bound is free again. */
  room(): void
  /** To both: the reader counts as gone, with `READER_STALLED` or `READER_OVERFLOWED`. What was held is let go. */
  gone(error: DagstreamError): void
}

/** A FIFO between one writer and one reader with a bound, and with a clock on a reader that keeps it full. */
export class BoundedBuffer {
  readonly #options: Required<BufferOptions>
  readonly #ends: BufferEnds
  #events: SSEEvent[] = []
  #weights: number[] = []
  /** How many at the front of the arrays are taken already. */
  #taken = 0
  #bytes = 0
  #takeCount = 0
  #isFull = false
  #isClosed = false
  #stopWatching: (() => void) | undefined

  /** @throws `INVALID_OPTION` */
  constructor(options: BufferOptions, ends: BufferEnds) {
    this.#options = validateBufferOptions(options)
    this.#ends = ends
  }

  /** Events held. */
  get size(): number {
    return this.#events.length - this.#taken
  }

  /** Whether the bound was reached and half of it is not free yet: offer nothing now but to `join`. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Adds an event of about `weight` bytes. */
  offer(event: SSEEvent, weight: number): void {
    if (this.#isClosed) return
    this.#events.push(event)
    this.#weights.push(weight)
    this.#bytes += weight
    if (!this.#isFull && (this.size >= this.#options.maxEvents || this.#bytes >= this.#options.maxBytes)) this.#fill()
    if (this.size === 1) this.#ends.readable()
  }

  /**
   * At the bound: merges the event into the last one held where nothing is lost by that — the text of one attempt's tokens
   * is joined, progress that is superseded is replaced. @returns whether it did
   */
  join(event: SSEEvent, weight: number): boolean {
    const last = this.size > 0 ? this.#events[this.#events.length - 1] : undefined
    if (last === undefined || this.#bytes >= 2 * this.#options.maxBytes) return false
    const merged = mergeEvents(last, event)
    if (merged === undefined) return false
    this.#events[this.#events.length - 1] = merged
    this.#weights[this.#weights.length - 1] = (this.#weights[this.#weights.length - 1] as number) + weight
    this.#bytes += weight
    return true
  }

  /** The oldest event, or `undefined` when there is none. */
  take(): SSEEvent | undefined {
    if (this.size === 0) return undefined
    const event = this.#events[this.#taken] as SSEEvent
    this.#bytes -= this.#weights[this.#taken] as number
    this.#taken += 1
    this.#takeCount += 1
    if (this.#taken === this.#events.length || this.#taken >= 1024) this.#compact()
    if (this.#isFull) this.#makeRoom()
    return event
  }

  /** Lets go of everything; harmless to repeat. */
  close(): void {
    this.#isClosed = true
    this.#isFull = false
    this.#unwatch()
    this.#events = []
    this.#weights = []
    this.#taken = 0
    this.#bytes = 0
  }

  /** Not before half of it is free: at the very bound it would turn full again with every event. */
  #makeRoom(): void {
    const { maxEvents, maxBytes } = this.#options
    if (this.size > maxEvents / 2 || this.#bytes > maxBytes / 2) return
    this.#isFull = false
    this.#unwatch()
    this.#ends.room()
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#taken)
    this.#weights = this.#weights.slice(this.#taken)
    this.#taken = 0
  }

  #fill(): void {
    this.#isFull = true
    this.#ends.full(this.size)
    this.#watch()
  }

  /** Starts the clock on the reader; what it takes meanwhile starts it anew. */
  #watch(): void {
    const seen = this.#takeCount
    const check = (): void => {
      if (this.#stopWatching !== stop) return
      this.#stopWatching = undefined
      if (this.#takeCount === seen) this.#lose()
      else this.#watch()
    }
    const { policy, clock, stallTimeoutMs } = this.#options
    const cancel = policy === 'block' ? clock.after(stallTimeoutMs, check) : undefined
    const stop = (): void => cancel?.()
    this.#stopWatching = stop
    if (policy === 'disconnect') afterTurn(check)
  }

  #unwatch(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }

  #lose(): void {
    const { policy, stallTimeoutMs } = this.#options
    const held = this.size
    this.close()
    this.#ends.gone(
      policy === 'block'
        ? new DagstreamError('READER_STALLED', `The reader took nothing for ${stallTimeoutMs} ms with ${held} events waiting`)
        : new DagstreamError('READER_OVERFLOWED', `The reader fell ${held} events behind, which is its bound`),
    )
  }
}

function mergeEvents(earlier: SSEEvent, later: SSEEvent): SSEEvent | undefined {
  if (earlier.type !== later.type) return undefined
  const isToken = later.type === 'token' && earlier.type === 'token'
  const isProgress = later.type === 'task_progress' && earlier.type === 'task_progress'
  if (!isToken && !isProgress) return undefined
  if (earlier.data.taskId !== later.data.taskId || earlier.data.attempt !== later.data.attempt) return undefined
  if (later.type === 'token' && earlier.type === 'token') {
    return { ...later, data: { ...later.data, text: earlier.data.text + later.data.text } }
  }
  return later
}

/** The options with their defaults. @throws `INVALID_OPTION` */
export function validateBufferOptions(options: BufferOptions): Required<BufferOptions> {
  const { maxEvents, maxBytes, policy, stallTimeoutMs, clock } = { ...DEFAULTS, ...dropUndefined(options) }
  if (!Number.isInteger(maxEvents) || maxEvents < 1) throw invalidOption('maxEvents', 'a positive integer', maxEvents)
  if (!(maxBytes > 0)) throw invalidOption('maxBytes', 'a positive number', maxBytes)
  if (!(stallTimeoutMs > 0)) throw invalidOption('stallTimeoutMs', 'a positive number of milliseconds', stallTimeoutMs)
  if (policy !== 'block' && policy !== 'disconnect') throw invalidOption('policy', '"block" or "disconnect"', policy)
  return { maxEvents, maxBytes, policy, stallTimeoutMs, clock }
}

function dropUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
