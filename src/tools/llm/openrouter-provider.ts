import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../../errors.ts'
import { writeChatRequest } from './chat-request.ts'
import { type CompletionCall, streamCompletion } from './completion-stream.ts'
import { Exchange, type FetchFunction } from './exchange.ts'
import type { LLMProvider, ProviderInput, ProviderParams, ProviderResponse, ProviderStreamEvent } from './provider.ts'
import type { ProviderUsage } from './provider-usage.ts'
import { createRedact } from './redact.ts'
import { failure, ProviderError } from './stream-error.ts'
import { StreamMeter } from './stream-meter.ts'
import { fetchByUndici } from './undici-fetch.ts'

/** Where to ask, and as whom. */
export interface OpenRouterOptions {
  /** @defaultValue the environment's `OPENROUTER_API_KEY`, read at each call */
  readonly apiKey?: string
  /** Of any OpenAI-compatible endpoint; `/chat/completions` is added. @defaultValue `https://openrouter.ai/api/v1` */
  readonly baseURL?: string
  /** Where a call names none. @defaultValue `openrouter/auto` */
  readonly model?: string
  /** Further headers, such as `X-Title`. Taken for secrets: their values never stand in an error. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where a call says nothing else, ms. @defaultValue 120,000 */
  readonly idleTimeoutMs?: number
  /** Where a call says nothing else, ms. @defaultValue 120,000 */
  readonly firstTokenTimeoutMs?: number
  /** @defaultValue undici's, with time-outs of its own switched off */
  readonly fetch?: FetchFunction
  readonly clock?: Clock
}

const DEFAULTS = {
  baseURL: 'https://openrouter.ai/api/v1',
  model: 'openrouter/auto',
  idleTimeoutMs: 120_000,
  firstTokenTimeoutMs: 120_000,
}

/** A shorter value of a header hides nothing, and taking it out would garble what a provider says. */
const MIN_SECRET_CHARS = 6

/** Visible ASCII: anything else cannot stand in the header, and whoever tried would say the key in an error. */
const KEY = /^[\x21-\x7e]+$/

/** OpenRouter, or any other endpoint that speaks OpenAI's chat completions. */
export class OpenRouterProvider implements LLMProvider {
  readonly #options: OpenRouterOptions & typeof DEFAULTS
  readonly #fetch: FetchFunction
  readonly #clock: Clock
  readonly #url: URL

  /** @throws `INVALID_OPTION`; a missing key is told by the calls */
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
    this.#url = parseEndpoint(this.#options.baseURL)
  }

  /**
   * The whole answer at once. It is streamed below, so that silence is noticed however long the answer is.
   * @throws ProviderError, with the `usage` that was told before it
   */
  async generate(input: ProviderInput, params: ProviderParams = {}): Promise<ProviderResponse> {
    let text = ''
    let usage: ProviderUsage | undefined
    for await (const event of this.#stream(input, params, true)) {
      if (event.type === 'content') text += event.data
      else if (event.type === 'usage') usage = event.data
      else if (event.type === 'done') return { text, ...event.data, ...(usage !== undefined && { usage }) }
      else {
        const error = new ProviderError(event.data)
        if (usage !== undefined) error.usage = usage
        throw error
      }
    }
    throw failure('UNEXPECTED_STREAM_END', 'The stream ended without an ending')
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
    let eventId = 0
    let call: CompletionCall
    let model: string
    try {
      model = params.model ?? this.#options.model
      call = this.#prepare(input, params, meter, mayBeWhole)
    } catch (error) {
      tellMetrics(params, meter)
      const { streamError } = error instanceof ProviderError ? error : failure('INVALID_REQUEST', 'Expected parameters')
      yield { eventId: ++eventId, type: 'error', data: streamError }
      return
    }
    const texts = streamCompletion(call)
    let isOver = false
    try {
      for (;;) {
        const { done, value } = await texts.next()
        if (!done) {
          for (const data of value) yield { eventId: ++eventId, type: 'content', data }
          continue
        }
        isOver = true
        tellMetrics(params, meter)
        const end = value
        const answering = end.model ?? model
        if (end.usage !== undefined) {
          yield { eventId: ++eventId, type: 'usage', data: { ...end.usage, model: answering } }
        }
        if (end.failure !== undefined) yield { eventId: ++eventId, type: 'error', data: end.failure.streamError }
        else {
          const reason = end.finishReason === undefined ? {} : { finishReason: end.finishReason }
          yield { eventId: ++eventId, type: 'done', data: { model: answering, ...reason } }
        }
        return
      }
    } finally {
      if (!isOver) {
        // The consumer left: nothing follows.
        await texts.return({})
        tellMetrics(params, meter)
      }
    }
  }

  #prepare(input: ProviderInput, params: ProviderParams, meter: StreamMeter, mayBeWhole: boolean): CompletionCall {
    const apiKey = (this.#options.apiKey ?? readEnvironment('OPENROUTER_API_KEY') ?? '').trim()
    if (apiKey === '') {
      throw failure('AUTHENTICATION_FAILED', 'There is no key: give `apiKey`, or set OPENROUTER_API_KEY')
    }
    if (!KEY.test(apiKey)) throw failure('AUTHENTICATION_FAILED', 'Expected the key to be visible ASCII characters')
    const { idleTimeoutMs, firstTokenTimeoutMs, headers, model } = this.#options
    const { host, hostname } = this.#url
    const body = writeChatRequest(input, params, { model, wantsCost: hostname.endsWith('openrouter.ai') })
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
      redact: createRedact([apiKey, ...Object.values(headers ?? {}).filter(value => value.length >= MIN_SECRET_CHARS)]),
      url: this.#url.href,
      headers: {
        ...headers,
        Authorization: `Bearer ${apiKey}`,
        'Content-Type': 'application/json',
        Accept: mayBeWhole ? 'text/event-stream, application/json;q=0.9' : 'text/event-stream',
        // Compression holds tokens back.
        'Accept-Encoding': 'identity',
      },
      body,
      mayBeWhole,
    }
  }
}

/** @throws `INVALID_OPTION`, which does not say the address: it may hold a password */
function parseEndpoint(baseURL: string): URL {
  const expected = 'an http or https URL without a password'
  let url: URL
  try {
    url = new URL(baseURL)
  } catch {
    throw invalidOption('baseURL', expected, undefined)
  }
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw invalidOption('baseURL', expected, `${url.protocol}//…`)
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  url.hash = ''
  return url
}

/** Not every runtime has an environment, and not every one lets it be read. */
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

function tellMetrics(params: ProviderParams, meter: StreamMeter): void {
  try {
    params.onStreamMetrics?.(meter.measure())
  } catch {
    // Whoever listens to figures must not break the answer.
  }
}
