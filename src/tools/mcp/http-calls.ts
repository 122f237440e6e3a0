import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { boundBody, isOfType, readText } from './http-body.ts'
import { Inbox } from './inbox.ts'
import { failAnswer, NO_ANSWER, type ReadMessage } from './read-message.ts'
import { relayEvents } from './relayed-body.ts'

/** What stands in answers that were made here, since the server gave none; `error.data` and `_meta` may hold it. */
export const MADE_HERE = 'dagstream:made-here'

/** A call over HTTP whose answer is awaited. */
interface OpenCall {
  readonly controller: AbortController
  isAnswered: boolean
  isCancelled: boolean
}

/** What takes the messages of a transport, and what is wrong with them. */
export interface HttpCallsHost {
  deliver(message: JSONRPCMessage): void
  tellFault(fault: Error): void
}

const STREAM = { 'content-type': 'text/event-stream' }

/**
 * The `fetch` of one Streamable HTTP transport. It reads all messages by itself, and settles what that transport leaves open:
 *
 * - An answer that breaks the protocol, or a response without the answer, fails its call at once.
 * - A stream that ends without the answer gives an error as the answer, unless the server numbers its events: then the
 *   transport resumes it, and only when it gives up, `giveUp` answers.
 * - A cancelled call ends its request, so that no socket stays with a server that never answers.
 * - A message of more than `MAX_MESSAGE_BYTES` breaks its stream.
 */
export class HttpCalls {
  readonly #fetch: FetchLike
  readonly #host: HttpCallsHost
  readonly #inbox = new Inbox()
  readonly #open = new Map<number, OpenCall>()
  /** Calls whose answer may come on another stream: one that is resumed, or the one that the transport listens on. */
  readonly #elsewhere = new Set<number>()
  #isListening = false

  constructor(fetch: FetchLike, host: HttpCallsHost) {
    this.#fetch = fetch
    this.#host = host
  }

  readonly fetch: FetchLike = async (url, init = {}) => {
    const message = typeof init.body === 'string' ? (JSON.parse(init.body) as JSONRPCMessage) : undefined
    if (message === undefined)
      return init.method === 'GET' ? this.#listen(url, init) : boundBody(await this.#fetch(url, init))
    this.#inbox.sent(message)
    if ('method' in message && 'id' in message && typeof message.id === 'number')
      return this.#call(url, init, message.id)
    const response = this.#fetch(url, init)
    if (!('method' in message) || message.method !== 'notifications/cancelled') return boundBody(await response)
    const cancelledId = message.params?.['requestId'] as number
    this.#elsewhere.delete(cancelledId)
    try {
      return boundBody(await response)
    } finally {
      this.#cancel(cancelledId)
    }
  }

  /** A message has arrived; call it for each before the SDK sees it. */
  received(message: object): void {
    if (!('id' in message) || 'method' in message) return
    const id = message.id as number
    this.#inbox.answered(id)
    const call = this.#open.get(id)
    if (call !== undefined) call.isAnswered = true
    this.#elsewhere.delete(id)
  }

  /** The transport listens and resumes no more: answers for those that wait for it. */
  giveUp(): void {
    this.#isListening = false
    const ids = [...this.#elsewhere]
    this.#elsewhere.clear()
    for (const id of ids) this.#host.deliver(lostAnswer(id))
  }

  async #listen(url: string | URL, init: RequestInit): Promise<Response> {
    const isResumed = new Headers(init.headers).has('last-event-id')
    this.#isListening = true
    const response = await this.#fetch(url, init).catch((error: unknown) => {
      // The transport tries again only what it could resume.
      if (!isResumed) this.giveUp()
      throw error
    })
    if (!response.ok || response.body === null) {
      if (!isResumed || response.status === 405) this.giveUp()
      return boundBody(response)
    }
    let answered: number | undefined
    const reader = {
      read: async (data: string): Promise<void> => {
        for (const { message } of await this.#read(data)) {
          if (message !== undefined && 'result' in message) answered = message.id as number
        }
      },
      // A resumed stream that has brought the answer is not resumed again.
      end: (_: boolean, error: unknown) => {
        if (isResumed && answered !== undefined) return { event: JSON.stringify(markAnswer(answered)) }
        return { isBroken: error !== undefined }
      },
    }
    return new Response(
      relayEvents(response.body, reader, () => {}),
      { headers: STREAM },
    )
  }

  async #call(url: string | URL, init: RequestInit, id: number): Promise<Response> {
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
      if (response.ok && isOfType(response, 'text/event-stream') && response.body !== null) {
        return withBody(response, this.#relay(response.body, id, call, close))
      }
      if (response.status === 202 || (response.ok && isOfType(response, 'application/json'))) {
        return withBody(response, this.#readWhole(response, id, call, close))
      }
      if (response.ok && response.body === null) {
        close()
        return withBody(
          response,
          onPull(() => this.#deliver(failAnswer(id, 'it is empty'))),
        )
      }
      close()
      return boundBody(response)
    } catch (error) {
      close()
      throw error
    }
  }

  #cancel(id: number): void {
    const call = this.#open.get(id)
    if (call === undefined) return
    call.isCancelled = true
    call.controller.abort(new Error('The call was cancelled'))
  }

  #relay(body: ReadableStream<Uint8Array>, id: number, call: OpenCall, close: () => void): ReadableStream<Uint8Array> {
    const end = (hasEventIds: boolean, error: unknown): { event?: string; isBroken?: boolean } => {
      close()
      if (!call.isAnswered && !call.isCancelled && hasEventIds) {
        this.#elsewhere.add(id)
        return { isBroken: error !== undefined }
      }
      if (!call.isAnswered && !call.isCancelled) this.#host.deliver(lostAnswer(id))
      // A result keeps the transport from resuming the stream.
      return hasEventIds ? { event: JSON.stringify(markAnswer(id)) } : {}
    }
    return relayEvents(body, { read: async data => void (await this.#read(data, id)), end }, close)
  }

  #readWhole(response: Response, id: number, call: OpenCall, close: () => void): ReadableStream<Uint8Array> {
    return onPull(async () => {
      try {
        const text = await readText(response)
        if (response.status === 202 && (text === '' || !isOfType(response, 'application/json'))) return this.#accept(id)
        const [first] = await this.#read(text, id)
        if (!call.isAnswered) this.#host.deliver(failAnswer(id, first?.fault ?? 'it is not to this call').message)
      } catch {
        if (!call.isCancelled && !call.isAnswered) this.#host.deliver(lostAnswer(id))
      } finally {
        close()
      }
    })
  }

  /** The server has taken a call, and answers it on the stream that the transport listens on, if there is one. */
  #accept(id: number): void {
    if (this.#isListening) this.#elsewhere.add(id)
    else this.#deliver(failAnswer(id, 'it is 202 Accepted, and there is no stream for the answer itself'))
  }

  async #read(data: string, requestId?: number): Promise<ReadMessage[]> {
    const messages = this.#inbox.read(data, requestId)
    for (const read of messages) {
      this.#deliver(read)
      // The SDK handles notifications a microtask later but answers at once, and forgets who waits for progress then.
      if (read.message !== undefined && !('id' in read.message)) await Promise.resolve()
    }
    return messages
  }

  #deliver({ message, fault }: ReadMessage): void {
    if (fault !== undefined) {
      this.#host.tellFault(
        new Error(message === undefined ? `sent what is no message: ${fault}` : `${NO_ANSWER}: ${fault}`),
      )
    }
    if (message !== undefined) this.#host.deliver(message)
  }
}

function lostAnswer(id: number): JSONRPCMessage {
  return { jsonrpc: '2.0', id, error: { code: -32000, message: 'The answer broke off', data: MADE_HERE } }
}

function markAnswer(id: number): JSONRPCMessage {
  return { jsonrpc: '2.0', id, result: { _meta: { [MADE_HERE]: true } } }
}

function withBody({ headers }: Response, body: ReadableStream<Uint8Array>): Response {
  const streamed = new Headers(STREAM)
  const session = headers.get('mcp-session-id')
  if (session !== null) streamed.set('mcp-session-id', session)
  return new Response(body, { headers: streamed })
}

/** A stream of events without any. It ends once this is done, which begins when the transport reads it. */
function onPull(act: () => void | Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(out) {
        await act()
        out.close()
      },
    },
    { highWaterMark: 0 },
  )
}
