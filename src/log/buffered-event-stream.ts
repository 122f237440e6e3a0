import { DagstreamError, invalidOption } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import { wireJson } from '../events/wire-json.ts'
import { BoundedBuffer } from './bounded-buffer.ts'
import { type BufferOptions, resolveBufferOptions } from './reader-bound.ts'
import { SinkDrain } from './sink-drain.ts'

/**
 * A `WritableStream` of events that buffers, within a bound, in front of another stream.
 *
 * A write settles once the event is buffered. Under `policy: "block"` a write to a full buffer waits, so a slow reader
 * slows the writer instead of growing memory. A reader that counts as gone errors this stream and aborts `downstream`.
 * Closing drains the buffer, then closes `downstream`.
 *
 * @throws `STREAM_LOCKED` if `downstream` has a writer, `INVALID_OPTION`
 */
export class BufferedEventStream extends WritableStream<SSEEvent> {
  readonly #sink: BufferedSink

  constructor(downstream: WritableStream<SSEEvent>, options: BufferOptions = {}) {
    const sink = new BufferedSink(downstream, options)
    super(sink, { highWaterMark: 1, size: () => sink.expectOne() })
    this.#sink = sink
  }

  /** Resolves when every event written so far has been delivered; rejects with the reason if delivery is impossible. */
  flush(): Promise<void> {
    return this.#sink.flush()
  }
}

class BufferedSink implements UnderlyingSink<SSEEvent> {
  readonly #maxBytes: number
  readonly #buffer: BoundedBuffer
  readonly #drain: SinkDrain
  #controller: WritableStreamDefaultController | undefined
  /** Writes made, and writes already buffered. A flush waits for the difference. */
  #expectedCount = 0
  #acceptedCount = 0
  #isOver = false
  /** Resolvers of the waits for free space or for a write to be accepted. */
  #waiting: (() => void)[] = []

  constructor(downstream: WritableStream<SSEEvent>, options: BufferOptions) {
    this.#maxBytes = resolveBufferOptions(options).maxBytes
    this.#buffer = new BoundedBuffer(options, {
      readable: () => this.#drain.pump(),
      full: () => {},
      room: () => this.#wake(),
      gone: error => {
        this.#drain.abort(error)
        this.#fail(error)
      },
    })
    this.#drain = new SinkDrain(
      lockSink(downstream),
      () => this.#buffer.take(),
      (_, reason) =>
        this.#fail(reason ?? new DagstreamError('STREAM_CLOSED', 'The stream behind the buffer was cancelled')),
    )
  }

  start(controller: WritableStreamDefaultController): void {
    this.#controller = controller
    // The sink's own `abort` runs only after the write in flight, which may be waiting for space.
    controller.signal.addEventListener('abort', () => this.abort(controller.signal.reason))
  }

  async write(event: SSEEvent): Promise<void> {
    const weight = weigh(event)
    while (this.#buffer.isFull && !this.#isOver) {
      if (this.#buffer.join(event, weight, this.#maxBytes)) return this.#accept()
      await this.#wait()
    }
    this.#buffer.offer(event, weight)
    this.#accept()
  }

  async close(): Promise<void> {
    await this.#drain.flush()
    await this.#drain.close()
  }

  abort(reason: unknown): void {
    if (this.#isOver) return
    this.#drain.abort(reason)
    this.#end()
  }

  expectOne(): number {
    this.#expectedCount += 1
    return 1
  }

  async flush(): Promise<void> {
    const expected = this.#expectedCount
    while (this.#acceptedCount < expected && !this.#isOver) await this.#wait()
    await this.#drain.flush()
  }

  #accept(): void {
    this.#acceptedCount += 1
    this.#wake()
  }

  #fail(error: unknown): void {
    this.#controller?.error(error)
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#buffer.close()
    this.#wake()
  }

  #wait(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/**
 * Approximate memory of an event, bytes. An event that is not JSON is buffered as well: validation is not the buffer's
 * task.
 */
function weigh(event: SSEEvent): number {
  try {
    return wireJson(event).length
  } catch {
    return UNKNOWN_WEIGHT
  }
}

const UNKNOWN_WEIGHT = 1024

/** Locks a sink and returns its writer. @throws `STREAM_LOCKED`; `INVALID_OPTION` if it is not a `WritableStream` */
export function lockSink(sink: WritableStream<SSEEvent>): WritableStreamDefaultWriter<SSEEvent> {
  // Duck typing, because streams of other realms and of polyfills fail `instanceof`.
  if (typeof (sink as Partial<typeof sink> | undefined)?.getWriter !== 'function')
    throw invalidOption('eventStream', 'a WritableStream', sink)
  if (sink.locked) {
    throw new DagstreamError(
      'STREAM_LOCKED',
      'Expected a stream without a writer, got a locked one: release its writer first',
    )
  }
  return sink.getWriter()
}
