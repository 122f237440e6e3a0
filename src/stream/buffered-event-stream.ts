import { DagstreamError } from '../errors.ts'
import type { SSEEvent } from '../events/events.ts'
import { wireJson } from '../events/log-entry.ts'
import { BoundedBuffer } from './bounded-buffer.ts'
import { type BufferOptions, resolveBufferOptions } from './reader-bound.ts'
import { SinkDrain } from './sink-drain.ts'

/**
 * A `WritableStream` of events with a bounded buffer in front of another.
 *
 * A write settles when the event is in the buffer: under `policy: "block"` a full buffer makes it wait, so that a slow
 * reader slows the writer instead of growing memory. A reader that counts as gone errors this stream and aborts the one
 * behind. Closing delivers what is buffered, then closes the one behind.
 *
 * @throws `STREAM_LOCKED` if `downstream` has a writer, `INVALID_OPTION`
 */
export class BufferedEventStream extends WritableStream<SSEEvent> {
  readonly #drain: SinkDrain

  constructor(downstream: WritableStream<SSEEvent>, options: BufferOptions = {}) {
    const { maxBytes } = resolveBufferOptions(options)
    let controller: WritableStreamDefaultController | undefined
    let makeRoom: (() => void) | undefined
    const fail = (error: unknown): void => {
      buffer.close()
      controller?.error(error)
      makeRoom?.()
    }
    const buffer = new BoundedBuffer(options, {
      readable: () => drain.pump(),
      full: () => {},
      room: () => makeRoom?.(),
      gone: error => {
        drain.abort(error)
        fail(error)
      },
    })
    const drain = new SinkDrain(
      lockSink(downstream),
      () => buffer.take(),
      (_, reason) => fail(reason ?? new DagstreamError('STREAM_CLOSED', 'The stream behind the buffer was cancelled')),
    )
    super({
      start(given) {
        controller = given
      },
      async write(event) {
        const weight = wireJson(event).length
        while (buffer.isFull && !controller?.signal.aborted) {
          if (buffer.join(event, weight, maxBytes)) return
          await new Promise<void>(resolve => {
            makeRoom = resolve
          })
        }
        buffer.offer(event, weight)
      },
      async close() {
        await drain.flush()
        await drain.close()
      },
      abort(reason) {
        buffer.close()
        drain.abort(reason)
      },
    })
    this.#drain = drain
  }

  /** Settles when every event written so far has been delivered; rejects with why it cannot be. */
  flush(): Promise<void> {
    return this.#drain.flush()
  }
}

/** Takes the one writer of a sink. @throws `STREAM_LOCKED` */
export function lockSink(sink: WritableStream<SSEEvent>): WritableStreamDefaultWriter<SSEEvent> {
  if (sink.locked) {
    throw new DagstreamError(
      'STREAM_LOCKED',
      'Expected a stream without a writer, got a locked one: release its writer first',
    )
  }
  return sink.getWriter()
}
