import type { Clock } from '../clock.ts'
import type { RetryTimes } from '../scheduler/retry-times.ts'

/** The timers of tasks that wait for their next attempt. */
export class RetryDelays {
  readonly #clock: Clock
  readonly #onDue: (task: number) => void
  /** The cancel functions of the timers, by task index. */
  #timers: Map<number, () => void> | undefined

  constructor(clock: Clock, onDue: (task: number) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get count(): number {
    return this.#timers?.size ?? 0
  }

  /** Starts the delay of a task whose failed attempt is in the log, if the table has one. */
  follow(delays: RetryTimes, task: number): void {
    const delay = delays.get(task)
    if (delay !== undefined) this.#start(task, delay.delayMs)
  }

  #start(task: number, delayMs: number): void {
    const due = (): void => {
      this.#timers?.delete(task)
      this.#onDue(task)
    }
    this.#timers ??= new Map()
    this.#timers.set(task, this.#clock.after(delayMs, due))
  }

  /** Continues delays that began in an earlier process. */
  restore(delays: RetryTimes): void {
    const now = this.#clock.wallTime()
    for (const [task, { at, delayMs }] of delays.entries()) {
      // Bounded by the full delay, even if the system clock was changed meanwhile.
      this.#start(task, Math.max(0, Math.min(at + delayMs - now, delayMs)))
    }
  }

  /** Stops the timers of tasks that no longer wait. */
  prune(delays: RetryTimes): void {
    for (const [task, stop] of this.#timers ?? []) {
      if (delays.get(task) !== undefined) continue
      stop()
      this.#timers?.delete(task)
    }
  }

  stop(): void {
    for (const stop of this.#timers?.values() ?? []) stop()
    this.#timers = undefined
  }
}
