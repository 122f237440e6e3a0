import type { Clock } from '../../clock.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'

/** Whether the shared store answers, and since when without interruption. */
export class ConnectionWatch {
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #logger: Logger
  readonly #onReturn: () => void
  /** Of the first answer after the last interruption. */
  #since = Number.POSITIVE_INFINITY
  #lastAnswerAt = Number.NEGATIVE_INFINITY
  #hasFailed = false

  /** @param onReturn called with the first answer after an interruption */
  constructor(clock: Clock, ttlMs: number, logger: Logger, onReturn: () => void) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#logger = logger
    this.#onReturn = onReturn
  }

  /** The store has answered. A longer silence than one ttl, such as that of a blocked process, is an interruption, too. */
  answered(): void {
    const now = this.#clock.now()
    const isReturn = this.#hasFailed || now - this.#lastAnswerAt > this.#ttlMs
    this.#lastAnswerAt = now
    if (!isReturn) return
    if (this.#hasFailed) this.#logger.warn('The shared store answers again')
    this.#hasFailed = false
    this.#since = now
    this.#onReturn()
  }

  /** A call has failed. */
  failed(error: unknown): void {
    if (!this.#hasFailed) this.#logger.warn('The shared store does not answer', { error: describeError(error) })
    this.#hasFailed = true
    this.#since = Number.POSITIVE_INFINITY
  }

  /** Whether the last call has failed. */
  get isAway(): boolean {
    return this.#hasFailed
  }

  /**
   * Whether the store has answered for one ttl without interruption. Only then an expired lease of another process shows that
   * the process has died: during an outage nobody could renew.
   */
  get isSteady(): boolean {
    const now = this.#clock.now()
    return now - this.#since >= this.#ttlMs && now - this.#lastAnswerAt <= this.#ttlMs
  }
}
