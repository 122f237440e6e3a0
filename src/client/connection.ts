import type { AbortScope } from './abort-scope.ts'

/** Opens a source, after `lastEventId` if it can; `signal` aborts when the reader leaves. */
export type OpenSource<T> = (
  lastEventId: string | undefined,
  signal: AbortSignal,
) => AsyncIterable<T> | Promise<AsyncIterable<T>>

/** Failure of a source. */
export interface Failure {
  readonly error: unknown
}

/** Outcome of one read. */
export type Step<T> = { readonly item: T } | Failure | 'end'

/** One source, from opening to its end. */
export class Connection<T> {
  readonly #opening: Promise<AsyncIterable<T>>
  readonly #scope: AbortScope
  #iterator: AsyncIterator<T> | undefined
  #isOver = false

  /** Opens the source at once. */
  constructor(open: OpenSource<T>, lastEventId: string | undefined, scope: AbortScope) {
    this.#scope = scope
    this.#opening = (async () => await open(lastEventId, scope.signal))()
  }

  /** Never rejects because of the source. @throws the reason once `scope` has ended */
  async next(): Promise<Step<T>> {
    try {
      this.#iterator ??= (await this.#scope.for(this.#opening))[Symbol.asyncIterator]()
      const { done, value } = await this.#scope.for(this.#iterator.next())
      if (!done) return { item: value }
      this.#isOver = true
      return 'end'
    } catch (error) {
      if (this.#scope.signal.aborted) throw this.#scope.signal.reason
      this.#isOver = true
      return { error }
    }
  }

  /** Releases a source that has not ended, without waiting for it. Idempotent. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    // Its failure no longer matters.
    void this.#close().catch(() => {})
  }

  async #close(): Promise<void> {
    this.#iterator ??= (await this.#opening)[Symbol.asyncIterator]()
    await this.#iterator.return?.()
  }
}
