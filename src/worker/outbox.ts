import { backoff } from '../backoff.ts'
import { afterTurn } from '../clock.ts'
import type { AttemptMessage } from '../cluster/inbox.ts'
import { describeError } from '../log/describe-error.ts'
import { NewsPost, type NewsPostParts } from './news-post.ts'
import type { NewsQueue } from './news-queue.ts'

/** How long news wait for others, ms. */
const BATCH_MS = 50

/** Bounds of one post. */
const MAX_BATCH = 1000
const MAX_BATCH_WEIGHT = 4 * 1024 * 1024

/** How often the store may refuse the messages of one attempt, and the delays between. */
const MAX_REFUSALS = 3
const REFUSED = { initialDelayMs: 500, maxDelayMs: 1000, factor: 2, jitter: 0.2 } as const

/** An attempt that posts news. */
export interface NewsSource {
  readonly news: NewsQueue
  /** Nothing of it is posted any more. */
  readonly isLost: boolean
  /** What became of its messages. @param isEmpty whether no further news wait */
  posted(messages: readonly AttemptMessage[], accepted: readonly boolean[], isEmpty: boolean): void
  /** The store keeps refusing its messages: all that waited is dropped. */
  refused(): void
}

interface Taken {
  readonly source: NewsSource
  readonly messages: readonly AttemptMessage[]
}

/** An attempt whose messages the store has refused: they are posted alone. */
interface Refusal {
  /** How often they were refused alone. */
  readonly count: number
  /** While it waits. */
  readonly stop?: () => void
}

/**
 * Posts the news of all attempts of a worker: batched for 50 ms, at once where something waits for it. One post at a time,
 * repeated until the store answers. An attempt whose messages the store refuses three times loses them; the others go on.
 */
export class Outbox {
  readonly #parts: NewsPostParts
  readonly #post: NewsPost
  readonly #due = new Set<NewsSource>()
  readonly #refusals = new Map<NewsSource, Refusal>()
  /** Of what waits, and of the messages of the current post, characters. */
  #waitingWeight = 0
  #postingWeight = 0
  #isPosting = false
  #isSoon = false
  /** Something that waits is urgent. */
  #isUrgent = false
  #stopTimer: (() => void) | undefined
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: NewsPostParts) {
    this.#parts = parts
    this.#post = new NewsPost(parts)
  }

  /** Whether the store did not answer the last post. */
  get isAway(): boolean {
    return this.#post.isAway
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
    this.#refusals.get(source)?.stop?.()
    this.#refusals.delete(source)
    if (!this.#isPosting && this.#due.size === 0) this.#noteIdle()
  }

  /** An attempt has news. @param isUrgent posts them, with all others, once the event loop has turned */
  add(source: NewsSource, isUrgent: boolean): void {
    if (this.#isClosed) return
    this.count(source)
    if (this.#refusals.get(source)?.stop !== undefined) return
    this.#due.add(source)
    if (isUrgent) this.#postSoon()
    else if (!this.#isPosting && !this.#isSoon) this.#postLater()
  }

  /** Resolves once nothing waits any more. */
  idle(): Promise<void> {
    if (!this.#isPosting && this.#due.size + this.#refusals.size === 0) return Promise.resolve()
    const idle = new Promise<void>(resolve => this.#idle.push(resolve))
    this.#postSoon()
    return idle
  }

  /** Drops what waits. */
  close(): void {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#post.close()
    for (const { stop } of this.#refusals.values()) stop?.()
    this.#refusals.clear()
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
    this.#noteIdle()
  }

  #noteIdle(): void {
    if (this.#refusals.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** @returns whether another post is due at once: the bounds left something, or the store has refused this one */
  async #postBatch(): Promise<boolean> {
    const taken: Taken[] = []
    let room = MAX_BATCH
    let weightRoom = MAX_BATCH_WEIGHT
    for (const source of this.#due) {
      if (room <= 0 || weightRoom <= 0) break
      const isSuspect = this.#refusals.has(source)
      if (isSuspect && taken.length > 0) continue
      const before = source.news.weight
      const messages = source.news.take(room, weightRoom)
      this.count(source)
      room -= messages.length
      weightRoom -= before - source.news.weight
      if (source.news.isEmpty) this.#due.delete(source)
      taken.push({ source, messages })
      if (isSuspect) break
    }
    this.#postingWeight = MAX_BATCH_WEIGHT - weightRoom
    const isCut = room <= 0 || weightRoom <= 0
    const result = await this.#post.post(taken.flatMap(({ messages }) => messages))
    this.#postingWeight = 0
    if (result.type === 'closed') return false
    if (result.type === 'refused') {
      this.#refused(taken, result.error)
      return true
    }
    let at = 0
    let wasRefused = false
    for (const { source, messages } of taken) {
      const own = result.accepted.slice(at, (at += messages.length))
      if (this.#refusals.delete(source)) wasRefused = true
      source.posted(messages, own, source.news.isEmpty)
    }
    return isCut || wasRefused
  }

  /** Each attempt of a batch is posted alone; one that was refused alone waits, and is given up after the third time. */
  #refused(taken: readonly Taken[], error: unknown): void {
    for (const { source, messages } of taken) {
      if (source.isLost) {
        this.#refusals.delete(source)
        continue
      }
      const count = taken.length > 1 ? 0 : (this.#refusals.get(source)?.count ?? 0) + 1
      if (count === MAX_REFUSALS) this.#giveUp(source, messages.length, error)
      else {
        source.news.putBack(messages)
        this.count(source)
        this.#retry(source, count)
      }
    }
  }

  #retry(source: NewsSource, count: number): void {
    const { clock, random } = this.#parts
    if (count === 0) {
      this.#refusals.set(source, { count })
      this.#due.add(source)
      return
    }
    this.#due.delete(source)
    const stop = clock.after(backoff(REFUSED, count, random()), () => {
      this.#refusals.set(source, { count })
      this.#due.add(source)
      this.#postSoon()
    })
    this.#refusals.set(source, { count, stop })
  }

  #giveUp(source: NewsSource, messageCount: number, error: unknown): void {
    const { key } = source.news
    const fields = { ...key, messageCount, error: describeError(error) }
    this.#parts.logger.warn('The store refuses what an attempt reports: it is dropped', fields)
    this.forget(source)
    source.refused()
  }
}
