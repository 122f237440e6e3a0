import type { JSONRPCMessage } from '@modelcontextprotocol/client'
import { readHandshake } from './handshake.ts'
import { parseMessage } from './parse-message.ts'
import { failAnswer, findBrokenId, type ReadMessage, readMessage } from './read-message.ts'
import { shortenText } from '../../../text.ts'

/** Maximum length of a quoted text that is not JSON, characters. */
const MAX_SHOWN = 80

/** Reads the messages of one server. Knows the pending requests. */
export class Inbox {
  /** Methods of the pending requests by id. */
  readonly #pending = new Map<number, string>()
  /** Number of notifications that the server may still answer by an error without an id, against the protocol. */
  #noticeCount = 0
  #lastId = -1
  /** Once this request or a later one is answered, the server has handled the notifications. */
  #firstIdAfterNotice = 0

  /** Records a message. Call it for every message, before it is sent. */
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

  /** Records that a request was answered. */
  answered(id: unknown): void {
    if (typeof id !== 'number') return
    this.#pending.delete(id)
    if (id >= this.#firstIdAfterNotice) this.#noticeCount = 0
  }

  /**
   * Reads a text with one message, or with an array of them. An invalid message with the id of a request gives an error answer.
   * @param requestId the request that the text answers, if the transport knows it; an answer without an id belongs to it
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

  /** The only pending request, unless the answer may belong to a notification. */
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

/** Whether the value is an answer without an id. */
function isOrphan(value: unknown): boolean {
  const { jsonrpc, id, result, error } = (value ?? {}) as Readonly<Record<string, unknown>>
  return jsonrpc === '2.0' && (id ?? null) === null && (result ?? error ?? null) !== null
}

function readBroken(text: string, error: unknown): ReadMessage {
  const reason = error instanceof Error ? error.message : 'unknown error'
  const id = findBrokenId(text)
  // The message of V8 quotes the text.
  const fault =
    text.trim() === '' ? 'it is empty' : `it is not JSON: ${id === undefined ? shortenText(text, MAX_SHOWN) : reason}`
  return id === undefined ? { fault } : failAnswer(id, fault)
}
