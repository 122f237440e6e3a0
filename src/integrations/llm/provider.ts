import type { ProviderUsage } from './provider-usage.ts'
import type { StreamError } from './stream-error.ts'

/** A model behind an interface, so that tools and programs do not depend on who serves it. */
export interface LLMProvider {
  /** The whole answer at once. @throws `ProviderError` */
  generate(input: ProviderInput, params?: ProviderParams): Promise<ProviderResponse>
  /**
   * The answer while it is written: `content` events, at most one `usage`, then exactly one `done` or `error`.
   *
   * Nothing is sent before the first `next()`. It never throws and never retries. Leaving the loop ends the request.
   */
  generateStream(input: ProviderInput, params?: ProviderParams): AsyncIterable<ProviderStreamEvent>
}

/** A prompt, which becomes one message of the user, or a conversation. */
export type ProviderInput = string | readonly ChatMessage[]

/** One message of a conversation; other fields, such as `tool_call_id`, are passed on. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  /** Text, or parts as the endpoint defines them. */
  readonly content: string | readonly object[] | null
  readonly [field: string]: unknown
}

/** How to answer, and how long to wait for it. */
export interface ProviderParams {
  /** @defaultValue the provider's own */
  readonly model?: string
  readonly temperature?: number
  /** Of the answer. */
  readonly maxTokens?: number
  /** Where the answer stops. */
  readonly stop?: string | readonly string[]
  /** Definitions of functions, passed on. Calls of them are not told: only text is. */
  readonly tools?: readonly object[]
  /** Further fields of the request's body, as the endpoint names them. Those above win. */
  readonly extra?: Readonly<Record<string, unknown>>
  /**
   * Fields of the request's body that are not sent, as the endpoint names them: for one that refuses `stream_options`, say.
   * Wins over everything that would set them. Not `messages` and `stream`.
   */
  readonly omit?: readonly string[]
  /** Ends the request: its connection is closed, and the stream ends with an `error` that is not retryable. */
  readonly signal?: AbortSignal
  /** The longest silence of a response, ms; comments count as signs of life. 0 for no bound. @defaultValue 120,000 */
  readonly idleTimeoutMs?: number
  /**
   * How long the first token may take, from the call, and each one after it from the one before, ms: comments do not count.
   * 0 for no bound. @defaultValue 120,000
   */
  readonly firstTokenTimeoutMs?: number
  /** Called once, before the last event, however it ends. What it throws is ignored. */
  readonly onStreamMetrics?: (metrics: StreamMetrics) => void
  /**
   * Called as usage is told, which some endpoints do with every message: each says all that the answer used so far. The last
   * may come in the `usage` event alone. What it throws is ignored.
   */
  readonly onUsage?: (usage: ProviderUsage) => void
  /** Called with a sentence for people when the request was changed on the way. What it throws is ignored. */
  readonly onNotice?: (message: string) => void
  /** Called once, before `done`, and not before an `error`. What it throws is ignored. */
  readonly onFinish?: (finish: StreamFinish) => void
}

/** What is known of an answer that is complete, beside its text and usage. */
export interface StreamFinish {
  /** The model that answered, or the one that was asked. */
  readonly model: string
  /** Why the model stopped, in the endpoint's words: `stop`, `length`, … */
  readonly finishReason?: string
}

/** Of one request's response. Times are of a monotonic clock. */
export interface StreamMetrics {
  /** From the call to the first text; absent where there was none. */
  readonly firstTokenMs?: number
  /** The longest time between two chunks of the body, ms; 0 with fewer than two. */
  readonly maxInterChunkMs: number
  /** From the call to its end, ms. */
  readonly totalMs: number
  /** Chunks of the body, as the network gave them. */
  readonly chunkCount: number
  /** Of the body, after decompression. */
  readonly bytes: number
}

/** The whole answer. */
export interface ProviderResponse extends StreamFinish {
  readonly text: string
  readonly usage?: ProviderUsage
}

/**
 * One event of a stream.
 *
 * `eventId` grows by one with each. It has ten digits from the first on, so that ids compare alike as numbers and as text.
 */
export type ProviderStreamEvent =
  | { readonly eventId: number; readonly type: 'content'; readonly data: string }
  | { readonly eventId: number; readonly type: 'usage'; readonly data: ProviderUsage }
  | { readonly eventId: number; readonly type: 'done' }
  | { readonly eventId: number; readonly type: 'error'; readonly data: StreamError }
