import type { Clock } from '../clock.ts'

/**
 * One timer that is put off again and again, as those of silence are: to put it off costs a look at the clock, not a timer.
 */
export class IdleTimer {
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #callback: () => void
  /** When it is due; `undefined` while it is not armed. */
  #dueAt: number | undefined
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, delayMs: number, callback: () => void) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#callback = callback
  }

  /** It is due `delayMs` from now, whatever it was before. */
  arm(): void {
    this.#dueAt = this.#clock.now() + this.#delayMs
    this.#stopTimer ??= this.#clock.after(this.#delayMs, this.#onTimer)
  }

  /** It is not due any more; the timer below may stay for the next time. */
  disarm(): void {
    this.#dueAt = undefined
  }

  /** Leaves nothing behind. */
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
