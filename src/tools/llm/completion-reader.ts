import { createParser, type Parser } from '../../sse/parse.ts'
import { asRecord, parseUsage, type ProviderUsage } from './provider-usage.ts'
import type { Redact } from './redact.ts'
import { describeSaidError } from './response-failure.ts'
import { failure, type ProviderError } from './stream-error.ts'
import { TextJoiner } from '../../text.ts'

type Fields = Readonly<Record<string, unknown>>

/** One line without its end, bytes. */
const MAX_LINE_BYTES = 64 * 1024

/** A response, bytes after decompression. */
export const MAX_RESPONSE_BYTES: number = 10 * 1024 * 1024

/**
 * A message up to `FREE_ENVELOPE_CHARS` that carries a piece of text up to `TOKEN_CHARS` counts with that piece alone: the
 * envelope of a token is fifty times its text, with log probabilities a thousand times, and an hour of tokens is no mistake.
 */
const TOKEN_CHARS = 32
const FREE_ENVELOPE_CHARS = 16 * 1024

const CR = 0x0d
const LF = 0x0a

/**
 * Makes text, usage and an ending of the bytes of a chat completion, in every form that endpoints give them: streamed, or
 * whole as one JSON body.
 *
 * Only the choice with index 0 is read; reasoning and calls of tools are signs that the model works, but no text.
 */
export class CompletionReader {
  /** The last that was said. */
  usage: Omit<ProviderUsage, 'model'> | undefined
  /** The model that answers, as the endpoint calls it. */
  model: string | undefined
  finishReason: string | undefined
  /** `[DONE]` came, or the answer came whole. */
  isDone = false
  /** How the answer failed; what came before it stands. After an error of the provider's own, usage may follow. */
  failure: ProviderError | undefined
  /** Set with each sign that the model works; reset by whoever has seen it. */
  hasOutput = false
  readonly #redact: Redact
  readonly #parser: Parser
  /** It takes off a byte order mark, and keeps a character that two chunks share. */
  readonly #decoder = new TextDecoder()
  #texts: string[] = []
  readonly #joiner = new TextJoiner()
  #responseBytes = 0
  /** Of the line that has not ended yet. */
  #lineBytes = 0
  #isAtEnd = false
  /** What comes cannot be read any more. */
  #isBroken = false

  constructor(redact: Redact) {
    this.#redact = redact
    this.#parser = createParser({
      // A message of many lines has the bound of the response alone.
      maxMessageChars: MAX_RESPONSE_BYTES,
      onMessage: ({ event, data }) => this.#read(event, data),
    })
  }

  /** There is an ending: the rest of the body is of no interest. */
  get isOver(): boolean {
    return this.isDone || this.#isBroken
  }

  /**
   * Takes the next piece of a streamed body.
   *
   * It is taken up to a bound and a byte at most, then looked at: where the bytes are parted makes no difference.
   */
  feed(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.isOver) {
      const room = MAX_RESPONSE_BYTES - this.#responseBytes
      if (room === 0) return this.#fail(describeOversize())
      const part = chunk.subarray(at, at + Math.min(room, MAX_LINE_BYTES - this.#lineBytes + 1))
      const lineEnd = Math.max(part.lastIndexOf(LF), part.lastIndexOf(CR))
      this.#lineBytes = lineEnd === -1 ? this.#lineBytes + part.length : part.length - lineEnd - 1
      if (this.#lineBytes > MAX_LINE_BYTES) return this.#fail(describeLongLine())
      this.#responseBytes += part.length
      at += part.length
      this.#parser.feed(this.#decoder.decode(part, { stream: true }))
    }
  }

  /** A streamed body has ended, or broken off: a last message counts without its blank line, if it is whole. */
  end(): void {
    this.#isAtEnd = true
    this.#parser.feed('\n\n')
  }

  /** Takes an answer that came as one JSON body. */
  readWhole(body: string): void {
    let answer: unknown
    try {
      answer = JSON.parse(body)
    } catch {
      return this.#fail(failure('MALFORMED_JSON', 'Expected the answer to be JSON'))
    }
    const fields = asRecord(answer)
    const isAnswer = fields !== undefined && this.#readFields('', fields, 'message')
    if (!isAnswer) this.#fail(failure('PROVIDER_INVALID_RESPONSE', 'Expected the answer to have a message'))
    this.isDone = this.failure === undefined
  }

  /** Takes the model and the usage, and nothing else, of what says them. */
  readUsage(fields: Fields): void {
    const { model, usage } = fields
    if (typeof model === 'string' && model !== '') this.model = model
    // Groq's place for it is an object of its own.
    if (usage !== undefined || fields['x_groq'] !== undefined) {
      this.usage = parseUsage(usage) ?? parseUsage(asRecord(fields['x_groq'])?.['usage']) ?? this.usage
    }
  }

  /**
   * The pieces of text since the last call, in order, none empty, none with half of a character: one at the end waits for
   * the next piece.
   * @param isLast whether none follow
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
    // Some gateways keep a connection alive by messages without content.
    if (data.trim() === '') return
    let chunk: unknown
    try {
      chunk = JSON.parse(data)
    } catch {
      return this.#readBroken(event, data)
    }
    const fields = asRecord(chunk)
    if (fields === undefined) return this.#failMalformed()
    this.#readFields(event, fields, 'delta', data.length)
  }

  #readBroken(event: string, data: string): void {
    // Some gateways leave out the blank line between messages, which joins them: each line of it is JSON then.
    const lines = data.split('\n')
    if (lines.length > 1) {
      for (const line of lines) this.#read(event, line)
      return
    }
    // What was cut is no mistake in what was written.
    if (!this.#isAtEnd) this.#failMalformed()
  }

  /** @returns whether there was a first choice with such a part */
  #readFields(event: string, fields: Fields, part: 'delta' | 'message', chars = Infinity): boolean {
    this.readUsage(fields)
    // The first error stands, and nothing but usage is taken after it.
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
    // `false` and `""` say that there is none.
    if (said || reason === 'error') this.failure = describeSaidError(said, this.#redact)
    return answer !== undefined
  }

  /** @returns how much text or reasoning there was, characters */
  #readAnswer(answer: Fields): number {
    const { content } = answer
    const text = typeof content === 'string' ? content : joinParts(content)
    if (text !== '') {
      this.hasOutput = true
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

function describeLongLine(): ProviderError {
  return failure('INVALID_SSE_FORMAT', `Expected lines of at most ${MAX_LINE_BYTES} bytes, got a longer one`)
}

function findFirstChoice(choices: readonly unknown[]): Fields | undefined {
  for (const each of choices) {
    const choice = asRecord(each)
    if (choice !== undefined && (choice['index'] ?? 0) === 0) return choice
  }
  return undefined
}

/** The form of text completions, which some endpoints give for chats too. */
function readLegacyText(choice: Fields | undefined): Fields | undefined {
  const text = choice?.['text']
  return typeof text === 'string' ? { content: text } : undefined
}

/** Mistral, and others for some models, give content in parts. */
function joinParts(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .map(part => asRecord(part)?.['text'])
    .filter(text => typeof text === 'string')
    .join('')
}
