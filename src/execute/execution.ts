import type { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import type { EntrySource } from '../stream/entry-source.ts'
import { LogReader } from '../stream/log-reader.ts'
import type { BufferOptions } from '../stream/reader-bound.ts'
import type { ExecutionLoop } from './execution-loop.ts'
import type { ExecutionResult } from './execution-result.ts'
import type { Logger } from './options.ts'
import { createHold } from './hold.ts'

/**
 * An execution that runs. Iterating it gives every event, in order; leaving the loop only detaches, the execution goes on.
 *
 * From its first `next()` an iterator is a one-to-one reader: while it is behind by its buffer no new task starts. One that
 * counts as gone is told by a rejection with `READER_STALLED` or `READER_OVERFLOWED`.
 */
export class Execution implements AsyncIterable<SSEEvent> {
  readonly executionId: string
  readonly #loop: ExecutionLoop
  readonly #buffer: BufferOptions
  readonly #logger: Logger

  /** Made by `StreamingExecutor.stream`. */
  constructor(loop: ExecutionLoop, buffer: BufferOptions, logger: Logger) {
    this.executionId = loop.executionId
    this.#loop = loop
    this.#buffer = buffer
    this.#logger = logger
  }

  /** Resolves for every ending; rejects with `STORE_FAILED`, `FENCED` or `SEQ_CONFLICT` when the log could not be kept. */
  get result(): Promise<ExecutionResult> {
    return this.#loop.result
  }

  /** Cancels every task that has not settled; harmless to repeat and after the end. */
  cancel(reason = 'Cancelled'): void {
    this.#loop.cancel({ code: 'CANCELLED', message: String(reason) })
  }

  /** Cancels it because whoever asked for it has left: the reason is `DISCONNECTED`. */
  disconnect(): void {
    this.#loop.cancel({ code: 'DISCONNECTED', message: 'The client disconnected' })
  }

  [Symbol.asyncIterator](): AsyncIterator<SSEEvent, undefined> {
    return new EventIterator(this.#loop, this.#buffer, this.#logger)
  }

  /**
   * A subscriber's place behind `afterSeq`: it never slows the execution, and gets a `snapshot` where its place cannot be
   * served.
   * @throws `INVALID_EVENT_ID` for a place that is not an integer ≥ 0
   */
  subscribe(afterSeq = 0): EntrySource {
    return this.#loop.log.open(afterSeq)
  }
}

class EventIterator implements AsyncIterator<SSEEvent, undefined> {
  readonly #open: () => LogReader
  #reader: LogReader | undefined
  #waiting: { resolve(result: IteratorResult<SSEEvent, undefined>): void; reject(error: unknown): void }[] = []
  #error: DagstreamError | undefined

  constructor(loop: ExecutionLoop, options: BufferOptions, logger: Logger) {
    const end = { readable: () => this.#serve(), gone: (error: DagstreamError) => this.#fail(error) }
    this.#open = () => new LogReader(loop.log, options, { ...createHold(loop, logger), ...end })
  }

  next(): Promise<IteratorResult<SSEEvent, undefined>> {
    this.#reader ??= this.#open()
    const value = this.#waiting.length === 0 ? this.#reader.take() : undefined
    if (value !== undefined) return Promise.resolve({ value, done: false })
    if (this.#error !== undefined) return this.#tellError(this.#error)
    if (this.#reader.done) return this.return()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<SSEEvent, undefined>> {
    this.#reader ??= this.#open()
    this.#reader.close()
    this.#serve()
    return Promise.resolve({ value: undefined, done: true })
  }

  #serve(): void {
    while (this.#reader !== undefined && this.#waiting.length > 0) {
      const value = this.#reader.take()
      if (value !== undefined) this.#waiting.shift()?.resolve({ value, done: false })
      else if (!this.#reader.done) return
      else {
        // A loop that ends by itself never says that it has.
        this.#reader.close()
        this.#waiting.shift()?.resolve({ value: undefined, done: true })
      }
    }
  }

  #fail(error: DagstreamError): void {
    const first = this.#waiting.shift()
    if (first === undefined) this.#error = error
    else first.reject(error)
    this.#serve()
  }

  /** Once; the iteration is over after it. */
  #tellError(error: DagstreamError): Promise<never> {
    this.#error = undefined
    return Promise.reject(error)
  }
}
