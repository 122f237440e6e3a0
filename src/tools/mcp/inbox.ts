import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { readHandshake } from './handshake.ts'
import { parseMessage } from './parse-message.ts'
import { failAnswer, findBrokenId, type ReadMessage, readMessage } from './read-message.ts'
import { shortenText } from '../../text.ts'

/** How much of a text that is not JSON is told, characters. */
const MAX_SHOWN = 80

/** Reads what one server sends, by what it was asked. */
export class Inbox {
  /** Methods by the id of their request. */
  readonly #pending = new Map<number, string>()
  /** Notifications that the server may still answer, wrongly, by an error without an id. */
  #noticeCount = 0
  #lastId = -1
  /** An answer to this request, or to a later one, shows that the server is past the notifications. */
  #firstIdAfterNotice = 0

  /** A message goes to the server. Call it for each, before it is sent. */
  sent(message: JSONRPCMessage): void {
    if (!('method' in message)) return
    if ('id' in message) {
      if (typeof message.id !== 'number') return
      this.#pending.set(message.id, message.method)
      this.#lastId = message.id
      return
    }
    this.#noticeCount += 1
    this.#firstIdAfterNotice = this.#lastId + 1
    const { method, params } = message
    if (method === 'notifications/cancelled' && typeof params?.['requestId'] === 'number') {
      this.#pending.delete(params['requestId'])
    }
  }

  /** A request has its answer. */
  answered(id: unknown): void {
    if (typeof id !== 'number') return
    this.#pending.delete(id)
    if (id >= this.#firstIdAfterNotice) this.#noticeCount = 0
  }

  /**
   * Reads a text that holds one message, or an array of them. Nothing that has the id of a request is without a message here.
   * @param requestId the request that the text answers, where the transport knows it: an answer without an id is its own
   */
  read(text: string, requestId?: number): ReadMessage[] {
    let parsed: unknown
    try {
      // Some servers begin with a byte order mark.
      parsed = parseMessage(text.startsWith('\uFEFF') ? text.slice(1) : text)
    } catch (error) {
      return [readBroken(text, error)]
    }
    if (!Array.isArray(parsed)) return [this.#read(parsed, requestId)]
    if (parsed.length === 0) return [{ fault: 'it is an empty array' }]
    return parsed.map((each: unknown) => this.#read(each, requestId))
  }

  #read(value: unknown, requestId: number | undefined): ReadMessage {
    const orphanOf = requestId ?? this.#findOrphanOwner(value)
    const read = readMessage(value, orphanOf)
    const { message } = read
    if (message === undefined || 'method' in message || typeof message.id !== 'number') return read
    const method = this.#pending.get(message.id)
    this.answered(message.id)
    return method === 'initialize' ? readHandshake(read) : read
  }

  /** The only request that waits, unless the answer may be one to a notification. */
  #findOrphanOwner(value: unknown): number | undefined {
    if (!isOrphan(value)) return undefined
    if (this.#noticeCount > 0) {
      this.#noticeCount -= 1
      return undefined
    }
    const [first, second] = this.#pending.keys()
    return second === undefined ? first : undefined
  }
}

/** Whether it is an answer, as far as it is one, that does not say to what. */
function isOrphan(value: unknown): boolean {
  const { jsonrpc, id, result, error } = (value ?? {}) as Readonly<Record<string, unknown>>
  return jsonrpc === '2.0' && (id ?? null) === null && (result ?? error ?? null) !== null
}

function readBroken(text: string, error: unknown): ReadMessage {
  const reason = error instanceof Error ? error.message : 'unknown error'
  const id = findBrokenId(text)
  // What V8 says quotes the text itself.
  const fault =
    text.trim() === '' ? 'it is empty' : `it is not JSON: ${id === undefined ? shortenText(text, MAX_SHOWN) : reason}`
  return id === undefined ? { fault } : failAnswer(id, fault)
}
