import type { Clock } from '../../../clock.ts'
import type { ToolContext } from '../../tool.ts'
import type { RequestSignal } from '../protocol/mcp-client.ts'

/** A call that has not been answered for so long, or up to twice as long, watches for its abort, ms. */
const WATCH_AFTER_MS = 10

/** The signal of one call. */
export class CallSignal implements RequestSignal {
  aborted = false
  reason: unknown = undefined
  readonly #context: ToolContext
  #listener: (() => void) | undefined
  #watched: AbortSignal | undefined

  constructor(context: ToolContext) {
    this.#context = context
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  /** Looks at the signal of the attempt, which is made by being looked at. */
  watch(): void {
    this.#watched = this.#context.signal
    if (this.#watched.aborted) this.#abort()
    else this.#watched.addEventListener('abort', this.#abort)
  }

  end(): void {
    this.#watched?.removeEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    this.aborted = true
    this.reason = this.#watched?.reason
    this.#listener?.()
  }
}

/**
 * Signals for calls that mostly are answered at once.
 *
 * A signal for each attempt, with a listener, costs a fast call more than all else here does. So a call looks at its own
 * only once it was not answered for some milliseconds; one that was aborted before is cancelled then.
 */
export class CallSignals {
  readonly #clock: Clock
  /** Those of this interval, and of the one before. */
  #young = new Set<CallSignal>()
  #old = new Set<CallSignal>()
  #isArmed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  begin(context: ToolContext): CallSignal {
    const signal = new CallSignal(context)
    this.#young.add(signal)
    this.#arm()
    return signal
  }

  end(signal: CallSignal): void {
    if (!this.#young.delete(signal)) this.#old.delete(signal)
    signal.end()
  }

  /** One timer for all calls. */
  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#clock.after(WATCH_AFTER_MS, () => this.#age())
  }

  #age(): void {
    this.#isArmed = false
    const signals = this.#old
    this.#old = this.#young
    this.#young = new Set()
    for (const signal of signals) signal.watch()
    if (this.#old.size > 0) this.#arm()
  }
}
