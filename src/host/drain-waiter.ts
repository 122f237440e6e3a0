import type { Clock } from '../clock.ts'

/** What waits until enough of something is over, such as executions that run. One wait at a time. */
export class Lessening {
  readonly #clock: Clock
  #onLess: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something is over. */
  notify(): void {
    this.#onLess?.()
  }

  /** Settles as soon as it `isDone`, which is asked at every `notify`, or after `ms`. */
  within(ms: number, isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise(resolve => {
      const settle = (): void => {
        stop()
        this.#onLess = undefined
        resolve()
      }
      const stop = this.#clock.after(ms, settle)
      this.#onLess = () => {
        if (isDone()) settle()
      }
    })
  }
}
