import { DagstreamError } from '../errors.ts'

// The rules come from the WHATWG HTML standard, "Server-sent events": 9.2.5 "Parsing an event stream" (the grammar), 9.2.6
// "Interpreting an event stream" (the meaning of each line). Each rule is cited where it is implemented.

/** One message of the stream. */
export interface SSEMessage {
  /** The event's name; `message` if the sender gave none. */
  readonly event: string
  /** The values of its `data` lines, joined with LF. */
  readonly data: string
  /** The id of this message itself, if present. */
  readonly id?: string
  /** The last id of the stream so far, this message's included; `''` if there was none. */
  readonly lastEventId: string
}

/** Callbacks and bound of a parser. */
export interface ParserOptions {
  /** Receives each complete message, as soon as its blank line has arrived. */
  readonly onMessage: (message: SSEMessage) => void
  /** Receives each comment: a heartbeat. */
  readonly onComment?: (text: string) => void
  /** Receives the sender's reconnection delay, ms. */
  readonly onRetry?: (retryMs: number) => void
  /**
   * Maximum size of one message or one line, UTF-16 units. Beyond it `feed` throws.
   * @defaultValue 32 Mi: the largest `execution_start`, 100,000 task ids of 200 characters, passes
   */
  readonly maxMessageChars?: number
}

/** An incremental parser of one event stream. */
export interface Parser {
  /**
   * Accepts the next chunk of the stream, cut anywhere. Linear in the total input, however small the chunks.
   *
   * The text must be decoded: a `TextDecoder` with `{ stream: true }` removes the byte order mark, the parser does not.
   * @throws DagstreamError `INVALID_SSE` once a message exceeds the bound, and on every call after that until `reset`
   */
  feed(chunk: string): void
  /** Resets the parser for a new connection or at the end: an incomplete message is discarded, the last event id stays. */
  reset(): void
  /** The last id among the complete messages; `''` if there was none. */
  readonly lastEventId: string
}

const DEFAULT_MAX_MESSAGE_CHARS = 32 * 1024 * 1024

/** Creates a parser, which buffers at most one incomplete message. */
export function createParser(options: ParserOptions): Parser {
  return new EventStreamParser(options)
}

/**
 * The messages of a whole stream. An incomplete one at its end is discarded.
 * @throws DagstreamError `INVALID_SSE` for a message over the default bound
 */
export function parse(text: string): SSEMessage[] {
  const messages: SSEMessage[] = []
  createParser({ onMessage: message => messages.push(message) }).feed(text)
  return messages
}

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20

class EventStreamParser implements Parser {
  readonly #options: ParserOptions
  readonly #maxChars: number
  /** Pieces of the unfinished line, joined once when it ends, so that no character is scanned twice. */
  #pieces: string[] = []
  #pieceChars = 0
  /** The last chunk ended in CR: an LF at the start of the next belongs to it. */
  #endedInCr = false
  /** Fields of the unfinished message. */
  #event = ''
  #data: string | undefined
  #id: string | undefined
  #lastEventId = ''
  #failure: DagstreamError | undefined

  constructor(options: ParserOptions) {
    this.#options = options
    this.#maxChars = options.maxMessageChars ?? DEFAULT_MAX_MESSAGE_CHARS
  }

  get lastEventId(): string {
    return this.#lastEventId
  }

  feed(chunk: string): void {
    if (this.#failure) throw this.#failure
    if (chunk === '') return
    let start = this.#endedInCr && chunk.charCodeAt(0) === LF ? 1 : 0
    this.#endedInCr = chunk.charCodeAt(chunk.length - 1) === CR
    // Each search resumes after its last match: a chunk without CR is searched for one only once.
    let cr = chunk.indexOf('\r', start)
    let lf = chunk.indexOf('\n', start)
    // 9.2.5: a line ends with CR LF, LF or CR. A CR ends it at once; waiting for a possible LF would delay the message.
    while (cr !== -1 || lf !== -1) {
      const end = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf
      this.#endLine(chunk.slice(start, end))
      start = end === cr && lf === cr + 1 ? end + 2 : end + 1
      if (cr !== -1 && cr < start) cr = chunk.indexOf('\r', start)
      if (lf !== -1 && lf < start) lf = chunk.indexOf('\n', start)
    }
    if (start < chunk.length) this.#keep(start === 0 ? chunk : chunk.slice(start))
  }

  reset(): void {
    this.#dropLine()
    this.#endedInCr = false
    this.#dropFields()
    this.#failure = undefined
  }

  #keep(piece: string): void {
    this.#pieces.push(piece)
    this.#pieceChars += piece.length
    this.#checkBound(this.#pieceChars)
  }

  #endLine(rest: string): void {
    if (this.#pieces.length === 0) return this.#interpret(rest)
    this.#pieces.push(rest)
    const line = this.#pieces.join('')
    this.#dropLine()
    this.#interpret(line)
  }

  #interpret(line: string): void {
    // 9.2.6: a blank line dispatches.
    if (line === '') return this.#dispatch()
    this.#checkBound(line.length)
    const colon = line.indexOf(':')
    // 9.2.6: a line without a colon is a field with an empty value; one space after the colon is not part of the value.
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1)
    switch (field) {
      case '':
        // 9.2.6: a line that starts with a colon is ignored.
        this.#options.onComment?.(value)
        break
      case 'data':
        // 9.2.6 appends an LF after each value and takes the last one off at the end: the values joined with LF.
        this.#checkBound((this.#data?.length ?? 0) + value.length + 1)
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
        break
      case 'event':
        this.#event = value
        break
      case 'id':
        // 9.2.6: an id with a NUL is ignored.
        if (!value.includes('\0')) this.#id = value
        break
      case 'retry':
        // 9.2.6: only ASCII digits count. Unsafe integers are ignored.
        if (/^[0-9]+$/.test(value) && Number.isSafeInteger(Number(value))) this.#options.onRetry?.(Number(value))
        break
      default:
      // 9.2.6: any other field is ignored.
    }
  }

  #dispatch(): void {
    const event = this.#event === '' ? 'message' : this.#event
    const data = this.#data
    const id = this.#id
    this.#dropFields()
    // 9.2.6, dispatch, step 1: the id counts even if the message has no data; it stays until another one comes.
    if (id !== undefined) this.#lastEventId = id
    // Step 2: without data there is no message.
    if (data === undefined) return
    const lastEventId = this.#lastEventId
    this.#options.onMessage(id === undefined ? { event, data, lastEventId } : { event, data, id, lastEventId })
  }

  #checkBound(chars: number): void {
    if (chars <= this.#maxChars) return
    this.reset()
    const message = `Expected a message of at most ${this.#maxChars} characters; the stream may not be an event stream`
    this.#failure = new DagstreamError('INVALID_SSE', message, { details: { maxMessageChars: this.#maxChars } })
    throw this.#failure
  }

  #dropLine(): void {
    this.#pieces = []
    this.#pieceChars = 0
  }

  #dropFields(): void {
    this.#event = ''
    this.#data = undefined
    this.#id = undefined
  }
}
