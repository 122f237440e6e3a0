import type { Clock } from '../../clock.ts'

/** The timers of questions that expire. */
export class Expiries {
  readonly #clock: Clock
  readonly #stops = new Map<string, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls back at a time of the wall clock, at once if that has passed. Replaces an earlier timer of the question. */
  start(inputId: string, expiresAt: string, onExpired: () => void): void {
    this.stop(inputId)
    const leftMs = Math.max(0, Date.parse(expiresAt) - this.#clock.wallTime())
    const stop = this.#clock.after(leftMs, () => {
      this.#stops.delete(inputId)
      // The clock of the wall may have been set back meanwhile.
      if (this.#clock.wallTime() < Date.parse(expiresAt)) this.start(inputId, expiresAt, onExpired)
      else onExpired()
    })
    this.#stops.set(inputId, stop)
  }

  stop(inputId: string): void {
    this.#stops.get(inputId)?.()
    this.#stops.delete(inputId)
  }

  close(): void {
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
  }
}
