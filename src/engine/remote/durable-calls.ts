import { backoff } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'

const RETRIES = { initialDelayMs: 100, maxDelayMs: 3000 }

/** Calls of a store that are repeated until one succeeds or nothing depends on it any more. */
export class DurableCalls {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #timers = new Set<() => void>()
  #isClosed = false

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** @param isNeeded asked before each call */
  make(call: () => Promise<void>, isNeeded: () => boolean, failureCount = 0): void {
    if (this.#isClosed || !isNeeded()) return
    call().catch((error: unknown) => {
      if (this.#isClosed) return
      if (failureCount === 0) {
        this.#logger.warn('A request to a worker could not be stored: it is repeated', { error: describeError(error) })
      }
      const cancel = this.#clock.after(backoff(RETRIES, failureCount + 1), () => {
        this.#timers.delete(cancel)
        this.make(call, isNeeded, failureCount + 1)
      })
      this.#timers.add(cancel)
    })
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }
}
