import type { Clock } from '../clock.ts'

/** The timers of tasks that wait for their next attempt. */
export class RetryDelays {
  readonly #clock: Clock
  readonly #onDue: (task: number) => void
  /** By task index, what stops its timer. */
  readonly #timers = new Map<number, () => void>()

  constructor(clock: Clock, onDue: (task: number) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get count(): number {
    return this.#timers.size
  }

  start(task: number, delayMs: number): void {
    const due = (): void => {
      this.#timers.delete(task)
      this.#onDue(task)
    }
    this.#timers.set(task, this.#clock.after(delayMs, due))
  }

  stop(): void {
    for (const stop of this.#timers.values()) stop()
    this.#timers.clear()
  }
}
