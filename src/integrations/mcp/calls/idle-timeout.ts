import type { Clock } from '../../../clock.ts'

/** Aborts after a time without a restart, and when an outer signal aborts. */
export class IdleTimeout {
  isExpired = false
  readonly #clock: Clock
  readonly #durationMs: number
  readonly #outer: AbortSignal
  readonly #controller = new AbortController()
  #cancelTimer: () => void

  /** @param durationMs at least 1 */
  constructor(clock: Clock, durationMs: number, outer: AbortSignal) {
    this.#clock = clock
    this.#durationMs = durationMs
    this.#outer = outer
    this.#cancelTimer = this.#arm()
    outer.addEventListener('abort', this.#forward)
    if (outer.aborted) this.#forward()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Restarts the timeout. */
  restart(): void {
    this.#cancelTimer()
    if (!this.signal.aborted) this.#cancelTimer = this.#arm()
  }

  /** The time stands still until `restart`. */
  hold(): void {
    this.#cancelTimer()
  }

  stop(): void {
    this.#cancelTimer()
    this.#outer.removeEventListener('abort', this.#forward)
  }

  #arm(): () => void {
    return this.#clock.after(this.#durationMs, () => {
      this.isExpired = true
      this.#controller.abort(new Error('No progress for too long'))
    })
  }

  readonly #forward = (): void => this.#controller.abort(this.#outer.reason)
}
