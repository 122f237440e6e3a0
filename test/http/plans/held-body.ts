import type { HandlerRig } from '../handler/handler-rig.ts'

/** A body of a request that the test writes while the handler answers. */
export class HeldBody {
  #controller!: ReadableStreamDefaultController<Uint8Array>
  readonly stream: ReadableStream<Uint8Array>
  /** The handler has left it. */
  isCancelled = false

  constructor() {
    this.stream = new ReadableStream(
      {
        start: controller => void (this.#controller = controller),
        cancel: () => void (this.isCancelled = true),
      },
      { highWaterMark: 0 },
    )
  }

  write(text: string | Uint8Array): this {
    this.#controller.enqueue(typeof text === 'string' ? new TextEncoder().encode(text) : text)
    return this
  }

  end(text = ''): this {
    if (text !== '') this.write(text)
    this.#controller.close()
    return this
  }

  /** The connection breaks. */
  break(): this {
    this.#controller.error(new TypeError('terminated'))
    return this
  }
}

/** Sends a plan; a text is a whole one. */
export function sendPlan(
  { handler }: Pick<HandlerRig, 'handler'>,
  body: HeldBody | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const all = { 'Content-Type': 'application/x-ndjson', Accept: 'text/event-stream', ...headers }
  const stream = typeof body === 'string' ? new HeldBody().end(body).stream : body.stream
  const init = { method: 'POST', headers: all, body: stream, duplex: 'half' }
  return handler.fetch(new Request('http://localhost/executions', init))
}
