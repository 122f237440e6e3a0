import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'

/** How a sink was lost: its reader left, or took nothing for too long; or it failed by itself. */
export type SinkLoss = 'cancelled' | 'overflowed' | 'failed'

/**
 * Writes what a buffer holds into a `WritableStream`, one write at a time: a slow sink slows the buffer behind it.
 *
 * A sink may be slow, cancelled, erroring or closing late: every promise it gives is heard, the first loss is told once, and
 * nothing rejects unhandled.
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

  /** Goes on writing; call it when there is something to take. */
  pump(): void {
    if (!this.#isWriting && this.#loss === undefined) this.#writeNext()
  }

  /** Settles when all that could be taken has been written; rejects with why the sink was lost. */
  flush(): Promise<void> {
    this.pump()
    if (this.#loss !== undefined) return Promise.reject(this.#loss.reason)
    if (!this.#isWriting) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Closes the sink behind what was written. @throws whatever the sink's close throws */
  async close(): Promise<void> {
    await this.#writer.close()
  }

  /** Writes nothing more and gives the sink back as it is. */
  release(): void {
    this.#lose(undefined)
    this.#writer.releaseLock()
  }

  /** Tells the sink that nothing will follow; never waits for it. */
  abort(reason: unknown): void {
    this.#lose(reason)
    this.#writer.abort(reason).catch(() => {
      // It is gone already: there is nobody to tell.
    })
  }

  readonly #writeNext = (): void => {
    const event = this.#loss === undefined ? this.#take() : undefined
    this.#isWriting = event !== undefined
    // A write settles when the sink has taken it: nothing cheaper tells as much.
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
 * A cancelled reader and a throwing sink look alike from here: both error the stream. What tells them apart is that a
 * cancellation can come while nothing is being written, and that its reason is mostly no error at all.
 */
function classifyLoss(reason: unknown, isWriting: boolean): SinkLoss {
  // From a `BufferedEventStream` that is the sink.
  if (reason instanceof DagstreamError && reason.code.startsWith('READER_')) return 'overflowed'
  if (!isWriting || !(reason instanceof Error)) return 'cancelled'
  return reason.name === 'AbortError' ? 'cancelled' : 'failed'
}
