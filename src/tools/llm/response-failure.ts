import { asRecord } from './provider-usage.ts'
import type { Redact } from './redact.ts'
import { failure, type ProviderError, type StreamErrorName } from './stream-error.ts'

/** What a provider says itself is cut at so many characters. */
const MAX_SAID_CHARS = 500

/** How a response failed, and what was said with it. */
interface FailedResponse {
  readonly status: number
  /** The body, as far as it was read. */
  readonly body: string
  readonly retryAfterMs: number | undefined
}

/** The error of a response that is none of success. */
export function describeResponse({ status, body, retryAfterMs }: FailedResponse, redact: Redact): ProviderError {
  const error = parseErrorBody(body)
  const said = describeSaid(error, redact)
  const providerCode = findProviderCode(error, redact)
  const name =
    status === 429 && NAMES_BY_CODE.get(providerCode) === 'INSUFFICIENT_QUOTA'
      ? 'INSUFFICIENT_QUOTA'
      : nameOfStatus(status)
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return failure(name, `The provider answered ${status}${redirect}${said}`, {
    retryAfterMs,
    details: { status, ...(providerCode !== undefined && { providerCode }) },
  })
}

/** The error of what a provider says within a stream or an answer that began well. */
export function describeSaidError(error: unknown, redact: Redact): ProviderError {
  const providerCode = findProviderCode(error, redact)
  const status = Number(providerCode)
  // A stream that began is the provider's to finish: what it does not explain is its own failure.
  const name =
    status >= 400 && status <= 599
      ? nameOfStatus(status)
      : (NAMES_BY_CODE.get(providerCode) ?? NAMES_BY_CODE.get(asRecord(error)?.['type']) ?? 'PROVIDER_UNAVAILABLE')
  return failure(name, `The provider ended the answer with an error${describeSaid(error, redact)}`, {
    details: providerCode === undefined ? {} : { providerCode },
  })
}

function nameOfStatus(status: number): StreamErrorName {
  if (status === 401 || status === 403) return 'AUTHENTICATION_FAILED'
  if (status === 402) return 'INSUFFICIENT_QUOTA'
  // RFC 9110, 15.5.9: the server gave up waiting. That is a time-out, and may be repeated.
  if (status === 408) return 'CONNECTION_TIMEOUT'
  if (status === 429) return 'PROVIDER_RATE_LIMIT'
  if (status >= 500 && status <= 599) return 'PROVIDER_UNAVAILABLE'
  if (status >= 400 && status <= 499) return 'INVALID_REQUEST'
  return 'PROVIDER_INVALID_RESPONSE'
}

/** What providers call their errors: OpenAI's codes and types, Anthropic's types. */
const NAMES_BY_CODE: ReadonlyMap<unknown, StreamErrorName> = new Map<unknown, StreamErrorName>([
  ['rate_limit_exceeded', 'PROVIDER_RATE_LIMIT'],
  ['rate_limit_error', 'PROVIDER_RATE_LIMIT'],
  ['insufficient_quota', 'INSUFFICIENT_QUOTA'],
  ['billing_error', 'INSUFFICIENT_QUOTA'],
  ['invalid_api_key', 'AUTHENTICATION_FAILED'],
  ['authentication_error', 'AUTHENTICATION_FAILED'],
  ['permission_error', 'AUTHENTICATION_FAILED'],
  ['invalid_request_error', 'INVALID_REQUEST'],
  ['context_length_exceeded', 'INVALID_REQUEST'],
  ['model_not_found', 'INVALID_REQUEST'],
  ['not_found_error', 'INVALID_REQUEST'],
  ['timeout', 'CONNECTION_TIMEOUT'],
  ['timeout_error', 'CONNECTION_TIMEOUT'],
])

/** The error in a body: `{"error": …}` of most, `[{"error": …}]` of some, the body itself of others. */
function parseErrorBody(body: string): unknown {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // A page of a proxy, or a body that was cut: the status says enough.
    return undefined
  }
  const object = asRecord(Array.isArray(parsed) ? parsed[0] : parsed)
  return object?.['error'] ?? object
}

function describeSaid(error: unknown, redact: Redact): string {
  const said = typeof error === 'string' ? error : asRecord(error)?.['message']
  if (typeof said !== 'string' || said.trim() === '') return ''
  const clean = redact(said.trim())
  return `: ${clean.length > MAX_SAID_CHARS ? `${clean.slice(0, MAX_SAID_CHARS - 1)}…` : clean}`
}

function findProviderCode(error: unknown, redact: Redact): string | undefined {
  const object = asRecord(error)
  for (const value of [object?.['code'], object?.['type']]) {
    if (typeof value === 'number' && Number.isFinite(value)) return String(value)
    if (typeof value === 'string' && value !== '') return redact(value).slice(0, 100)
  }
  return undefined
}
