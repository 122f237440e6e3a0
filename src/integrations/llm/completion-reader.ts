import { createParser, type Parser } from '../../sse/parse.ts'
import { findFirstChoice, joinParts, readLegacyText } from './choice.ts'
import { asRecord, parseUsage, type ProviderUsage } from './provider-usage.ts'
import type { Redact } from '../redact.ts'
import { describeSaidError, quote } from './response-failure.ts'
import { failure, type ProviderError } from './stream-error.ts'
import { TextJoiner } from '../../text.ts'

type Fields = Readonly<Record<string, unknown>>

/** Maximum size of a response, bytes after decompression. */
export const MAX_RESPONSE_BYTES: number = 10 * 1024 * 1024

/**
 * A message up to `FREE_ENVELOPE_CHARS` that carries a piece of text up to `TOKEN_CHARS` counts by that text alone: a token's
 * envelope is fifty times its text, with log probabilities a thousand times, and an hour of tokens is legitimate.
 */
const TOKEN_CHARS = 32
const FREE_ENVELOPE_CHARS = 16 * 1024

/** Length kept of a quotable message, characters: more than is quoted, so that secrets are masked as a whole. */
const SAID_CHARS = 4096

/**
 * Parses the bytes of a chat completion to text, usage and an ending, in every form that endpoints send: streamed, or as one
 * JSON body.
 *
 * Only the choice with index 0 is read; reasoning and tool calls count as activity, not as text.
 */
export class CompletionReader {
  /** The last reported usage. */
  usage: Omit<ProviderUsage, 'model'> | undefined
  /** The answering model, as the endpoint names it. */
  model: string | undefined
  finishReason: string | undefined
  /** `[DONE]` or a complete JSON body has arrived. */
  isDone = false
  /** The failure of the answer; earlier text stays valid. Usage may follow a provider's own error. */
  failure: ProviderError | undefined
  /** Set by each activity of the model; reset by the reader. */
  hasOutput = false
  /** Whether there was text, taken or not. */
  #hasText = false
  /** Beginning of the first message that is not part of an answer, else of the first message. */
  #said: { readonly text: string; readonly isForeign: boolean } | undefined
  readonly #redact: Redact
  readonly #parser: Parser
  /** Removes a byte order mark and joins characters across chunks. */
  readonly #decoder = new TextDecoder()
  #texts: string[] = []
  readonly #joiner = new TextJoiner()
  #responseBytes = 0
  #isAtEnd = false
  /** Further input cannot be parsed. */
  #isBroken = false

  constructor(redact: Redact) {
    this.#redact = redact
    this.#parser = createParser({
      // Lines and messages are bounded only by the response.
      maxMessageChars: MAX_RESPONSE_BYTES,
      onMessage: ({ event, data }) => this.#read(event, data),
    })
  }

  /** Whether the answer has ended; the rest of the body is irrelevant. */
  get isOver(): boolean {
    return this.isDone || this.#isBroken
  }

  /** The error of an answer that has ended with neither text, finish reason nor usage; `undefined` for any other. */
  describeEmptiness(): ProviderError | undefined {
    if (this.#hasText || this.finishReason !== undefined || this.usage !== undefined) return undefined
    // A body without text or `[DONE]` was interrupted, unless it never was an answer.
    if (!this.isDone && this.#said?.isForeign !== true) return undefined
    const what = 'Expected the answer to have text, a finish reason or usage, got'
    const got = this.#said === undefined ? 'nothing' : `\`${quote(this.#said.text, this.#redact)}\``
    return failure('PROVIDER_INVALID_RESPONSE', `${what} ${got}`)
  }

  /**
   * Accepts the next chunk of a streamed body. Linear in the total input, however small the chunks.
   *
   * A chunk is cut at the bound of the response, so the outcome does not depend on chunk boundaries.
   */
  feed(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.isOver) {
      const room = MAX_RESPONSE_BYTES - this.#responseBytes
      if (room === 0) return this.#fail(describeOversize())
      const part = chunk.subarray(at, at + room)
      this.#responseBytes += part.length
      at += part.length
      this.#parser.feed(this.#decoder.decode(part, { stream: true }))
    }
  }

  /** Ends a streamed body, complete or interrupted: a complete last message counts without its blank line. */
  end(): void {
    this.#isAtEnd = true
    this.#parser.feed('\n\n')
  }

  /** Accepts an answer as one JSON body. */
  readWhole(body: string): void {
    let answer: unknown
    try {
      answer = JSON.parse(body)
    } catch {
      return this.#fail(failure('MALFORMED_JSON', 'Expected the answer to be JSON'))
    }
    const fields = asRecord(answer)
    const isAnswer = fields !== undefined && this.#readFields('', fields, 'message')
    if (fields !== undefined) this.#noteSaid(body, fields)
    if (!isAnswer) this.#fail(describeWholeness(body, this.#redact))
    this.isDone = this.failure === undefined
  }

  /** Reads only the model and the usage. */
  readUsage(fields: Fields): void {
    const { model, usage } = fields
    if (typeof model === 'string' && model !== '') this.model = model
    // Groq sends it in a separate object.
    if (usage !== undefined || fields['x_groq'] !== undefined) {
      this.usage = parseUsage(usage) ?? parseUsage(asRecord(fields['x_groq'])?.['usage']) ?? this.usage
    }
  }

  /**
   * The pieces of text since the last call, in order, none empty, none with a lone surrogate: a trailing half waits for the
   * next piece.
   * @param isLast whether no text follows
   */
  takeTexts(isLast: boolean): readonly string[] {
    const texts = this.#texts.map(text => this.#joiner.add(text))
    if (texts.length > 0) this.#texts = []
    if (isLast) texts.push(this.#joiner.end())
    return texts.filter(text => text !== '')
  }

  #read(event: string, data: string): void {
    if (this.isOver) return
    if (data.trimStart().startsWith('[DONE]')) {
      this.isDone = true
      return
    }
    // Some gateways send empty messages as heartbeats.
    if (data.trim() === '') return
    let chunk: unknown
    try {
      chunk = JSON.parse(data)
    } catch {
      return this.#readBroken(event, data)
    }
    const fields = asRecord(chunk)
    if (fields === undefined) return this.#failMalformed()
    this.#noteSaid(data, fields)
    this.#readFields(event, fields, 'delta', data.length)
  }

  #noteSaid(text: string, { choices }: Fields): void {
    const isForeign = !Array.isArray(choices)
    if (this.#said === undefined || (isForeign && !this.#said.isForeign)) {
      this.#said = { text: text.slice(0, SAID_CHARS), isForeign }
    }
  }

  #readBroken(event: string, data: string): void {
    // Some gateways omit the blank line between messages, which joins them: then each line is JSON.
    const lines = data.split('\n')
    if (lines.length > 1) {
      for (const line of lines) this.#read(event, line)
      return
    }
    // A truncated message is not malformed.
    if (!this.#isAtEnd) this.#failMalformed()
  }

  /** @returns whether there was a first choice with such a part */
  #readFields(event: string, fields: Fields, part: 'delta' | 'message', chars = Infinity): boolean {
    this.readUsage(fields)
    // The first error is kept, and only usage is read after it.
    if (this.failure !== undefined) return false
    const { choices, error } = fields
    const choice = Array.isArray(choices) ? findFirstChoice(choices) : undefined
    const reason = choice?.['finish_reason']
    if (typeof reason === 'string' && reason !== '' && reason !== 'error') this.finishReason = reason
    const answer = asRecord(choice?.[part]) ?? readLegacyText(choice)
    if (answer !== undefined) {
      const outputChars = this.#readAnswer(answer)
      if (outputChars > 0 && outputChars <= TOKEN_CHARS && chars <= FREE_ENVELOPE_CHARS) {
        this.#responseBytes -= chars - outputChars
      }
    }
    const isError = event === 'error' || fields['object'] === 'error'
    const said = error || choice?.['error'] || (isError ? fields : undefined)
    // `false` and `""` mean no error.
    if (said || reason === 'error') this.failure = describeSaidError(said, this.#redact)
    return answer !== undefined
  }

  /** @returns length of text or reasoning, characters */
  #readAnswer(answer: Fields): number {
    const { content } = answer
    const text = typeof content === 'string' ? content : joinParts(content)
    if (text !== '') {
      this.hasOutput = this.#hasText = true
      this.#texts.push(text)
      return text.length
    }
    const thought = answer['reasoning'] ?? answer['reasoning_content']
    if (typeof thought === 'string' && thought !== '') {
      this.hasOutput = true
      return thought.length
    }
    if (answer['tool_calls'] || answer['refusal'] || answer['reasoning_details']) this.hasOutput = true
    return 0
  }

  #failMalformed(): void {
    this.#fail(failure('MALFORMED_JSON', 'Expected each message to be a JSON object'))
  }

  #fail(found: ProviderError): void {
    this.#isBroken = true
    this.failure ??= found
  }
}

/** The error of a response that is too large. */
export function describeOversize(): ProviderError {
  return failure('PROVIDER_INVALID_RESPONSE', `Expected an answer of at most ${MAX_RESPONSE_BYTES} bytes, got more`)
}

function describeWholeness(body: string, redact: Redact): ProviderError {
  const got = quote(body.slice(0, SAID_CHARS), redact)
  return failure('PROVIDER_INVALID_RESPONSE', `Expected the answer to have a message, got \`${got}\``)
}
