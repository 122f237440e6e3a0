import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log/logger.ts'
import { describeError } from '../../log/describe-error.ts'

/** How long until what failed is tried again, ms: the first time, and at most. In between it doubles. */
const FIRST_DELAY_MS = 1000
const MAX_DELAY_MS = 60_000

interface Retry {
  readonly work: () => Promise<void>
  failureCount: number
  stopWaiting: () => void
  /** While it is being tried. */
  trying: Promise<void> | undefined
}

/** What a store that failed is still to do, one thing for each execution: tried again until it is done. */
export class StoreRetries {
  readonly #clock: Clock
  readonly #logger: Logger
  /** By execution. */
  readonly #all = new Map<string, Retry>()
  #isClosed = false

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  has(executionId: string): boolean {
    return this.#all.has(executionId)
  }

  /**
   * Takes the place of what there was for the execution.
   * @param work rejects where it is to be tried again
   * @param failureCount how often it has been in vain: the wait is the longer
   */
  add(executionId: string, work: () => Promise<void>, failureCount = 0): void {
    if (this.#isClosed) return
    this.remove(executionId)
    const retry: Retry = { work, failureCount, stopWaiting: () => {}, trying: undefined }
    this.#all.set(executionId, retry)
    this.#wait(executionId, retry)
  }

  /** Tries at once, for whoever cannot go on without it. @returns once it is done; rejects where it failed once more */
  async now(executionId: string): Promise<void> {
    const retry = this.#all.get(executionId)
    if (retry !== undefined) await (retry.trying ??= this.#try(executionId, retry))
  }

  /** It is not to be done any more. */
  remove(executionId: string): void {
    this.#all.get(executionId)?.stopWaiting()
    this.#all.delete(executionId)
  }

  /** Tries nothing any more. */
  close(): void {
    this.#isClosed = true
    for (const { stopWaiting } of this.#all.values()) stopWaiting()
    this.#all.clear()
  }

  async #try(executionId: string, retry: Retry): Promise<void> {
    retry.stopWaiting()
    try {
      await retry.work()
      // Something else may have failed meanwhile, and taken its place.
      if (this.#all.get(executionId) === retry) this.#all.delete(executionId)
    } catch (error) {
      this.#logger.debug('The store failed once more', { executionId, error: describeError(error) })
      retry.trying = undefined
      retry.failureCount += 1
      if (this.#all.get(executionId) === retry) this.#wait(executionId, retry)
      throw error
    }
  }

  #wait(executionId: string, retry: Retry): void {
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** retry.failureCount, MAX_DELAY_MS)
    // Whoever asks for it tells what it fails by; here there is nobody to tell but the log.
    retry.stopWaiting = this.#clock.after(delayMs, () => void this.now(executionId).catch(() => {}))
  }
}
