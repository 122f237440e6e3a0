import { backoff, type BackoffPolicy } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log/logger.ts'
import { describeError } from '../../log/describe-error.ts'

const BACKOFF: BackoffPolicy = { initialDelayMs: 1000, maxDelayMs: 60_000 }

interface Retry {
  readonly work: () => Promise<void>
  failureCount: number
  cancelTimer: () => void
  /** The attempt that runs now. */
  trying: Promise<void> | undefined
}

/** Work that a store failed at, one piece for each execution; it is retried until it succeeds. */
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
   * Schedules work; it replaces earlier work of the same execution.
   * @param work rejects where it needs another attempt
   * @param failureCount number of failed attempts before; the delay grows with it
   */
  add(executionId: string, work: () => Promise<void>, failureCount = 0): void {
    if (this.#isClosed) return
    this.remove(executionId)
    const retry: Retry = { work, failureCount, cancelTimer: () => {}, trying: undefined }
    this.#all.set(executionId, retry)
    this.#schedule(executionId, retry)
  }

  /** Runs the work at once. @returns when it has succeeded; rejects when it failed again */
  async now(executionId: string): Promise<void> {
    const retry = this.#all.get(executionId)
    if (retry !== undefined) await (retry.trying ??= this.#try(executionId, retry))
  }

  /** Drops the work of an execution. */
  remove(executionId: string): void {
    this.#all.get(executionId)?.cancelTimer()
    this.#all.delete(executionId)
  }

  /** Drops all work, and accepts no more. */
  close(): void {
    this.#isClosed = true
    for (const { cancelTimer } of this.#all.values()) cancelTimer()
    this.#all.clear()
  }

  async #try(executionId: string, retry: Retry): Promise<void> {
    retry.cancelTimer()
    try {
      await retry.work()
      // Other work may have replaced it meanwhile.
      if (this.#all.get(executionId) === retry) this.#all.delete(executionId)
    } catch (error) {
      this.#logger.debug('The store failed again', { executionId, error: describeError(error) })
      retry.trying = undefined
      retry.failureCount += 1
      if (this.#all.get(executionId) === retry) this.#schedule(executionId, retry)
      throw error
    }
  }

  #schedule(executionId: string, retry: Retry): void {
    const delayMs = backoff(BACKOFF, retry.failureCount + 1)
    // `#try` logs the failure; nobody waits for this attempt.
    retry.cancelTimer = this.#clock.after(delayMs, () => void this.now(executionId).catch(() => {}))
  }
}
