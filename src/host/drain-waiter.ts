import type { Clock } from '../clock.ts'

/** Waits until enough has been released, such as executions that run. One wait at a time. */
export class DrainWaiter {
  readonly #clock: Clock
  #onRelease: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something was released. */
  notify(): void {
    this.#onRelease?.()
  }

  /** Settles once `isDone` returns true, which is checked at every `notify`, or after `ms`. */
  waitUntil(isDone: () => boolean, ms: number): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise(resolve => {
      const settle = (): void => {
        stop()
        this.#onRelease = undefined
        resolve()
      }
      const stop = this.#clock.after(ms, settle)
      this.#onRelease = () => {
        if (isDone()) settle()
      }
    })
  }
}
