import type { Clock } from '../clock.ts'

/** A time limit that can stand still. */
export class TimeLimit {
  readonly #clock: Clock
  readonly #onOver: () => void
  #leftMs: number
  #startedAt = 0
  #stopTimer: (() => void) | undefined

  /** It begins at once. */
  constructor(clock: Clock, leftMs: number, onOver: () => void) {
    this.#clock = clock
    this.#onOver = onOver
    this.#leftMs = Math.max(0, leftMs)
    this.go()
  }

  /** Continues. Idempotent. */
  go(): void {
    if (this.#stopTimer !== undefined) return
    this.#startedAt = this.#clock.now()
    this.#stopTimer = this.#clock.after(this.#leftMs, this.#onOver)
  }

  /** Stands still. Idempotent. */
  hold(): void {
    if (this.#stopTimer === undefined) return
    this.#stopTimer()
    this.#stopTimer = undefined
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.now() - this.#startedAt))
  }
}
