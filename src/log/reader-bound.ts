import { afterTurn, CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { DagstreamError, expectMethods, invalidOption } from '../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from './logger.ts'

/** The bound between an execution and one reader. */
export interface BufferOptions {
  /** Events that may wait for the reader. A positive integer. @defaultValue 1,000 */
  readonly maxEvents?: number
  /** About bytes that may wait for it, positive. @defaultValue 8 MiB */
  readonly maxBytes?: number
  /**
   * What happens at the bound. `"block"`: no new task starts until the reader has taken half of what waits; one that takes
   * nothing for the stall time counts as gone. `"disconnect"`: it counts as gone, unless it takes half of what waits within
   * that turn of the event loop: so long it may be the burst that is fast, not the reader slow. @defaultValue `"block"`
   */
  readonly policy?: 'block' | 'disconnect'
  /** How long a reader at its bound may take nothing, ms, positive. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  readonly clock?: Clock
  /** Is told, with the count, when the bound is reached. */
  readonly logger?: Logger
}

/** Called synchronously; must not throw. */
export interface BoundHooks {
  /** The bound is reached. */
  full(waitingEvents: number): void
  /** Half of it is free again. */
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

/** The options with their defaults. @throws `INVALID_OPTION` */
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
 * Watches how much waits for one reader, and for how long a reader at its bound takes nothing.
 *
 * Once full it stays full until half is free again: at the very bound it would turn with every event.
 */
export class ReaderBound {
  readonly #options: Required<BufferOptions>
  readonly #hooks: BoundHooks
  #waitingEvents = 0
  #takeCount = 0
  #isFull = false
  /** The check that is under way, as what stops it. */
  #stopCheck: (() => void) | undefined

  /** @throws `INVALID_OPTION` */
  constructor(options: BufferOptions, hooks: BoundHooks) {
    this.#options = resolveBufferOptions(options)
    this.#hooks = hooks
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** This much waits now. */
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

  /** The reader took something. */
  took(): void {
    this.#takeCount += 1
  }

  /** Watches no more, until the next update. */
  close(): void {
    this.#isFull = false
    this.#stopCheck?.()
    this.#stopCheck = undefined
  }

  /** Looks again after a while: a reader that took something meanwhile gets as long again. */
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
