import type { ProviderUsage } from './provider-usage.ts'
import type { StreamError } from './stream-error.ts'

/** A language model, independent of the service behind it. */
export interface LLMProvider {
  /** Returns the complete answer. @throws `ProviderError` */
  generate(input: ProviderInput, params?: ProviderParams): Promise<ProviderResponse>
  /**
   * Streams the answer: `content` events, at most one `usage`, then exactly one `done` or `error`.
   *
   * Nothing is sent before the first `next()`. It never throws and never retries. Leaving the loop ends the request.
   */
  generateStream(input: ProviderInput, params?: ProviderParams): AsyncIterable<ProviderStreamEvent>
}

/** A prompt, sent as one user message, or a conversation. */
export type ProviderInput = string | readonly ChatMessage[]

/** One message of a conversation; other fields, such as `tool_call_id`, are forwarded. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  /** Text, or parts as the endpoint defines them. */
  readonly content: string | readonly object[] | null
  readonly [field: string]: unknown
}

/** Parameters of one call. */
export interface ProviderParams {
  /** @defaultValue the provider's own */
  readonly model?: string
  readonly temperature?: number
  /** Maximum length of the answer, tokens. */
  readonly maxTokens?: number
  /** Stop sequences. */
  readonly stop?: string | readonly string[]
  /** Function definitions, forwarded. Their calls are not reported: only text is. */
  readonly tools?: readonly object[]
  /** Additional fields of the request's body, as the endpoint names them. The fields above take precedence. */
  readonly extra?: Readonly<Record<string, unknown>>
  /**
   * Fields omitted from the request's body, as the endpoint names them, for example if it rejects `stream_options`. Takes
   * precedence over everything that sets them. Not `messages` and `stream`.
   */
  readonly omit?: readonly string[]
  /** W3C trace context, sent as the header `traceparent`. */
  readonly traceparent?: string
  /** Ends the request: its connection is closed, and the stream ends with an `error` that is not retryable. */
  readonly signal?: AbortSignal
  /** Maximum silence of a response, ms; comments count as activity. 0 for no bound. @defaultValue 120,000 */
  readonly idleTimeoutMs?: number
  /**
   * Maximum time from the call to the first token, and between tokens, ms; comments do not count. 0 for no bound. @defaultValue
   * 120,000
   */
  readonly firstTokenTimeoutMs?: number
  /** Called once, before the last event, whatever the outcome. Its errors are ignored. */
  readonly onStreamMetrics?: (metrics: StreamMetrics) => void
  /**
   * Called for each usage report, which some endpoints send with every message: each is cumulative. The last may arrive only as
   * the `usage` event. Its errors are ignored.
   */
  readonly onUsage?: (usage: ProviderUsage) => void
  /** Called with a sentence for people when the request was adjusted. Its errors are ignored. */
  readonly onNotice?: (message: string) => void
  /** Called once, before `done`, and not before an `error`. Its errors are ignored. */
  readonly onFinish?: (finish: StreamFinish) => void
}

/** Data of a complete answer besides its text and usage. */
export interface StreamFinish {
  /** The model that answered, else the requested one. */
  readonly model: string
  /** Finish reason in the endpoint's words: `stop`, `length`, … */
  readonly finishReason?: string
}

/** Metrics of one response. Times are of a monotonic clock. */
export interface StreamMetrics {
  /** Time from the call to the first text; absent without text. */
  readonly firstTokenMs?: number
  /** The longest time between two chunks of the body, ms; 0 with fewer than two. */
  readonly maxInterChunkMs: number
  /** Time from the call to its end, ms. */
  readonly totalMs: number
  /** Number of network chunks of the body. */
  readonly chunkCount: number
  /** Size of the body after decompression. */
  readonly bytes: number
}

/** The complete answer. */
export interface ProviderResponse extends StreamFinish {
  readonly text: string
  readonly usage?: ProviderUsage
}

/**
 * One event of a stream.
 *
 * `eventId` increases by one per event. It always has ten digits, so ids sort alike as numbers and as text.
 */
export type ProviderStreamEvent =
  | { readonly eventId: number; readonly type: 'content'; readonly data: string }
  | { readonly eventId: number; readonly type: 'usage'; readonly data: ProviderUsage }
  | { readonly eventId: number; readonly type: 'done' }
  | { readonly eventId: number; readonly type: 'error'; readonly data: StreamError }
