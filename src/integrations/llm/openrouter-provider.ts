import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../../errors.ts'
import { RefusalMemory, type RefusedFields } from './adjustments.ts'
import { writeChatRequest } from './chat-request.ts'
import { parseEndpoint, parseHeaders } from './endpoint.ts'
import { Exchange, type FetchFunction } from './exchange.ts'
import { streamMended, type WrittenCall } from './mended-stream.ts'
import type {
  LLMProvider,
  ProviderInput,
  ProviderParams,
  ProviderResponse,
  ProviderStreamEvent,
  StreamFinish,
} from './provider.ts'
import type { ProviderUsage } from './provider-usage.ts'
import { createRedact } from '../redact.ts'
import { checkFields } from './request-fields.ts'
import { failure, ProviderError } from './stream-error.ts'
import { StreamMeter } from './stream-meter.ts'
import { fetchByUndici } from './undici-fetch.ts'

/** Options of the provider. */
export interface OpenRouterOptions {
  /** @defaultValue the environment's `OPENROUTER_API_KEY`, read at each call */
  readonly apiKey?: string
  /** Base URL of any OpenAI-compatible endpoint; `/chat/completions` is appended. @defaultValue `https://openrouter.ai/api/v1` */
  readonly baseURL?: string
  /** Default model of a call. @defaultValue `openrouter/auto` */
  readonly model?: string
  /**
   * Additional headers, such as `X-Title`; they replace the provider's own, in any case. Treated as secrets: their values never
   * appear in an error. Connection headers, such as `Host` and `Content-Length`, are rejected.
   */
  readonly headers?: Readonly<Record<string, string>>
  /** Additional fields of every request, see `ProviderParams`; a call's own override them one by one. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Fields omitted from every request, see `ProviderParams`; a call's own are added. */
  readonly omit?: readonly string[]
  /** Default for calls, ms. @defaultValue 120,000 */
  readonly idleTimeoutMs?: number
  /** Default for calls, ms. @defaultValue 120,000 */
  readonly firstTokenTimeoutMs?: number
  /** @defaultValue undici's, without its own timeouts, through the proxy of the environment */
  readonly fetch?: FetchFunction
  readonly clock?: Clock
}

const DEFAULTS = {
  baseURL: 'https://openrouter.ai/api/v1',
  model: 'openrouter/auto',
  idleTimeoutMs: 120_000,
  firstTokenTimeoutMs: 120_000,
}

/** All later ids have ten digits, so they sort alike as numbers and as text. */
const BEFORE_FIRST_ID = 1_000_000_000

/** Visible ASCII: anything else is invalid in the header, and the resulting error would quote the key. */
const KEY = /^[\x21-\x7e]+$/

/** OpenRouter, or any endpoint compatible with OpenAI's chat completions. */
export class OpenRouterProvider implements LLMProvider {
  readonly #options: OpenRouterOptions & typeof DEFAULTS
  readonly #fetch: FetchFunction
  readonly #clock: Clock
  readonly #url: URL
  /** The given headers, by lower-case name. */
  readonly #headers: Readonly<Record<string, string>>
  readonly #memory = new RefusalMemory()

  /** @throws `INVALID_OPTION`; a missing key is reported by the calls */
  constructor(options: OpenRouterOptions = {}) {
    const given = Object.entries(expectObject('options', options)).filter(([, value]) => value !== undefined)
    this.#options = { ...DEFAULTS, ...Object.fromEntries(given) }
    this.#fetch = this.#options.fetch ?? fetchByUndici
    this.#clock = this.#options.clock ?? systemClock
    expectMethods('clock', this.#clock, CLOCK_METHODS)
    if (typeof this.#fetch !== 'function') throw invalidOption('fetch', 'a function', this.#fetch)
    for (const name of ['idleTimeoutMs', 'firstTokenTimeoutMs'] as const) {
      if (!isDuration(this.#options[name])) throw invalidOption(name, 'milliseconds, 0 or more', this.#options[name])
    }
    checkFields(this.#options)
    this.#url = parseEndpoint(this.#options.baseURL)
    this.#headers = parseHeaders(this.#options.headers)
  }

  /**
   * Returns the complete answer. It is streamed internally, so that silence is detected however long the answer is.
   * @throws ProviderError, with the `usage` reported before it
   */
  async generate(input: ProviderInput, params: ProviderParams = {}): Promise<ProviderResponse> {
    let text = ''
    let usage: ProviderUsage | undefined
    let finish: StreamFinish | undefined
    const onFinish = (told: StreamFinish): unknown => {
      finish = told
      return params.onFinish?.(told)
    }
    for await (const event of this.#stream(input, { ...params, onFinish }, true)) {
      if (event.type === 'content') text += event.data
      else if (event.type === 'usage') usage = event.data
      else if (event.type === 'error') {
        const error = new ProviderError(event.data)
        if (usage !== undefined) error.usage = usage
        throw error
      }
    }
    if (finish === undefined) throw failure('UNEXPECTED_STREAM_END', 'The stream ended without its final event')
    return { text, ...finish, ...(usage !== undefined && { usage }) }
  }

  generateStream(input: ProviderInput, params: ProviderParams = {}): AsyncIterable<ProviderStreamEvent> {
    return this.#stream(input, params, false)
  }

  async *#stream(
    input: ProviderInput,
    params: ProviderParams,
    mayBeWhole: boolean,
  ): AsyncGenerator<ProviderStreamEvent, void, undefined> {
    const meter = new StreamMeter(this.#clock)
    let eventId = BEFORE_FIRST_ID
    const write = (refused: RefusedFields): WrittenCall => this.#write(input, params, meter, mayBeWhole, refused)
    let call: WrittenCall
    let model: string
    try {
      model = params.model ?? this.#options.model
      call = write(this.#memory.recall(model))
    } catch (error) {
      tell(params?.onStreamMetrics, meter.measure())
      const { streamError } = error instanceof ProviderError ? error : failure('INVALID_REQUEST', 'Expected parameters')
      yield { eventId: ++eventId, type: 'error', data: streamError }
      return
    }
    const notice = (message: string): void => tell(params.onNotice, message)
    const texts = streamMended(call, { memory: this.#memory, model, write, tell: notice })
    let isOver = false
    try {
      for (;;) {
        const { done, value } = await texts.next()
        if (!done) {
          for (const data of value) yield { eventId: ++eventId, type: 'content', data }
          continue
        }
        isOver = true
        tell(params.onStreamMetrics, meter.measure())
        const { usage, failure: failed, finishReason } = value
        const answering = value.model ?? model
        if (usage !== undefined) yield { eventId: ++eventId, type: 'usage', data: { ...usage, model: answering } }
        if (failed !== undefined) yield { eventId: ++eventId, type: 'error', data: failed.streamError }
        else {
          tell(params.onFinish, { model: answering, ...(finishReason !== undefined && { finishReason }) })
          yield { eventId: ++eventId, type: 'done' }
        }
        return
      }
    } finally {
      if (!isOver) {
        // The consumer left: nothing follows.
        await texts.return({})
        tell(params.onStreamMetrics, meter.measure())
      }
    }
  }

  #write(
    input: ProviderInput,
    params: ProviderParams,
    meter: StreamMeter,
    mayBeWhole: boolean,
    refused: RefusedFields,
  ): WrittenCall {
    const apiKey = (this.#options.apiKey ?? readEnvironment('OPENROUTER_API_KEY') ?? '').trim()
    if (apiKey === '') {
      throw failure('AUTHENTICATION_FAILED', 'Missing API key: pass `apiKey`, or set OPENROUTER_API_KEY')
    }
    if (!KEY.test(apiKey)) throw failure('AUTHENTICATION_FAILED', 'Expected the key to be visible ASCII characters')
    const { idleTimeoutMs, firstTokenTimeoutMs, model, extra, omit = [] } = this.#options
    const { host, hostname } = this.#url
    const wantsCost = hostname.endsWith('openrouter.ai')
    const request = writeChatRequest(input, params, { model, wantsCost, extra, omit, refused })
    const times = {
      idleTimeoutMs: params.idleTimeoutMs ?? idleTimeoutMs,
      firstTokenTimeoutMs: params.firstTokenTimeoutMs ?? firstTokenTimeoutMs,
    }
    for (const [name, ms] of Object.entries(times)) {
      if (!isDuration(ms)) throw failure('INVALID_REQUEST', `Expected \`${name}\` to be milliseconds, 0 or more`)
    }
    const clock = this.#clock
    return {
      exchange: new Exchange({ fetch: this.#fetch, clock, host, signal: params.signal, ...times }),
      meter,
      clock,
      // Providers quote the part of `Bearer …` after the scheme.
      redact: createRedact([
        apiKey,
        ...Object.values(this.#headers),
        ...(this.#headers['authorization']?.split(' ').slice(1) ?? []),
      ]),
      url: this.#url.href,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        accept: mayBeWhole ? 'text/event-stream, application/json;q=0.9' : 'text/event-stream',
        // Compression delays tokens.
        'accept-encoding': 'identity',
        ...(params.traceparent !== undefined && { traceparent: params.traceparent }),
        ...this.#headers,
      },
      body: request.json,
      fields: request.fields,
      changed: request.changed,
      mayBeWhole,
      noteUsage: (usage, answering = params.model ?? model) => tell(params.onUsage, { ...usage, model: answering }),
    }
  }
}

/** Some runtimes have no environment, or deny access to it. */
function readEnvironment(name: string): string | undefined {
  try {
    return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name]
  } catch {
    return undefined
  }
}

function isDuration(ms: unknown): boolean {
  return typeof ms === 'number' && ms >= 0 && ms < Number.POSITIVE_INFINITY
}

/** Calls a caller's listener, whose failure must not break the answer. */
function tell<T>(listener: ((told: T) => unknown) | undefined, told: T): void {
  // As a promise, so that an asynchronous listener cannot crash the process either.
  void (async () => listener?.(told))().catch(() => {})
}
