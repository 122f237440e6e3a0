import type { DagstreamError } from '../../errors.ts'
import type { SSEEvent } from '../../events/events.ts'
import type { EntrySource } from '../../log/entry-source.ts'
import { LogReader, type ReaderEnd } from '../../log/log-reader.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import type { ExecutionResult } from '../execution-result.ts'
import { patchExecution } from '../growth/patch-execution.ts'
import type { PatchedPlan, PlanPatch } from '../growth/patch-shape.ts'
import { createHold } from './hold.ts'

/**
 * A running execution. Iterating it yields every event in order. Leaving the loop only detaches the reader; the execution
 * continues.
 *
 * The first iterator that calls `next()` is the one-to-one reader: it gets every event, and while its buffer is full no new
 * task starts. If it stalls or overflows, its `next()` rejects with `READER_STALLED` or `READER_OVERFLOWED`. Further
 * iterators are subscribers: they never slow the execution, and get a `snapshot` if the log no longer has the events at
 * their position.
 */
export class Execution implements AsyncIterable<SSEEvent> {
  readonly executionId: string
  readonly #loop: ExecutionLoop
  readonly #buffer: BufferOptions
  #hasReader = false

  /** Made by `StreamingExecutor.stream`. */
  constructor(loop: ExecutionLoop, buffer: BufferOptions) {
    this.executionId = loop.executionId
    this.#loop = loop
    this.#buffer = buffer
  }

  /** W3C `traceparent` of the execution; `undefined` without an observer of traces. */
  get traceparent(): string | undefined {
    return this.#loop.traces?.traceparent
  }

  /** Resolves for every ending; rejects with `STORE_FAILED`, `FENCED` or `SEQ_CONFLICT` when the log could not be kept. */
  get result(): Promise<ExecutionResult> {
    return this.#loop.result
  }

  /** Cancels every task that has not settled; `finally` tasks run. A second call ends those; after the end it has no effect. */
  cancel(reason = 'Cancelled'): void {
    this.#loop.cancel({ code: 'CANCELLED', message: String(reason) })
  }

  /**
   * Answers an open question of a task; `false` declines an approval. The first answer counts.
   * @returns settles once the answer is in the log; rejects with `INPUT_NOT_FOUND`, with `INPUT_CLOSED`, and with
   * `INVALID_RESPONSE` and `details.issues` for an answer that does not fit: the question stays open then
   */
  answer(inputId: string, response: unknown): Promise<void> {
    return this.#loop.answer(inputId, response)
  }

  /** Declines an open question: its tool fails with `INPUT_DECLINED`. @returns as `answer` does */
  decline(inputId: string): Promise<void> {
    return this.#loop.decline(inputId)
  }

  /**
   * Changes the document while it runs: tasks join it, leave it, or are replaced. Only tasks that have not started can leave; the
   * document that results passes the checks of a workflow. All of the patch is done, or nothing.
   * @returns once it is in the log; rejects with `PLAN_CONFLICT`, with `INVALID_WORKFLOW`, whose pointers lead into the patch, or,
   * with `in: "document"`, into the document that would result, with `INVALID_OPTION`, with `EXECUTION_ENDED`, and as `result` does
   */
  patch(patch: PlanPatch): Promise<PatchedPlan> {
    return patchExecution(this.#loop, patch)
  }

  /** Cancels the execution because its client has disconnected: the reason is `DISCONNECTED`. */
  disconnect(): void {
    this.#loop.cancel({ code: 'DISCONNECTED', message: 'The client disconnected' })
  }

  [Symbol.asyncIterator](): AsyncIterator<SSEEvent, undefined> {
    return new EventIterator(end => this.#read(end))
  }

  /**
   * Subscribes to the entries after `afterSeq`. A subscriber never slows the execution, and gets a `snapshot` if the log no
   * longer has these entries.
   * @throws `INVALID_EVENT_ID` if `afterSeq` is not an integer ≥ 0
   */
  subscribe(afterSeq = 0): EntrySource {
    return this.#loop.log.open(afterSeq)
  }

  #read(end: ReaderEnd): LogReader {
    const hold = this.#hasReader ? undefined : createHold(this.#loop, this.#buffer)
    this.#hasReader = true
    return new LogReader(this.#loop.log, end, hold)
  }
}

class EventIterator implements AsyncIterator<SSEEvent, undefined> {
  readonly #open: (end: ReaderEnd) => LogReader
  #reader: LogReader | undefined
  #isReturned = false
  #waiting: { resolve(result: IteratorResult<SSEEvent, undefined>): void; reject(error: unknown): void }[] = []
  #error: DagstreamError | undefined

  constructor(open: (end: ReaderEnd) => LogReader) {
    this.#open = open
  }

  next(): Promise<IteratorResult<SSEEvent, undefined>> {
    if (this.#isReturned) return Promise.resolve({ value: undefined, done: true })
    this.#reader ??= this.#open({ readable: () => this.#serve(), gone: error => this.#fail(error) })
    const value = this.#waiting.length === 0 ? this.#reader.take() : undefined
    if (value !== undefined) return Promise.resolve({ value, done: false })
    if (this.#error !== undefined) return this.#tellError(this.#error)
    if (this.#reader.done) return this.return()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<SSEEvent, undefined>> {
    this.#isReturned = true
    this.#reader?.close()
    this.#serve()
    return Promise.resolve({ value: undefined, done: true })
  }

  #serve(): void {
    while (this.#reader !== undefined && this.#waiting.length > 0) {
      const value = this.#reader.take()
      if (value !== undefined) this.#waiting.shift()?.resolve({ value, done: false })
      else if (!this.#reader.done) return
      else {
        // A `for await` loop that reaches the end does not call `return()`.
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

  /** Throws the error once and ends the iteration. */
  #tellError(error: DagstreamError): Promise<never> {
    this.#error = undefined
    this.#isReturned = true
    return Promise.reject(error)
  }
}
