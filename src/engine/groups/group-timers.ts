import type { Clock } from '../../clock.ts'

/** The kinds of timers of a parent. */
export type TimerKind = 'timeout' | 'finally' | 'round'

/** The timers of parents, at most one of each kind per parent. The document has the number −1. */
export class GroupTimers {
  readonly #clock: Clock
  readonly #stops = new Map<string, () => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls back after a delay, unless such a timer runs or has fired. */
  start(parent: number, kind: TimerKind, delayMs: number, onDue: () => void): void {
    const key = `${kind} ${parent}`
    if (this.#stops.has(key)) return
    const stop = this.#clock.after(Math.max(0, delayMs), () => {
      if (kind === 'round') this.#stops.delete(key)
      onDue()
    })
    this.#stops.set(key, stop)
  }

  /** The parent has ended. */
  stop(parent: number): void {
    for (const kind of ['timeout', 'finally', 'round']) {
      this.#stops.get(`${kind} ${parent}`)?.()
      this.#stops.delete(`${kind} ${parent}`)
    }
  }

  close(): void {
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
  }
}
