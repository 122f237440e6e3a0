import type { Clock } from '../../clock.ts'
import { parseRetryAfter } from '../../client/transport.ts'
import { CompletionReader, describeOversize, joinParts, MAX_RESPONSE_SIZE } from './completion-reader.ts'
import type { Exchange, FetchedResponse } from './exchange.ts'
import { asRecord, parseUsage, type ProviderUsage } from './provider-usage.ts'
import type { Redact } from './redact.ts'
import { describeResponse, describeSaidError } from './response-failure.ts'
import { failure, ProviderError } from './stream-error.ts'
import type { StreamMeter } from './stream-meter.ts'

/** Of the body of an error response, bytes: the rest is not read. */
const MAX_ERROR_BYTES = 64 * 1024

/** One call, ready to be sent. */
export interface CompletionCall {
  readonly exchange: Exchange
  readonly meter: StreamMeter
  readonly clock: Clock
  readonly redact: Redact
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** An answer that comes as one JSON body will do. */
  readonly mayBeWhole: boolean
}

/** How an answer ended, with all that was said beside its text. */
export interface CompletionEnd {
  readonly failure?: ProviderError
  readonly usage?: Omit<ProviderUsage, 'model'>
  readonly model?: string
  readonly finishReason?: string
}

/**
 * Sends a call and gives the pieces of its text, as many at once as came at once. Never throws: how it ended is returned.
 *
 * An answer is complete once the model has said why it stopped, or `[DONE]` came: what happens to the connection after that
 * takes nothing back. Leaving early closes the connection.
 */
export async function* streamCompletion(
  call: CompletionCall,
): AsyncGenerator<readonly string[], CompletionEnd, undefined> {
  const { exchange, redact } = call
  const reader = new CompletionReader(redact)
  let isComplete = false
  try {
    const response = await exchange.open(call.url, call.headers, call.body)
    if (response.status < 200 || response.status > 299) throw await readFailure(response, call)
    if (isOfType(response, 'application/json') && call.mayBeWhole) {
      const { text, ...end } = readWholeAnswer(await readText(call, MAX_RESPONSE_SIZE), redact)
      isComplete = true
      if (text !== '') {
        call.meter.noteText()
        yield [text]
      }
      return end
    }
    await expectEventStream(response, call)
    yield* readEvents(call, reader)
    const { failure, isDone } = reader
    isComplete = isDone
    return describeEnd(reader, failure)
  } catch (thrown) {
    return describeEnd(reader, thrown instanceof ProviderError ? thrown : describeSurprise())
  } finally {
    exchange.close(isComplete)
  }
}

async function* readEvents(
  call: CompletionCall,
  reader: CompletionReader,
): AsyncGenerator<readonly string[], void, undefined> {
  const { exchange, meter } = call
  // It takes off a byte order mark, and keeps a character that two chunks share.
  const decoder = new TextDecoder()
  let lost: ProviderError | undefined
  let isHurried = false
  while (!reader.isDone && reader.failure === undefined) {
    try {
      const chunk = await exchange.read()
      if (chunk !== undefined) {
        meter.noteChunk(chunk.length)
        reader.feed(decoder.decode(chunk, { stream: true }))
      } else reader.end()
      if (chunk === undefined) break
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      lost = error
      reader.end()
      break
    } finally {
      if (reader.hasOutput) exchange.noteOutput()
      reader.hasOutput = false
    }
    const texts = reader.takeTexts()
    if (texts.length > 0) {
      meter.noteText()
      exchange.pause()
      yield texts
      exchange.noteOutput()
    }
    if (reader.finishReason !== undefined && !isHurried) {
      isHurried = true
      exchange.hurry()
    }
  }
  const texts = reader.takeTexts()
  if (texts.length > 0) {
    meter.noteText()
    yield texts
  }
  if (reader.failure !== undefined) return
  const isAnswered = reader.isDone || reader.finishReason !== undefined
  if (lost?.streamError.details?.['aborted'] === true || (lost !== undefined && !isAnswered)) throw lost
  if (!isAnswered) {
    throw failure('UNEXPECTED_STREAM_END', 'The stream ended without `[DONE]` and without a finish reason')
  }
}

function describeEnd(reader: CompletionReader, failure: ProviderError | undefined): CompletionEnd {
  const { usage, model, finishReason } = reader
  return {
    ...(failure !== undefined && { failure }),
    ...(usage !== undefined && { usage }),
    ...(model !== undefined && { model }),
    ...(finishReason !== undefined && { finishReason }),
  }
}

async function readFailure(response: FetchedResponse, call: CompletionCall): Promise<ProviderError> {
  const { status } = response
  const retryAfterMs = findRetryAfter(response, call.clock)
  call.exchange.hurry()
  let body = ''
  try {
    body = await readText(call, MAX_ERROR_BYTES)
  } catch (error) {
    // The status is the error, unless the caller ended it: a body that fails on top of it, or is too long, changes nothing.
    if (error instanceof ProviderError && error.streamError.details?.['aborted'] === true) return error
  }
  return describeResponse({ status, body, retryAfterMs }, call.redact)
}

/** OpenAI gives milliseconds beside the standard's seconds. */
function findRetryAfter({ headers }: FetchedResponse, clock: Clock): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  return Number.isFinite(ms) && ms >= 0 ? ms : parseRetryAfter(headers.get('retry-after'), clock)
}

/** A response without a type is taken at its word: some gateways send none. */
async function expectEventStream(response: FetchedResponse, call: CompletionCall): Promise<void> {
  const type = response.headers.get('content-type')
  if (type === null || isOfType(response, 'text/event-stream')) {
    if (response.body !== null) return
    throw failure('PROVIDER_INVALID_RESPONSE', `The provider answered ${response.status} without a body`)
  }
  let said = ''
  if (isOfType(response, 'application/json')) {
    call.exchange.hurry()
    const error = findError(await readText(call, MAX_ERROR_BYTES).catch(() => ''))
    if (error !== undefined) said = `. ${describeSaidError(error, call.redact).message}`
  }
  const shown = call.redact(type).slice(0, 60)
  throw failure('INVALID_SSE_FORMAT', `Expected an answer of type \`text/event-stream\`, got \`${shown}\`${said}`)
}

function isOfType({ headers }: FetchedResponse, type: string): boolean {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() === type
}

/** The whole body as text. @throws ProviderError `PROVIDER_INVALID_RESPONSE` beyond `maxBytes` */
async function readText({ exchange, meter }: CompletionCall, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const chunk = await exchange.read()
    if (chunk === undefined) return text + decoder.decode()
    meter.noteChunk(chunk.length)
    bytes += chunk.length
    if (bytes > maxBytes) throw describeOversize()
    text += decoder.decode(chunk, { stream: true })
  }
}

function findError(body: string): unknown {
  try {
    return asRecord(JSON.parse(body))?.['error'] ?? undefined
  } catch {
    return undefined
  }
}

function readWholeAnswer(body: string, redact: Redact): CompletionEnd & { readonly text: string } {
  let answer: Readonly<Record<string, unknown>> | undefined
  try {
    answer = asRecord(JSON.parse(body))
  } catch {
    throw failure('MALFORMED_JSON', 'Expected the answer to be JSON')
  }
  const error = answer?.['error']
  if (error !== undefined && error !== null) throw describeSaidError(error, redact)
  const choices = answer?.['choices']
  const choice = asRecord(Array.isArray(choices) ? choices[0] : undefined)
  const message = asRecord(choice?.['message'])
  if (message === undefined) throw failure('PROVIDER_INVALID_RESPONSE', 'Expected the answer to have a message')
  const { content } = message
  const usage = parseUsage(answer?.['usage'])
  const reason = choice?.['finish_reason']
  const model = answer?.['model']
  return {
    text: typeof content === 'string' ? content : joinParts(content),
    ...(usage !== undefined && { usage }),
    ...(typeof model === 'string' && model !== '' && { model }),
    ...(typeof reason === 'string' && { finishReason: reason }),
  }
}

/** What nobody thought of: nothing of it is told, since nobody knows what it holds. */
function describeSurprise(): ProviderError {
  return failure('PROVIDER_INVALID_RESPONSE', 'The answer could not be read')
}
