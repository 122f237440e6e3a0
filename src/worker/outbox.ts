import { afterTurn } from '../clock.ts'
import type { AttemptMessage } from '../cluster/inbox.ts'
import { describeError } from '../log/describe-error.ts'
import { NewsPost, type NewsPostParts, type PostResult } from './news-post.ts'
import type { NewsQueue } from './news-queue.ts'
import { Refusals } from './refusals.ts'
import type { OrderIntake } from './order-intake.ts'

/** How long news wait for others, ms. */
const BATCH_MS = 50

/** Bounds of one post. */
const MAX_BATCH = 1000
const MAX_BATCH_WEIGHT = 4 * 1024 * 1024

/** The parts of an outbox. */
export interface OutboxParts extends NewsPostParts {
  /** Takes orders for the places that the outcomes of a post free. */
  readonly intake: Pick<OrderIntake, 'turn' | 'join' | 'joined'>
}

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

/**
 * Posts the news of all attempts of a worker: batched for 50 ms, at once where something waits for it. One post at a time,
 * repeated until the store answers. An attempt whose messages the store refuses three times loses them; the others go on.
 */
export class Outbox {
  readonly #parts: OutboxParts
  readonly #post: NewsPost
  readonly #due = new Set<NewsSource>()
  readonly #refusals: Refusals<NewsSource>
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

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#post = new NewsPost(parts)
    this.#refusals = new Refusals(parts)
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
    this.#refusals.delete(source)
    if (!this.#isPosting && this.#due.size === 0) this.#noteIdle()
  }

  /** An attempt has news. @param isUrgent posts them, with all others, once the event loop has turned */
  add(source: NewsSource, isUrgent: boolean): void {
    if (this.#isClosed) return
    this.count(source)
    if (this.#refusals.isDelayed(source)) return
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
      if (this.#isUrgent) await this.#parts.intake.turn()
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
    const messages = taken.flatMap(each => each.messages)
    const free = this.#parts.intake.join(messages.filter(({ news }) => news.type === 'settled').length)
    const result = await this.#post.post(messages, free)
    this.#postingWeight = 0
    const isDue = this.#settle(taken, result)
    if (free > 0) {
      this.#parts.intake.joined(free, result.type === 'posted' ? result.taken : undefined)
      // Attempts that begin now may end at once: one post for all of them.
      await new Promise<void>(afterTurn)
    }
    return isDue || (isCut && result.type === 'posted')
  }

  /** @returns whether another post is due at once */
  #settle(taken: readonly Taken[], result: PostResult): boolean {
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
    return wasRefused
  }

  /** Each attempt of a batch is posted alone; one that was refused alone waits, and is given up after the third time. */
  #refused(taken: readonly Taken[], error: unknown): void {
    for (const { source, messages } of taken) {
      if (source.isLost) {
        this.#refusals.delete(source)
        continue
      }
      const isLast = this.#refusals.add(source, taken.length === 1)
      if (isLast) this.#giveUp(source, messages.length, error)
      else {
        source.news.putBack(messages)
        this.count(source)
        this.#retry(source)
      }
    }
  }

  #retry(source: NewsSource): void {
    if (!this.#refusals.delay(source, () => this.add(source, true))) this.#due.add(source)
    else this.#due.delete(source)
  }

  #giveUp(source: NewsSource, messageCount: number, error: unknown): void {
    const { key } = source.news
    const fields = { ...key, messageCount, error: describeError(error) }
    this.#parts.logger.warn('The store refuses what an attempt reports: it is dropped', fields)
    this.forget(source)
    source.refused()
  }
}
