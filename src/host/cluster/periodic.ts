import type { Clock } from '../../clock.ts'

/** How periodic work runs. */
export interface PeriodicOptions {
  /** Maximum pause between two runs, ms; each pause is shortened by up to a quarter, so that servers do not run in step. */
  readonly periodMs: number
  readonly clock: Clock
  /** 0–1. */
  readonly random: () => number
  /** Receives what a run rejects with. */
  readonly onError: (error: unknown) => void
}

/** Work that runs again and again, one run at a time. */
export class Periodic {
  readonly #work: () => Promise<void>
  readonly #options: PeriodicOptions
  #running: Promise<void> | undefined
  #isAskedAgain = false
  #isClosed = false
  #stopTimer: (() => void) | undefined

  constructor(work: () => Promise<void>, options: PeriodicOptions) {
    this.#work = work
    this.#options = options
  }

  /** Begins with a pause. */
  start(): void {
    if (this.#isClosed || this.#running !== undefined) return
    const { periodMs, clock, random } = this.#options
    this.#stopTimer?.()
    this.#stopTimer = clock.after(periodMs * (1 - random() / 4), () => this.now())
  }

  /** Runs it at once; once more after the present run, if there is one. */
  now(): void {
    if (this.#isClosed) return
    this.#stopTimer?.()
    if (this.#running !== undefined) this.#isAskedAgain = true
    else this.#running = this.#run()
  }

  /** @returns once the present run has ended */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer?.()
    await this.#running
  }

  async #run(): Promise<void> {
    do {
      this.#isAskedAgain = false
      try {
        await this.#work()
      } catch (error) {
        this.#options.onError(error)
        break
      }
    } while (this.#isAskedAgain && !this.#isClosed)
    this.#isAskedAgain = false
    this.#running = undefined
    this.start()
  }
}
