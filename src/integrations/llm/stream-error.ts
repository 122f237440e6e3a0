import type { ProviderUsage } from './provider-usage.ts'

/**
 * Every failure of a provider's stream: 1xxx the network, 2xxx the provider, 3xxx its response, 4xxx the request.
 * `docs/error-codes.md` maps failures to codes.
 */
export const StreamErrorCode = {
  /** The connection failed before the headers. */
  NETWORK_ERROR: 1000,
  /** A timeout: of the connection, the first token, or silence. */
  CONNECTION_TIMEOUT: 1001,
  /** The connection was lost after the headers. */
  CONNECTION_LOST: 1002,
  /** The provider failed (5xx), or reported a failure within a stream. */
  PROVIDER_UNAVAILABLE: 2000,
  /** Too many requests (429). */
  PROVIDER_RATE_LIMIT: 2001,
  /** The answer cannot be used, or is over 10 MiB. */
  PROVIDER_INVALID_RESPONSE: 2002,
  /** The response is not an event stream. */
  INVALID_SSE_FORMAT: 3000,
  /** The data of a message is not a JSON object. */
  MALFORMED_JSON: 3001,
  /** The stream ended without `[DONE]` or a finish reason. */
  UNEXPECTED_STREAM_END: 3002,
  /** The request is wrong (other 4xx). */
  INVALID_REQUEST: 4000,
  /** The key is missing, wrong or not allowed to do this (401, 403). */
  AUTHENTICATION_FAILED: 4001,
  /** There is no credit left (402). */
  INSUFFICIENT_QUOTA: 4002,
} as const

/** One of the numbers of `StreamErrorCode`. */
export type StreamErrorCode = (typeof StreamErrorCode)[keyof typeof StreamErrorCode]

/** The name of a `StreamErrorCode`, which is the `code` of a task that failed by it. */
export type StreamErrorName = keyof typeof StreamErrorCode

/** Failure of a provider's stream. No field ever contains a key or a header. */
export interface StreamError {
  readonly code: StreamErrorCode
  /** For people. A provider's own text is cut at 500 characters. */
  readonly message: string
  /** Whether a retry may succeed: by the code alone, except that a call aborted by the caller is never retried. */
  readonly retryable: boolean
  /** Delay that the provider asks for, ms. */
  readonly retryAfterMs?: number
  /** Facts, as plain JSON: `status` (HTTP), `providerCode`, `networkCode`, `aborted`. */
  readonly details?: Readonly<Record<string, unknown>>
}

const RETRYABLE: ReadonlySet<StreamErrorCode> = new Set([
  StreamErrorCode.NETWORK_ERROR,
  StreamErrorCode.CONNECTION_TIMEOUT,
  StreamErrorCode.CONNECTION_LOST,
  StreamErrorCode.PROVIDER_UNAVAILABLE,
  StreamErrorCode.PROVIDER_RATE_LIMIT,
  StreamErrorCode.MALFORMED_JSON,
  StreamErrorCode.UNEXPECTED_STREAM_END,
])

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(StreamErrorCode).map(([name, code]) => [code, name]))

/** The name of a code; `undefined` for an unknown number. */
export function findStreamErrorName(code: number): StreamErrorName | undefined {
  return NAMES.get(code) as StreamErrorName | undefined
}

/**
 * A failed stream as an error: `generate` rejects with it, and a chat tool throws it, so that the task carries the code's name
 * and is retried if the failure is transient.
 */
export class ProviderError extends Error {
  override readonly name: string = 'ProviderError'
  readonly code: StreamErrorName
  readonly retryable: boolean
  /** Delay that the provider asks for, ms. */
  readonly retryAfterMs?: number
  /** The error as data. */
  readonly streamError: StreamError
  /** Usage reported before the failure. Set by `generate` only: a stream reports it in an event. */
  usage?: ProviderUsage

  constructor(streamError: StreamError) {
    super(streamError.message)
    this.streamError = streamError
    this.code = findStreamErrorName(streamError.code) ?? 'PROVIDER_INVALID_RESPONSE'
    this.retryable = streamError.retryable
    if (streamError.retryAfterMs !== undefined) this.retryAfterMs = streamError.retryAfterMs
  }
}

/** Creates the error of a code, retryable according to the table. */
export function failure(
  name: StreamErrorName,
  message: string,
  more: { readonly retryAfterMs?: number | undefined; readonly details?: Readonly<Record<string, unknown>> } = {},
): ProviderError {
  const code = StreamErrorCode[name]
  return new ProviderError({
    code,
    message,
    retryable: RETRYABLE.has(code),
    ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
    ...(more.details !== undefined && Object.keys(more.details).length > 0 && { details: more.details }),
  })
}

/** The error after the caller's abort, which is never retried. */
export function createAbortError(): ProviderError {
  return new ProviderError({
    code: StreamErrorCode.CONNECTION_LOST,
    message: 'The caller ended the request',
    retryable: false,
    details: { aborted: true },
  })
}
