import type { Waiting } from './waiting.ts'

/** Opens a source: from behind `lastEventId`, if it can; `signal` aborts once nobody reads it any more. */
export type OpenSource<T> = (
  lastEventId: string | undefined,
  signal: AbortSignal,
) => AsyncIterable<T> | Promise<AsyncIterable<T>>

/** How a source failed. */
export interface Failure {
  readonly error: unknown
}

/** What comes of one read. */
export type Step<T> = { readonly item: T } | Failure | 'end'

/** One source, from opening it to its end. */
export class Connection<T> {
  readonly #opening: Promise<AsyncIterable<T>>
  readonly #waiting: Waiting
  #iterator: AsyncIterator<T> | undefined
  #isOver = false

  /** Opens it at once. */
  constructor(open: OpenSource<T>, lastEventId: string | undefined, waiting: Waiting) {
    this.#waiting = waiting
    this.#opening = (async () => await open(lastEventId, waiting.signal))()
  }

  /** Never rejects because of the source. @throws the reason once `waiting` has been ended */
  async next(): Promise<Step<T>> {
    try {
      this.#iterator ??= (await this.#waiting.for(this.#opening))[Symbol.asyncIterator]()
      const { done, value } = await this.#waiting.for(this.#iterator.next())
      if (!done) return { item: value }
      this.#isOver = true
      return 'end'
    } catch (error) {
      if (this.#waiting.signal.aborted) throw this.#waiting.signal.reason
      this.#isOver = true
      return { error }
    }
  }

  /** Lets go of a source that has not ended by itself, without waiting for it; harmless to repeat. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    // Its failure is nobody's concern any more.
    void this.#close().catch(() => {})
  }

  async #close(): Promise<void> {
    this.#iterator ??= (await this.#opening)[Symbol.asyncIterator]()
    await this.#iterator.return?.()
  }
}
