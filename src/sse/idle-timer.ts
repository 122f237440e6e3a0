import type { Clock } from '../clock.ts'

/** A timer that is postponed often, as idle timers are: postponing reads the clock and sets no new timer. */
export class IdleTimer {
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #callback: () => void
  /** Due time; `undefined` while disarmed. */
  #dueAt: number | undefined
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, delayMs: number, callback: () => void) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#callback = callback
  }

  /** Sets the due time to `delayMs` from now, replacing an earlier one. */
  arm(): void {
    this.#dueAt = this.#clock.now() + this.#delayMs
    this.#stopTimer ??= this.#clock.after(this.#delayMs, this.#onTimer)
  }

  /** Clears the due time; the underlying timer may stay for reuse. */
  disarm(): void {
    this.#dueAt = undefined
  }

  /** Clears the underlying timer too. */
  stop(): void {
    this.#dueAt = undefined
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  readonly #onTimer = (): void => {
    this.#stopTimer = undefined
    if (this.#dueAt === undefined) return
    const leftMs = this.#dueAt - this.#clock.now()
    if (leftMs > 0) {
      this.#stopTimer = this.#clock.after(leftMs, this.#onTimer)
      return
    }
    this.#dueAt = undefined
    this.#callback()
  }
}
