import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { MAX_MESSAGE_BYTES } from './process-transport.ts'

/** What stands in answers that were made here, since the server gave none; `error.data` and `_meta` may hold it. */
export const MADE_HERE = 'dagstream:made-here'

/** A call over HTTP whose answer is awaited. */
interface OpenCall {
  readonly controller: AbortController
  isAnswered: boolean
  isCancelled: boolean
}

type CallId = string | number

/**
 * The `fetch` of one Streamable HTTP transport. It settles what that transport leaves open:
 *
 * - A stream that ends without the answer gives an error as the answer, unless the server numbers its events: then the
 *   transport resumes it, and only when it gives up, `giveUp` answers.
 * - A cancelled call ends its request, so that no socket stays with a server that never answers.
 * - A message of more than `MAX_MESSAGE_BYTES` breaks its stream.
 */
export class HttpCalls {
  readonly #fetch: FetchLike
  readonly #open = new Map<CallId, OpenCall>()
  /** Streams that ended before their answer and may be resumed. */
  readonly #resumable = new Set<CallId>()

  readonly #answer: (message: object) => void

  /** @param answer takes what was made here, as if it had arrived */
  constructor(fetch: FetchLike, answer: (message: object) => void) {
    this.#fetch = fetch
    this.#answer = answer
  }

  readonly fetch: FetchLike = async (url, init = {}) => {
    const { method, id, cancelledId } = readMessage(init.body)
    if (method === undefined || (id === undefined && cancelledId === undefined)) {
      const response = await this.#fetch(url, init)
      // Nothing can be resumed here, which the transport takes for an end that needs no word.
      if (response.status === 405 && new Headers(init.headers).has('last-event-id')) this.giveUp()
      return boundResponse(response)
    }
    if (id === undefined) {
      this.#resumable.delete(cancelledId as CallId)
      try {
        return boundResponse(await this.#fetch(url, init))
      } finally {
        this.#cancel(cancelledId as CallId)
      }
    }
    return this.#call(url, init, id)
  }

  /** A message has arrived; call it for each before the SDK sees it. */
  received(message: object): void {
    if (!('id' in message) || 'method' in message) return
    // It may come before the end of its stream or, since the transport reads ahead, after it.
    const call = this.#open.get(message.id as CallId)
    if (call !== undefined) call.isAnswered = true
    this.#resumable.delete(message.id as CallId)
  }

  /** The transport resumes no more: answers for those that wait for it. */
  giveUp(): void {
    const ids = [...this.#resumable]
    this.#resumable.clear()
    for (const id of ids) this.#answer(lostAnswer(id))
  }

  async #call(url: string | URL, init: RequestInit, id: CallId): Promise<Response> {
    const call: OpenCall = { controller: new AbortController(), isAnswered: false, isCancelled: false }
    const { signal } = init
    const forward = (): void => call.controller.abort(signal?.reason)
    const close = (): void => {
      signal?.removeEventListener('abort', forward)
      this.#open.delete(id)
    }
    this.#open.set(id, call)
    signal?.addEventListener('abort', forward)
    try {
      const response = await this.#fetch(url, { ...init, signal: call.controller.signal })
      const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
      if (response.ok && isStream && response.body !== null) {
        return rebuild(response, this.#relay(response.body, id, call, close))
      }
      close()
      return boundResponse(response)
    } catch (error) {
      close()
      throw error
    }
  }

  #cancel(id: CallId): void {
    const call = this.#open.get(id)
    if (call === undefined) return
    call.isCancelled = true
    call.controller.abort(new Error('The call was cancelled'))
  }

  #relay(body: ReadableStream<Uint8Array>, id: CallId, call: OpenCall, close: () => void): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    const lines = new LineBound()
    const finish = (out: ReadableStreamDefaultController<Uint8Array>, error?: unknown): void => {
      close()
      if (call.isAnswered) return out.close()
      if (!call.isCancelled && lines.hasEventIds) {
        this.#resumable.add(id)
        if (error === undefined) out.close()
        else out.error(error)
        return
      }
      // If the answer is on its way, this is one too many, and dropped. A result keeps the transport from resuming.
      out.enqueue(encodeEvent(call.isCancelled ? cancelledAnswer(id) : lostAnswer(id)))
      out.close()
    }
    return new ReadableStream(
      {
        async pull(out) {
          try {
            const { done, value } = await reader.read()
            if (done) return finish(out)
            lines.count(value)
            out.enqueue(value)
          } catch (error) {
            void reader.cancel(error).catch(() => {})
            finish(out, error)
          }
        },
        async cancel(reason) {
          close()
          await reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

function lostAnswer(id: CallId): object {
  return { jsonrpc: '2.0', id, error: { code: -32000, message: 'The answer broke off', data: MADE_HERE } }
}

function cancelledAnswer(id: CallId): object {
  return { jsonrpc: '2.0', id, result: { _meta: { [MADE_HERE]: true } } }
}

function encodeEvent(message: object): Uint8Array {
  // The stream may have broken off inside a line, and inside an event.
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify(message)}\n\n`)
}

function readMessage(body: unknown): { method?: string; id?: CallId; cancelledId?: CallId } {
  if (typeof body !== 'string') return {}
  const { method, id, params } = JSON.parse(body) as {
    method?: string
    id?: CallId
    params?: { requestId?: CallId }
  }
  if (method === undefined) return {}
  const cancelledId = method === 'notifications/cancelled' ? params?.requestId : undefined
  return { method, ...(id !== undefined && { id }), ...(cancelledId !== undefined && { cancelledId }) }
}

/** Counts the bytes of a line, and sees whether events have ids. @throws for a line of more than `MAX_MESSAGE_BYTES` */
class LineBound {
  hasEventIds = false
  #byteCount = 0
  /** The end of what came before, so that a field's name that is cut in two is seen. */
  #tail = '\n'

  count(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const newline = bytes.lastIndexOf(0x0a)
    this.#byteCount = newline < 0 ? this.#byteCount + bytes.length : bytes.length - newline - 1
    checkBound(this.#byteCount)
    if (this.hasEventIds) return
    this.hasEventIds = /\nid:/.test(this.#tail + bytes.toString('latin1', 0, 4)) || bytes.includes('\nid:')
    this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - 4))).slice(-4)
  }
}

function checkBound(byteCount: number): void {
  if (byteCount > MAX_MESSAGE_BYTES) throw new Error(`A message of more than ${MAX_MESSAGE_BYTES / 1024 / 1024} MiB`)
}

/** A response whose body, or each line of whose stream, breaks at the bound. */
function boundResponse(response: Response): Response {
  if (response.body === null) return response
  const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
  const lines = new LineBound()
  let byteCount = 0
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      byteCount += chunk.byteLength
      if (isStream) lines.count(chunk)
      else checkBound(byteCount)
      out.enqueue(chunk)
    },
  })
  return rebuild(response, response.body.pipeThrough(bound))
}

function rebuild(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}
