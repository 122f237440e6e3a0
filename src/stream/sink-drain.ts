import type { SSEEvent } from '../events/events.ts'

/** How a sink was lost: its reader left, or it failed by itself. */
export type SinkLoss = 'cancelled' | 'failed'

/**
 * Writes what a buffer holds into a `WritableStream`, one writer for its whole life, never more than the stream asks for.
 *
 * A sink may be slow, cancelled, erroring or closing late: every promise it gives is heard, the first loss is told once, and
 * nothing rejects unhandled.
 */
export class SinkDrain {
  readonly #writer: WritableStreamDefaultWriter<SSEEvent>
  readonly #take: () => SSEEvent | undefined
  readonly #onLost: (loss: SinkLoss, reason: unknown) => void
  #underWay = 0
  #isRunning = false
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
    if (this.#isRunning || this.#loss !== undefined) return
    this.#isRunning = true
    void this.#run()
  }

  /** Settles when all that could be taken has been written; rejects with why the sink was lost. */
  flush(): Promise<void> {
    if (this.#loss !== undefined) return Promise.reject(this.#loss.reason)
    this.pump()
    if (this.#isIdle) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Closes the sink behind what was written. @throws whatever the sink's close throws */
  async close(): Promise<void> {
    await this.#writer.close()
  }

  /** Gives the sink back, open. */
  release(): void {
    this.#isRunning = true
    this.#writer.releaseLock()
  }

  /** Tells the sink that nothing will follow; never waits for it. */
  abort(reason: unknown): void {
    this.#lose(reason)
    this.#writer.abort(reason).catch(() => {
      // It is gone already: there is nobody to tell.
    })
  }

  get #isIdle(): boolean {
    return !this.#isRunning && this.#underWay === 0
  }

  async #run(): Promise<void> {
    try {
      for (let event = this.#take(); event !== undefined; event = this.#take()) {
        this.#underWay += 1
        this.#writer.write(event).then(this.#wrote, this.#fail)
        if ((this.#writer.desiredSize ?? 0) <= 0) await this.#writer.ready
        if (this.#loss !== undefined) return
      }
      this.#isRunning = false
      this.#settle()
    } catch (reason) {
      this.#fail(reason)
    }
  }

  readonly #wrote = (): void => {
    this.#underWay -= 1
    this.#settle()
  }

  readonly #fail = (reason: unknown): void => {
    if (this.#loss !== undefined) return
    const loss = classifyLoss(reason, this.#underWay > 0)
    this.#lose(reason)
    this.#onLost(loss, reason)
  }

  #lose(reason: unknown): void {
    if (this.#loss !== undefined) return
    this.#loss = { reason }
    for (const waiting of this.#waiting.splice(0)) waiting.reject(reason)
  }

  #settle(): void {
    if (!this.#isIdle || this.#waiting.length === 0) return
    for (const waiting of this.#waiting.splice(0)) waiting.resolve()
  }
}

/**
 * A cancelled reader and a throwing sink look alike from here: both error the stream. What tells them apart is that a
 * cancellation can come while nothing is being written, and that its reason is mostly no error at all.
 */
function classifyLoss(reason: unknown, isWriting: boolean): SinkLoss {
  if (!isWriting || !(reason instanceof Error)) return 'cancelled'
  return reason.name === 'AbortError' ? 'cancelled' : 'failed'
}
