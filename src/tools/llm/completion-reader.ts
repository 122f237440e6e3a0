import { DagstreamError } from '../../errors.ts'
import { createParser, type Parser } from '../../sse/parse.ts'
import { asRecord, parseUsage, type ProviderUsage } from './provider-usage.ts'
import type { Redact } from './redact.ts'
import { describeSaidError } from './response-failure.ts'
import { failure, type ProviderError } from './stream-error.ts'

/** One line, or one message, characters. */
const MAX_LINE_CHARS = 64 * 1024

/** What a response may carry, characters. */
export const MAX_RESPONSE_SIZE: number = 10 * 1024 * 1024

/**
 * A message up to this long counts with the text it carries alone: the envelope of a token is fifty times its text, and the
 * bound is for what an answer says, not for how long it may be streamed.
 */
const FREE_ENVELOPE_CHARS = 1024

/**
 * Makes text, usage and an ending of the messages of a streamed chat completion, in every form that endpoints give them.
 *
 * Only the choice with index 0 is read; reasoning and calls of tools are signs that the model works, but no text.
 */
export class CompletionReader {
  /** The last that was said. */
  usage: Omit<ProviderUsage, 'model'> | undefined
  /** The model that answers, as the endpoint calls it. */
  model: string | undefined
  finishReason: string | undefined
  /** `[DONE]` came. */
  isDone = false
  /** How the stream failed; what came before it stands. */
  failure: ProviderError | undefined
  /** Set with each sign that the model works; reset by whoever has seen it. */
  hasOutput = false
  readonly #redact: Redact
  readonly #parser: Parser
  #texts: string[] = []
  #size = 0
  #isAtEnd = false

  constructor(redact: Redact) {
    this.#redact = redact
    this.#parser = createParser({
      maxMessageChars: MAX_LINE_CHARS,
      onMessage: ({ event, data }) => this.#read(event, data),
      onComment: text => this.#count(text.length),
    })
  }

  /** Takes the next piece of the body. After `isDone` or `failure` the rest is of no interest. */
  feed(text: string): void {
    if (this.isDone || this.failure !== undefined) return
    try {
      this.#parser.feed(text)
    } catch (error) {
      if (!(error instanceof DagstreamError)) throw error
      this.#fail(
        failure('INVALID_SSE_FORMAT', `Expected lines of at most ${MAX_LINE_CHARS} characters, got a longer one`),
      )
    }
  }

  /** The body has ended, or broken off: a last message counts without its blank line, if it is whole. */
  end(): void {
    this.#isAtEnd = true
    this.feed('\n\n')
  }

  /** The pieces of text since the last call, in order, none empty. */
  takeTexts(): readonly string[] {
    const texts = this.#texts
    if (texts.length > 0) this.#texts = []
    return texts
  }

  #read(event: string, data: string): void {
    if (this.isDone || this.failure !== undefined) return
    if (data.startsWith('[DONE]')) {
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
    this.#count(data.length > FREE_ENVELOPE_CHARS ? data.length : 0)
    this.#readChunk(event, fields)
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

  #readChunk(event: string, chunk: Readonly<Record<string, unknown>>): void {
    const { model, usage, choices, error } = chunk
    if (typeof model === 'string' && model !== '') this.model = model
    // Groq's place for it is an object of its own.
    if (usage !== undefined || chunk['x_groq'] !== undefined) {
      this.usage = parseUsage(usage) ?? parseUsage(asRecord(chunk['x_groq'])?.['usage']) ?? this.usage
    }
    const choice = Array.isArray(choices) ? findFirstChoice(choices) : undefined
    if (choice !== undefined) this.#readChoice(choice)
    if (this.failure !== undefined) return
    const said = error ?? choice?.['error'] ?? (event === 'error' ? chunk : undefined)
    // `false` and `""` say that there is none.
    if (said) this.#fail(describeSaidError(said, this.#redact))
    else if (choice?.['finish_reason'] === 'error') this.#fail(describeSaidError(undefined, this.#redact))
  }

  #readChoice(choice: Readonly<Record<string, unknown>>): void {
    const reason = choice['finish_reason']
    if (typeof reason === 'string' && reason !== '' && reason !== 'error') this.finishReason = reason
    const delta = choice['delta'] as Readonly<Record<string, unknown>> | null | undefined
    if (typeof delta !== 'object' || delta === null) return
    const { content } = delta
    const text = typeof content === 'string' ? content : joinParts(content)
    if (text !== '') {
      this.hasOutput = true
      this.#count(text.length)
      if (this.failure === undefined) this.#texts.push(text)
      return
    }
    const thought = delta['reasoning'] ?? delta['reasoning_content']
    if (typeof thought === 'string' && thought !== '') {
      this.hasOutput = true
      this.#count(thought.length)
    } else if (delta['tool_calls'] || delta['refusal'] || delta['reasoning_details']) this.hasOutput = true
  }

  /** Every message and comment counts, so that none is free. */
  #count(size: number): void {
    this.#size += size + 1
    if (this.#size > MAX_RESPONSE_SIZE) this.#fail(describeOversize())
  }

  #failMalformed(): void {
    this.#fail(failure('MALFORMED_JSON', 'Expected each message to be a JSON object'))
  }

  #fail(found: ProviderError): void {
    this.failure ??= found
  }
}

/** The error of a response that is too large. */
export function describeOversize(): ProviderError {
  return failure('PROVIDER_INVALID_RESPONSE', `Expected an answer of at most ${MAX_RESPONSE_SIZE} bytes, got more`)
}

function findFirstChoice(choices: readonly unknown[]): Readonly<Record<string, unknown>> | undefined {
  for (const each of choices) {
    const choice = asRecord(each)
    if (choice !== undefined && (choice['index'] ?? 0) === 0) return choice
  }
  return undefined
}

/** Mistral, and others for some models, give content in parts. */
export function joinParts(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .map(part => asRecord(part)?.['text'])
    .filter(text => typeof text === 'string')
    .join('')
}
