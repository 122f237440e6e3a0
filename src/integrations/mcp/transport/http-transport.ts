import {
  type FetchLike,
  type JSONRPCMessage,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { markValue, unmarkNumbers } from '../../../json/marked-numbers.ts'
import type { Reach } from '../config/server-config.ts'
import { Inbox } from '../protocol/inbox.ts'
import { failAnswer, NO_ANSWER, type ReadMessage } from '../protocol/read-message.ts'
import { MADE_HERE } from '../protocol/sdk-errors.ts'
import { boundBody, createEventResponse, isOfType, readText } from './http-body.ts'
import { relayEvents } from './relayed-events.ts'

/**
 * Streamable HTTP. The SDK's transport makes the requests: it keeps the session, follows redirects and resumes streams. The
 * messages of the responses are read here, in the `fetch` of that transport, which receives their event ids and end marks.
 *
 * Guarantees that the SDK's transport does not give:
 * - Every request is answered: a malformed answer, a response without an answer, and a stream that ends without one and is
 *   not resumed give an error as the answer.
 * - Numbers keep their digits in both directions.
 * - A cancelled request ends its HTTP request.
 * - A message has at most `MAX_MESSAGE_BYTES`; a longer one breaks its stream.
 */
export class HttpTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: NonNullable<Transport['onmessage']>
  readonly #inner: StreamableHTTPClientTransport
  readonly #fetch: FetchLike
  readonly #inbox = new Inbox()
  /** Requests without an answer yet. */
  readonly #waiting = new Map<number, AbortController>()
  /** Requests among them that got 202: the answer comes on the stream that the SDK listens on. */
  readonly #accepted = new Set<number>()
  #isListening = false

  constructor({ url, headers }: Reach & { kind: 'http' }, fetch: FetchLike) {
    this.#fetch = fetch
    this.#inner = new StreamableHTTPClientTransport(url, {
      requestInit: { headers },
      fetch: (address, init = {}) => this.#request(address, init),
    })
    Object.assign(this.#inner, {
      onclose: () => this.onclose?.(),
      onerror: (error: Error) => {
        if (error.message.startsWith('Maximum reconnection attempts')) this.#stopListening()
        this.onerror?.(error)
      },
    })
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion(version)
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#inbox.sent(message)
    // The SDK writes the body by `JSON.stringify`, which would lose the digits of a `JsonNumber`.
    const marked = markValue(message) as JSONRPCMessage
    const id = findRequestId(message)
    if (id === undefined) return await this.#sendNotification(message, marked)
    const controller = new AbortController()
    this.#waiting.set(id, controller)
    try {
      await this.#inner.send(marked, {
        requestSignal: controller.signal,
        onRequestStreamEnd: () => this.#lose(id),
      })
    } catch (error) {
      this.#settle(id)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#waiting.clear()
    this.#accepted.clear()
    await this.#inner.close()
  }

  /** Ends the session on the server. */
  terminateSession(): Promise<void> {
    return this.#inner.terminateSession()
  }

  async #sendNotification(message: JSONRPCMessage, marked: JSONRPCMessage): Promise<void> {
    const cancelled = this.#settle(findCancelledId(message))
    try {
      await this.#inner.send(marked)
    } finally {
      cancelled?.abort(new Error('The call was cancelled'))
    }
  }

  /** The `fetch` of the SDK's transport. */
  async #request(url: string | URL, init: RequestInit): Promise<Response> {
    const { body, method } = init
    if (typeof body !== 'string') {
      return method === 'GET' ? this.#listen(url, init) : boundBody(await this.#fetch(url, init))
    }
    const id = findRequestId(JSON.parse(body) as JSONRPCMessage)
    const response = await this.#fetch(url, { ...init, body: unmarkNumbers(body) })
    return id === undefined || !response.ok ? boundBody(response) : this.#readResponse(response, id)
  }

  async #readResponse(response: Response, id: number): Promise<Response> {
    if (response.status !== 202 && isOfType(response, 'text/event-stream') && response.body !== null) {
      const read = async (data: string): Promise<boolean> => {
        await this.#read(data, id)
        return !this.#waiting.has(id)
      }
      return createEventResponse(response, relayEvents(response.body, read))
    }
    if (response.status !== 202 && response.body === null) {
      this.#deliver(failAnswer(id, 'it is empty'))
      return createEventResponse(response)
    }
    if (response.status !== 202 && !isOfType(response, 'application/json')) return boundBody(response)
    let text: string
    try {
      text = await readText(response)
    } catch {
      // The SDK reports the end of the stream, unless the request was cancelled.
      return createEventResponse(response)
    }
    if (response.status === 202 && (text === '' || !isOfType(response, 'application/json'))) {
      this.#accept(id)
      return new Response(null, { status: 202 })
    }
    const [first] = await this.#read(text, id)
    if (this.#waiting.has(id)) this.#deliver(failAnswer(id, first?.fault ?? 'it does not belong to this call'))
    return createEventResponse(response)
  }

  #accept(id: number): void {
    if (this.#isListening) this.#accepted.add(id)
    else this.#deliver(failAnswer(id, 'it is 202 Accepted, and there is no stream for the answer itself'))
  }

  /** Opens the stream of unsolicited messages, or resumes a stream after its last event. */
  async #listen(url: string | URL, init: RequestInit): Promise<Response> {
    const isResumed = new Headers(init.headers).has('last-event-id')
    // Set before the response: a request may be accepted in the meantime.
    if (!isResumed) this.#isListening = true
    const response = await this.#fetch(url, init).catch((error: unknown) => {
      if (!isResumed) this.#stopListening()
      throw error
    })
    if (!response.ok || response.body === null) {
      if (!isResumed || response.status === 405) this.#stopListening()
      return boundBody(response)
    }
    const read = async (data: string): Promise<boolean> => {
      const messages = await this.#read(data)
      return isResumed && messages.some(({ message }) => message !== undefined && !('method' in message))
    }
    return createEventResponse(response, relayEvents(response.body, read))
  }

  /** The SDK no longer listens: the accepted requests get no answer. */
  #stopListening(): void {
    this.#isListening = false
    for (const id of this.#accepted) this.#lose(id)
  }

  async #read(data: string, requestId?: number): Promise<ReadMessage[]> {
    const messages = this.#inbox.read(data, requestId)
    for (const read of messages) {
      this.#deliver(read)
      // The SDK handles a notification one microtask later, but an answer at once, which ends the progress of its request.
      if (read.message !== undefined && !('id' in read.message)) await Promise.resolve()
    }
    return messages
  }

  #deliver({ message, fault }: ReadMessage): void {
    if (fault !== undefined) {
      const text = message === undefined ? `sent an invalid message: ${fault}` : `${NO_ANSWER}: ${fault}`
      this.onerror?.(new Error(text))
    }
    if (message === undefined) return
    if (!('method' in message)) this.#settle(message.id)
    this.onmessage?.(message)
  }

  /** Answers a request with an error because its own answer can no longer arrive. */
  #lose(id: number): void {
    if (!this.#waiting.has(id)) return
    const error = { code: -32_000, message: 'The answer was truncated', data: MADE_HERE }
    this.#deliver({ message: { jsonrpc: '2.0', id, error } })
  }

  /** @returns the controller of the HTTP request, if there was no answer yet */
  #settle(id: unknown): AbortController | undefined {
    if (typeof id !== 'number') return undefined
    const controller = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#accepted.delete(id)
    this.#inbox.answered(id)
    return controller
  }
}

/** Requests of the SDK's client have numeric ids. */
function findRequestId(message: JSONRPCMessage): number | undefined {
  return 'method' in message && 'id' in message && typeof message.id === 'number' ? message.id : undefined
}

function findCancelledId(message: JSONRPCMessage): unknown {
  const isCancellation = 'method' in message && message.method === 'notifications/cancelled'
  return isCancellation ? message.params?.['requestId'] : undefined
}
