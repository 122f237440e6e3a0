import type { Clock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { SSEEvent } from '../../events/events.ts'
import { LogReader } from '../../log/log-reader.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import { SinkDrain } from '../../log/sink-drain.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import { createHold } from './hold.ts'

/**
 * Outcome of the delivery of events. `complete`: the sink accepted all; `cancelled`: its reader cancelled it; `overflowed`:
 * it stalled or exceeded its buffer; `failed`: it threw, or had not accepted all events within `flushMs`.
 */
export type Delivery = 'complete' | 'cancelled' | 'overflowed' | 'failed'

/** Writes every event of an execution into a sink. A failing sink never affects the execution. */
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

  /**
   * After the end of the execution: waits at most `flushMs` until the sink has accepted all events, and releases it. Never
   * rejects.
   */
  async finish(flushMs: number, preventClose: boolean): Promise<Delivery> {
    const deadline = this.#startDeadline(flushMs)
    const isFlushed = await Promise.race([this.#flush(), deadline.passed])
    const delivery = this.#lost ?? (isFlushed ? await this.#end(preventClose, deadline.passed) : 'failed')
    deadline.cancel()
    this.#reader.close()
    if (preventClose) this.#drain.release()
    else if (delivery !== 'complete') {
      const message = `The sink had not accepted all events ${flushMs} ms after the end`
      this.#drain.abort(new DagstreamError('READER_STALLED', message))
    }
    return delivery
  }

  /** Whether the sink accepted everything. */
  async #flush(): Promise<boolean> {
    try {
      await this.#drain.flush()
      // Older events may still be read from the store.
      while (!this.#reader.done) {
        await new Promise<void>(resolve => {
          this.#onReadable = resolve
        })
        await this.#drain.flush()
      }
      // The last page may have arrived between the two; nothing follows it.
      await this.#drain.flush()
      return true
    } catch {
      return false
    }
  }

  /** Closes a sink that accepted everything. A late close still counts as complete; a close that throws counts as failed. */
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
