import { LATER, type PullBody } from './pull-body.ts'

/** The body behind each stream, for servers that write its chunks themselves. */
const bodies = new WeakMap<ReadableStream, PullBody>()

/** A body as a stream. Its chunks are owned by the reader. */
export function createBodyStream(body: PullBody): ReadableStream<Uint8Array> {
  type Controller = ReadableStreamDefaultController<Uint8Array>
  const pass = (chunk: Uint8Array | undefined, controller: Controller): void => {
    try {
      if (chunk === undefined) return controller.close()
      controller.enqueue(chunk.slice())
      body.watch(error => controller.error(error))
    } catch {
      // Cancelled meanwhile: no reader is left.
    }
  }
  const pull = (controller: Controller): void | Promise<void> => {
    let settle!: { readonly resolve: () => void; readonly reject: (error: unknown) => void }
    const chunk = body.next((later, error) => {
      if (error) return settle.reject(error)
      pass(later, controller)
      settle.resolve()
    })
    if (chunk !== LATER) return pass(chunk, controller)
    return new Promise((resolve, reject) => {
      settle = { resolve, reject }
    })
  }
  const start = (controller: Controller): void => {
    const first = body.takeFirst()
    if (first !== undefined) pass(first, controller)
  }
  // The queue is never filled ahead: the source itself is the queue. Only the first chunk is enqueued unasked.
  const source = { start, pull, cancel: () => body.cancel() }
  const stream = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 })
  bodies.set(stream, body)
  return stream
}

/** Takes the body out of an unread stream of `createBodyStream`, which must not be read afterwards; the first chunk is repeated. */
export function takeBody(stream: ReadableStream): PullBody | undefined {
  const body = bodies.get(stream)
  body?.rewind()
  return body
}
