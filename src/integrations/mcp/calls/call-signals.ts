import type { Clock } from '../../../clock.ts'
import type { ToolContext } from '../../../tools/tool.ts'
import type { RequestSignal } from '../protocol/mcp-client.ts'

/** Minimum age of a call that watches for its abort, ms; the maximum is twice that. */
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

  /** Listens to the signal of the attempt, which is created on first access. */
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
 * Signals for calls that are mostly answered at once.
 *
 * An `AbortSignal` with a listener per attempt is the largest cost of a fast call. A call therefore listens to its own signal
 * only after some milliseconds without an answer. An earlier abort cancels it then.
 */
export class CallSignals {
  readonly #clock: Clock
  /** The calls of this interval, and of earlier intervals below. */
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

  /** Starts the timer that all calls share. */
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
