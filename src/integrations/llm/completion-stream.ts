import type { Clock } from '../../clock.ts'
import { parseRetryAfter } from '../../client/transport.ts'
import { readAside, readStreamHead, readText } from './completion-body.ts'
import { CompletionReader, MAX_RESPONSE_BYTES } from './completion-reader.ts'
import type { Exchange, FetchedResponse } from './exchange.ts'
import type { ProviderUsage } from './provider-usage.ts'
import type { Redact } from '../redact.ts'
import { describeResponse, describeSaidError, findSaid, parseErrorBody, quote } from './response-failure.ts'
import type { Refusal } from './refused-fields.ts'
import { createAbortError, failure, ProviderError } from './stream-error.ts'
import type { StreamMeter } from './stream-meter.ts'
import { cutText } from '../../text.ts'

/** Maximum part of an error body that is read, bytes. */
const MAX_ERROR_BYTES = 64 * 1024

/** Wait for usage after an error within a stream, ms: if it follows, it follows at once. */
const AFTER_ERROR_MS = 1000

/** One call, ready to be sent. */
export interface CompletionCall {
  readonly exchange: Exchange
  readonly meter: StreamMeter
  readonly clock: Clock
  readonly redact: Redact
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Whether an answer as one JSON body is acceptable. */
  readonly mayBeWhole: boolean
  /** Receives usage reports, which an endpoint may send with every message. */
  readonly noteUsage: (usage: Omit<ProviderUsage, 'model'>, model: string | undefined) => void
}

/** Outcome of an answer, with all data besides its text. */
export interface CompletionEnd {
  readonly failure?: ProviderError
  readonly usage?: Omit<ProviderUsage, 'model'>
  readonly model?: string
  readonly finishReason?: string
  /** The body of a response that rejects the request's fields (400, 422). */
  readonly refusal?: Refusal
}

/**
 * Sends a call and yields its text, pieces that arrive together in one batch. Never throws: the outcome is returned.
 *
 * An answer is complete once a finish reason or `[DONE]` has arrived: later connection failures do not affect it. Leaving early
 * closes the connection. After the caller's abort no text is yielded, but usage that has arrived is reported.
 */
export async function* streamCompletion(
  call: CompletionCall,
): AsyncGenerator<readonly string[], CompletionEnd, undefined> {
  const { exchange, redact } = call
  const reader = new CompletionReader(redact)
  let lost: ProviderError | undefined
  try {
    const response = await exchange.open(call.url, call.headers, call.body)
    if (response.status < 200 || response.status > 299) {
      const { error, refusal } = await readFailure(response, call, reader)
      if (exchange.isAborted) return describeEnd(reader, createAbortError())
      return { ...describeEnd(reader, error), ...(refusal !== undefined && { refusal }) }
    }
    if (isOfType(response, 'application/json') && call.mayBeWhole) {
      reader.readWhole(await readText(call, MAX_RESPONSE_BYTES))
    } else {
      const head = await expectEventStream(response, call, reader)
      lost = yield* readEvents(call, reader, head)
    }
    // The outcome is fixed now, whatever happens while the consumer processes the last text.
    exchange.close(reader.isDone)
    yield* takeTexts(call, reader, true)
    return describeEnd(reader, exchange.isAborted ? createAbortError() : findFailure(reader, lost))
  } catch (thrown) {
    const failed = thrown instanceof ProviderError ? thrown : describeSurprise()
    return describeEnd(reader, exchange.isAborted ? createAbortError() : failed)
  } finally {
    exchange.close()
  }
}

/**
 * Reads to the end, but leaves the last texts to the caller.
 * @param head bytes of the body that were already read @returns the failure of a lost connection, if any
 */
async function* readEvents(
  call: CompletionCall,
  reader: CompletionReader,
  head: Uint8Array[],
): AsyncGenerator<readonly string[], ProviderError | undefined, undefined> {
  const { exchange, meter } = call
  let told: CompletionEnd['usage']
  let hurriedBy: number | undefined
  for (;;) {
    try {
      const chunk = head.shift() ?? (await exchange.read())
      if (chunk === undefined) {
        reader.end()
        return undefined
      }
      meter.noteChunk(chunk.length)
      reader.feed(chunk)
      if (reader.isOver) return undefined
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      reader.end()
      return error
    } finally {
      if (reader.hasOutput) exchange.noteOutput()
      reader.hasOutput = false
    }
    if (reader.usage !== undefined && reader.usage !== told) call.noteUsage(reader.usage, reader.model)
    told = reader.usage
    yield* takeTexts(call, reader)
    const maxMs =
      reader.failure !== undefined ? AFTER_ERROR_MS : reader.finishReason !== undefined ? Infinity : undefined
    if (maxMs !== undefined && maxMs !== hurriedBy) exchange.hurry(maxMs)
    hurriedBy = maxMs
  }
}

/** The failure of an answer, if any: a connection lost after the ending does not count. */
function findFailure(reader: CompletionReader, lost: ProviderError | undefined): ProviderError | undefined {
  const failed = reader.failure ?? (lost === undefined ? reader.describeEmptiness() : undefined)
  if (failed !== undefined) return failed
  if (reader.isDone || reader.finishReason !== undefined) return undefined
  return lost ?? failure('UNEXPECTED_STREAM_END', 'The stream ended without `[DONE]` and without a finish reason')
}

/** Yields the text read so far. The token timeout is paused while the consumer processes it. */
function* takeTexts(
  { exchange, meter }: CompletionCall,
  reader: CompletionReader,
  isLast = false,
): Generator<readonly string[]> {
  const texts = reader.takeTexts(isLast)
  if (texts.length === 0 || exchange.isAborted) return
  meter.noteText()
  exchange.pause()
  yield texts
  exchange.noteOutput()
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

async function readFailure(
  response: FetchedResponse,
  call: CompletionCall,
  reader: CompletionReader,
): Promise<{ error: ProviderError; refusal: Refusal | undefined }> {
  const { status } = response
  const retryAfterMs = findRetryAfter(response, call.clock)
  const text = await readAside(call, MAX_ERROR_BYTES)
  const said = parseErrorBody(text)
  if (said !== undefined) reader.readUsage(said)
  const error = describeResponse({ status, said, retryAfterMs }, call.redact)
  return { error, refusal: status === 400 || status === 422 ? { said, text } : undefined }
}

/** OpenAI sends milliseconds besides the standard's seconds. */
function findRetryAfter({ headers }: FetchedResponse, clock: Clock): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  return Number.isFinite(ms) && ms >= 0 ? ms : parseRetryAfter(headers.get('retry-after'), clock)
}

/**
 * Accepts a response without a type, as some gateways send. For a generic type the body decides.
 * @returns the bytes of the body that were read for the decision
 */
async function expectEventStream(
  response: FetchedResponse,
  call: CompletionCall,
  reader: CompletionReader,
): Promise<Uint8Array[]> {
  const type = response.headers.get('content-type')
  if (type === null || isOfType(response, 'text/event-stream')) {
    if (response.body !== null) return []
    throw failure('PROVIDER_INVALID_RESPONSE', `The provider answered ${response.status} without a body`)
  }
  if (GENERAL_TYPES.some(general => isOfType(response, general))) {
    const head = await readStreamHead(call)
    if (head !== undefined) return head
  }
  let why = ''
  if (isOfType(response, 'application/json')) {
    const said = parseErrorBody(await readAside(call, MAX_RESPONSE_BYTES))
    if (said !== undefined) reader.readUsage(said)
    if (said?.['error']) why = `. ${describeSaidError(said['error'], call.redact).message}`
    else if (findSaid(said) !== '') why = `: ${quote(findSaid(said), call.redact)}`
  }
  const shown = cutText(call.redact(type), 60)
  throw failure('INVALID_SSE_FORMAT', `Expected an answer of type \`text/event-stream\`, got \`${shown}\`${why}`)
}

/** Generic types that do not identify a body. */
const GENERAL_TYPES: readonly string[] = ['text/plain', 'application/octet-stream']

function isOfType({ headers }: FetchedResponse, type: string): boolean {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() === type
}

/** An unexpected error: never quoted, since its content is unknown. */
function describeSurprise(): ProviderError {
  return failure('PROVIDER_INVALID_RESPONSE', 'The answer could not be read')
}
