import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { AttemptMessage } from '../cluster/inbox.ts'
import type { TakenOrder } from '../cluster/order.ts'
import type { SharedStore } from '../cluster/shared-store.ts'
import { isStoreRefusal } from '../errors.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'

/** Delays between the repetitions of a post during an outage. */
const RETRY = { initialDelayMs: 100, maxDelayMs: 2000, factor: 2, jitter: 0.2 } as const

/** The parts of a post of news. */
export interface NewsPostParts {
  readonly store: Pick<SharedStore, 'inbox' | 'exchange'>
  readonly workerId: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** The store is back. */
  readonly onBack: () => void
}

interface Posted {
  readonly type: 'posted'
  readonly accepted: readonly boolean[]
  /** `undefined`: no orders were asked for. */
  readonly taken: readonly TakenOrder[] | undefined
}

/** What became of a post. `closed`: the worker has ended meanwhile. */
export type PostResult = Posted | { readonly type: 'refused'; readonly error: unknown } | { readonly type: 'closed' }

/** Posts messages, one post at a time: repeated through an outage until the store answers. */
export class NewsPost {
  readonly #parts: NewsPostParts
  #failureCount = 0
  #isClosed = false
  #wakeRetry: (() => void) | undefined

  constructor(parts: NewsPostParts) {
    this.#parts = parts
  }

  /** Whether the store did not answer the last post. */
  get isAway(): boolean {
    return this.#failureCount > 0
  }

  /**
   * Never rejects.
   * @param free how many orders are taken with it; above 0 only where the store has `exchange`. Once that fails nothing is taken: the
   * take may be the reason, and must not hold up the messages
   */
  async post(messages: readonly AttemptMessage[], free: number = 0): Promise<PostResult> {
    if (messages.length === 0) return { type: 'posted', accepted: [], taken: undefined }
    const { clock, random, logger } = this.#parts
    for (let isFirst = true; !this.#isClosed; isFirst = false) {
      const count = isFirst ? free : 0
      try {
        const exchanged = await this.#send(messages, count)
        this.#noteAnswer()
        return { type: 'posted', ...exchanged }
      } catch (error) {
        if (isStoreRefusal(error)) {
          if (count > 0) continue
          this.#noteAnswer()
          return { type: 'refused', error }
        }
        this.#failureCount += 1
        if (this.#failureCount === 1) {
          logger.warn('The store accepts no news of attempts: repeated until it does', { error: describeError(error) })
        }
        await new Promise<void>(resolve => {
          const stop = clock.after(backoff(RETRY, this.#failureCount, random()), resolve)
          this.#wakeRetry = () => {
            stop()
            resolve()
          }
        })
      }
    }
    return { type: 'closed' }
  }

  close(): void {
    this.#isClosed = true
    this.#wakeRetry?.()
  }

  async #send(messages: readonly AttemptMessage[], free: number): Promise<Omit<Posted, 'type'>> {
    const { store, workerId, leaseMs } = this.#parts
    if (free > 0 && store.exchange !== undefined) return await store.exchange(workerId, messages, free, leaseMs)
    return { accepted: await store.inbox.post(workerId, messages), taken: undefined }
  }

  #noteAnswer(): void {
    if (this.#failureCount === 0) return
    this.#failureCount = 0
    this.#parts.logger.debug('The store accepts the news of attempts again')
    this.#parts.onBack()
  }
}
