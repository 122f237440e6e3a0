import { afterTurn, CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { DagstreamError, expectMethods, invalidOption } from '../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from './logger.ts'

/** Bound of the events that wait for one reader of an execution. */
export interface BufferOptions {
  /** Maximum number of events that wait for the reader. A positive integer. @defaultValue 1,000 */
  readonly maxEvents?: number
  /** Maximum size of the events that wait for the reader, approximate bytes, positive. @defaultValue 8 MiB */
  readonly maxBytes?: number
  /**
   * Behaviour at the bound. `"block"`: no new task starts until half of the bound is free again; a reader that takes
   * nothing for `stallTimeoutMs` counts as gone. `"disconnect"`: the reader counts as gone, unless half of the bound is
   * free again within the same turn of the event loop, which separates a fast burst from a slow reader. @defaultValue
   * `"block"`
   */
  readonly policy?: 'block' | 'disconnect'
  /** Maximum time that a reader at its bound may take nothing, ms, positive. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  readonly clock?: Clock
  /** Receives a warning with the number of waiting events when the bound is reached. */
  readonly logger?: Logger
}

/** Callbacks of a `ReaderBound`. Called synchronously; must not throw. */
export interface BoundHooks {
  /** The bound is reached. */
  full(waitingEvents: number): void
  /** Half of the bound is free again. */
  room(): void
  /** The reader counts as gone, with `READER_STALLED` or `READER_OVERFLOWED`. */
  gone(error: DagstreamError): void
}

const DEFAULTS: Required<BufferOptions> = {
  maxEvents: 1000,
  maxBytes: 8 * 1024 * 1024,
  policy: 'block',
  stallTimeoutMs: 30_000,
  clock: systemClock,
  logger: SILENT_LOGGER,
}

/** Applies the defaults and validates. @throws `INVALID_OPTION` */
export function resolveBufferOptions(options: BufferOptions): Required<BufferOptions> {
  if (typeof options !== 'object' || options === null) throw invalidOption('buffer', 'an object', options)
  const resolved = { ...DEFAULTS }
  for (const name of Object.keys(options) as (keyof BufferOptions)[]) {
    if (!Object.hasOwn(DEFAULTS, name))
      throw invalidOption(`buffer.${name}`, 'absent: it is not an option', options[name])
    if (options[name] !== undefined) Object.assign(resolved, { [name]: options[name] })
  }
  const { maxEvents, maxBytes, policy, stallTimeoutMs, clock, logger } = resolved
  expectMethods('clock', clock, CLOCK_METHODS)
  if (!Number.isInteger(maxEvents) || maxEvents < 1) throw invalidOption('maxEvents', 'a positive integer', maxEvents)
  if (!(typeof maxBytes === 'number' && maxBytes > 0)) throw invalidOption('maxBytes', 'a positive number', maxBytes)
  if (!(typeof stallTimeoutMs === 'number' && stallTimeoutMs > 0))
    throw invalidOption('stallTimeoutMs', 'a positive number of milliseconds', stallTimeoutMs)
  if (policy !== 'block' && policy !== 'disconnect') throw invalidOption('policy', '"block" or "disconnect"', policy)
  return { ...resolved, logger: guardLogger(logger) }
}

/**
 * Tracks how much waits for one reader, and how long a reader at its bound takes nothing.
 *
 * Hysteresis: once full it stays full until half of the bound is free, or it would toggle with every event.
 */
export class ReaderBound {
  readonly #options: Required<BufferOptions>
  readonly #hooks: BoundHooks
  #waitingEvents = 0
  #takeCount = 0
  #isFull = false
  /** Cancels the scheduled check, if any. */
  #stopCheck: (() => void) | undefined

  /** @throws `INVALID_OPTION` */
  constructor(options: BufferOptions, hooks: BoundHooks) {
    this.#options = resolveBufferOptions(options)
    this.#hooks = hooks
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Reports what waits now. */
  update(waitingEvents: number, waitingBytes: number): void {
    const { maxEvents, maxBytes } = this.#options
    this.#waitingEvents = waitingEvents
    if (!this.#isFull) {
      if (waitingEvents < maxEvents && waitingBytes < maxBytes) return
      this.#isFull = true
      this.#options.logger.warn('A reader has reached its bound', { waitingEvents, policy: this.#options.policy })
      this.#hooks.full(waitingEvents)
      this.#check()
    } else if (waitingEvents <= maxEvents / 2 && waitingBytes <= maxBytes / 2) {
      this.close()
      this.#hooks.room()
    }
  }

  /** Reports that the reader took an event. */
  took(): void {
    this.#takeCount += 1
  }

  /** Stops the check and resets the bound, until the next `update`. */
  close(): void {
    this.#isFull = false
    this.#stopCheck?.()
    this.#stopCheck = undefined
  }

  /** Schedules a stall check. A reader that took an event in the meantime gets another full period. */
  #check(): void {
    const { policy, clock, stallTimeoutMs } = this.#options
    const seen = this.#takeCount
    const look = (): void => {
      if (this.#stopCheck !== stop) return
      this.#stopCheck = undefined
      if (policy === 'disconnect' || this.#takeCount === seen) this.#lose()
      else this.#check()
    }
    const stopTimer = policy === 'block' ? clock.after(stallTimeoutMs, look) : undefined
    const stop = (): void => stopTimer?.()
    this.#stopCheck = stop
    if (policy === 'disconnect') afterTurn(look)
  }

  #lose(): void {
    const { policy, stallTimeoutMs } = this.#options
    const waiting = `${this.#waitingEvents} events waiting`
    this.close()
    this.#hooks.gone(
      policy === 'block'
        ? new DagstreamError('READER_STALLED', `The reader took nothing for ${stallTimeoutMs} ms with ${waiting}`)
        : new DagstreamError('READER_OVERFLOWED', `The reader reached its bound, with ${waiting}`),
    )
  }
}
