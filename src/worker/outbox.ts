import { backoff } from '../backoff.ts'
import { afterTurn, type Clock } from '../clock.ts'
import type { AttemptMessage } from '../cluster/inbox.ts'
import type { SharedStore } from '../cluster/shared-store.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'
import type { NewsQueue } from './news-queue.ts'

/** How long news wait for others, ms. */
const BATCH_MS = 50

/** Bounds of one post. */
const MAX_BATCH = 1000
const MAX_BATCH_WEIGHT = 4 * 1024 * 1024

/** Delays between the repetitions of a failed post. */
const RETRY = { initialDelayMs: 100, maxDelayMs: 2000, factor: 2, jitter: 0.2 } as const

/** An attempt that posts news. */
export interface NewsSource {
  readonly news: NewsQueue
  /** What became of its messages. @param isEmpty whether no further news wait */
  posted(messages: readonly AttemptMessage[], accepted: readonly boolean[], isEmpty: boolean): void
}

/** The parts of an outbox. */
export interface OutboxParts {
  readonly store: Pick<SharedStore, 'inbox'>
  readonly workerId: string
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** The store is back. */
  readonly onBack: () => void
}

/**
 * Posts the news of all attempts of a worker: batched for 50 ms, at once where something waits for it. One post at a time,
 * repeated until the store answers.
 */
export class Outbox {
  readonly #parts: OutboxParts
  readonly #due = new Set<NewsSource>()
  /** Of what waits, and of the messages of the current post, characters. */
  #waitingWeight = 0
  #postingWeight = 0
  #failureCount = 0
  #isPosting = false
  #isSoon = false
  /** Something that waits is urgent. */
  #isUrgent = false
  #stopTimer: (() => void) | undefined
  #wakeRetry: (() => void) | undefined
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** Whether the last post failed. */
  get isAway(): boolean {
    return this.#failureCount > 0
  }

  /** Size of all news that are not posted, characters. */
  get weight(): number {
    return this.#postingWeight + this.#waitingWeight
  }

  /** Counts what an attempt has that waits. */
  count({ news }: NewsSource): void {
    this.#waitingWeight += news.weight - news.countedWeight
    news.countedWeight = news.weight
  }

  /** Nothing of an attempt is to be posted any more. */
  forget(source: NewsSource): void {
    source.news.clear()
    this.count(source)
    this.#due.delete(source)
  }

  /** An attempt has news. @param isUrgent posts them, with all others, once the event loop has turned */
  add(source: NewsSource, isUrgent: boolean): void {
    if (this.#isClosed) return
    this.count(source)
    this.#due.add(source)
    if (isUrgent) this.#postSoon()
    else if (!this.#isPosting && !this.#isSoon) this.#postLater()
  }

  /** Resolves once nothing waits any more. */
  idle(): Promise<void> {
    if (!this.#isPosting && this.#due.size === 0) return Promise.resolve()
    const idle = new Promise<void>(resolve => this.#idle.push(resolve))
    this.#postSoon()
    return idle
  }

  /** Drops what waits. */
  close(): void {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#wakeRetry?.()
    this.#due.clear()
  }

  #postSoon(): void {
    this.#isUrgent = true
    if (this.#isSoon || this.#isPosting) return
    this.#isSoon = true
    afterTurn(() => {
      this.#isSoon = false
      void this.#postAll()
    })
  }

  #postLater(): void {
    this.#stopTimer ??= this.#parts.clock.after(BATCH_MS, () => {
      this.#stopTimer = undefined
      void this.#postAll()
    })
  }

  /** Never rejects. */
  async #postAll(): Promise<void> {
    if (this.#isPosting) return
    this.#isPosting = true
    this.#stopTimer?.()
    this.#stopTimer = undefined
    let isDue = true
    while (isDue && this.#due.size > 0 && !this.#isClosed) {
      this.#isUrgent = false
      const isCut = await this.#postBatch()
      isDue = isCut || this.#isUrgent || this.#idle.length > 0
    }
    this.#isPosting = false
    if (this.#due.size > 0 && !this.#isClosed) return this.#postLater()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** @returns whether the bounds of a post left something */
  async #postBatch(): Promise<boolean> {
    const taken: { readonly source: NewsSource; readonly messages: readonly AttemptMessage[] }[] = []
    let room = MAX_BATCH
    let weightRoom = MAX_BATCH_WEIGHT
    for (const source of this.#due) {
      if (room <= 0 || weightRoom <= 0) break
      const before = source.news.weight
      const messages = source.news.take(room, weightRoom)
      this.count(source)
      room -= messages.length
      weightRoom -= before - source.news.weight
      if (source.news.isEmpty) this.#due.delete(source)
      taken.push({ source, messages })
    }
    this.#postingWeight = MAX_BATCH_WEIGHT - weightRoom
    const isCut = room <= 0 || weightRoom <= 0
    const accepted = await this.#post(taken.flatMap(({ messages }) => messages))
    this.#postingWeight = 0
    if (accepted === undefined) return false
    let at = 0
    for (const { source, messages } of taken) {
      const own = accepted.slice(at, (at += messages.length))
      source.posted(messages, own, source.news.isEmpty)
    }
    return isCut
  }

  /** @returns `undefined` once closed */
  async #post(messages: readonly AttemptMessage[]): Promise<readonly boolean[] | undefined> {
    if (messages.length === 0) return []
    const { store, workerId, clock, random, logger, onBack } = this.#parts
    while (!this.#isClosed) {
      try {
        const accepted = await store.inbox.post(workerId, messages)
        if (this.#failureCount > 0) {
          this.#failureCount = 0
          logger.debug('The store accepts the news of attempts again')
          onBack()
        }
        return accepted
      } catch (error) {
        this.#failureCount += 1
        const fields = { error: describeError(error) }
        if (this.#failureCount === 1)
          logger.warn('The store accepts no news of attempts: repeated until it does', fields)
        await new Promise<void>(resolve => {
          const stop = clock.after(backoff(RETRY, this.#failureCount, random()), resolve)
          this.#wakeRetry = () => {
            stop()
            resolve()
          }
        })
      }
    }
    return undefined
  }
}
