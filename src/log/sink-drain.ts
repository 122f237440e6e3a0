import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'

/** How a sink was lost: its reader cancelled, its reader stalled or overflowed, or the sink itself failed. */
export type SinkLoss = 'cancelled' | 'overflowed' | 'failed'

/**
 * Drains a buffer into a `WritableStream`, one write at a time, so that a slow sink slows the buffer.
 *
 * A sink may be slow, cancel, fail or close late. Every promise of the sink is handled, and only the first loss is
 * reported, once.
 */
export class SinkDrain {
  readonly #writer: WritableStreamDefaultWriter<SSEEvent>
  readonly #take: () => SSEEvent | undefined
  readonly #onLost: (loss: SinkLoss, reason: unknown) => void
  #isWriting = false
  #loss: { readonly reason: unknown } | undefined
  #waiting: { resolve(): void; reject(reason: unknown): void }[] = []

  constructor(
    writer: WritableStreamDefaultWriter<SSEEvent>,
    take: () => SSEEvent | undefined,
    onLost: (loss: SinkLoss, reason: unknown) => void,
  ) {
    this.#writer = writer
    this.#take = take
    this.#onLost = onLost
    writer.closed.catch(this.#fail)
  }

  /** Resumes writing. Call it when an event is available. */
  pump(): void {
    if (!this.#isWriting && this.#loss === undefined) this.#writeNext()
  }

  /** Resolves when all available events have been written; rejects with the reason if the sink is lost. */
  flush(): Promise<void> {
    this.pump()
    if (this.#loss !== undefined) return Promise.reject(this.#loss.reason)
    if (!this.#isWriting) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Closes the sink after the last write. @throws any error of the sink's `close` */
  async close(): Promise<void> {
    await this.#writer.close()
  }

  /** Stops writing and unlocks the sink without closing it. */
  release(): void {
    this.#lose(undefined)
    this.#writer.releaseLock()
  }

  /** Aborts the sink without waiting for it. */
  abort(reason: unknown): void {
    this.#lose(reason)
    this.#writer.abort(reason).catch(() => {
      // The sink is gone already, so there is no receiver for this error.
    })
  }

  readonly #writeNext = (): void => {
    const event = this.#loss === undefined ? this.#take() : undefined
    this.#isWriting = event !== undefined
    // Waiting for the write is the only signal that the sink has accepted the event.
    if (event !== undefined) this.#writer.write(event).then(this.#writeNext, this.#fail)
    else for (const waiting of this.#waiting.splice(0)) waiting.resolve()
  }

  readonly #fail = (reason: unknown): void => {
    if (this.#loss !== undefined) return
    const loss = classifyLoss(reason, this.#isWriting)
    this.#lose(reason)
    this.#onLost(loss, reason)
  }

  #lose(reason: unknown): void {
    if (this.#loss !== undefined) return
    this.#loss = { reason }
    for (const waiting of this.#waiting.splice(0)) waiting.reject(reason)
  }
}

/**
 * A cancelled reader and a throwing sink both error the stream. Two signs distinguish them: a cancellation can arrive
 * while no write is in flight, and its reason usually is not an `Error`.
 */
function classifyLoss(reason: unknown, isWriting: boolean): SinkLoss {
  // Raised by a `BufferedEventStream` used as the sink.
  if (reason instanceof DagstreamError && reason.code.startsWith('READER_')) return 'overflowed'
  if (!isWriting || !(reason instanceof Error)) return 'cancelled'
  return reason.name === 'AbortError' ? 'cancelled' : 'failed'
}
