import type { Clock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { SSEEvent } from '../../events/events.ts'
import { LogReader } from '../../log/log-reader.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import { SinkDrain } from '../../log/sink-drain.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import { createHold } from './hold.ts'

/**
 * What became of the events. `complete`: the sink took all; `cancelled`: its reader left; `overflowed`: it took nothing for
 * too long, or fell too far behind; `failed`: it threw, or had not taken all when the time for it was over.
 */
export type Delivery = 'complete' | 'cancelled' | 'overflowed' | 'failed'

/** Writes every event of an execution into a sink, whatever the sink does. */
export class SinkReader {
  readonly #reader: LogReader
  readonly #drain: SinkDrain
  readonly #clock: Clock
  #lost: Delivery | undefined
  #onReadable: (() => void) | undefined

  /** `onGone` is called once, if the sink is lost before the end. */
  constructor(
    loop: ExecutionLoop,
    writer: WritableStreamDefaultWriter<SSEEvent>,
    buffer: BufferOptions,
    onGone: () => void,
  ) {
    this.#clock = loop.clock
    const lose = (delivery: Delivery): void => {
      if (this.#lost !== undefined) return
      this.#lost = delivery
      this.#reader.close()
      this.#onReadable?.()
      onGone()
    }
    this.#drain = new SinkDrain(writer, () => this.#reader.take(), lose)
    const end = {
      readable: () => {
        this.#drain.pump()
        this.#onReadable?.()
      },
      gone: (error: DagstreamError) => {
        this.#drain.abort(error)
        lose('overflowed')
      },
    }
    this.#reader = new LogReader(loop.log, end, createHold(loop, buffer))
  }

  /** After the end: waits until the sink took all, at most `flushMs`, and releases it. Never rejects. */
  async finish(flushMs: number, preventClose: boolean): Promise<Delivery> {
    const deadline = this.#startDeadline(flushMs)
    const isFlushed = await Promise.race([this.#flush(), deadline.passed])
    const delivery = this.#lost ?? (isFlushed ? await this.#end(preventClose, deadline.passed) : 'failed')
    deadline.cancel()
    this.#reader.close()
    if (preventClose) this.#drain.release()
    else if (delivery !== 'complete') {
      const message = `The sink had not taken all events ${flushMs} ms after the end`
      this.#drain.abort(new DagstreamError('READER_STALLED', message))
    }
    return delivery
  }

  /** Whether the sink took everything. */
  async #flush(): Promise<boolean> {
    try {
      await this.#drain.flush()
      // Older events may still be on their way from the store.
      while (!this.#reader.done) {
        await new Promise<void>(resolve => {
          this.#onReadable = resolve
        })
        await this.#drain.flush()
      }
      // The last page may have come between the two: nothing comes after it.
      await this.#drain.flush()
      return true
    } catch {
      return false
    }
  }

  /** Closes a sink that took everything. One that closes late has still taken it; one that throws has not kept it. */
  #end(preventClose: boolean, passed: Promise<unknown>): Promise<Delivery> | Delivery {
    if (preventClose) return 'complete'
    const closed = this.#drain.close().then(
      (): Delivery => 'complete',
      (): Delivery => 'failed',
    )
    return Promise.race([closed, passed.then((): Delivery => 'complete')])
  }

  #startDeadline(delayMs: number): { passed: Promise<false>; cancel(): void } {
    let cancel = (): void => {}
    const passed = new Promise<false>(resolve => {
      cancel = this.#clock.after(delayMs, () => resolve(false))
    })
    return { passed, cancel }
  }
}
