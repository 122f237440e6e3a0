import { asRecord } from './provider-usage.ts'
import type { Redact } from '../redact.ts'
import { failure, type ProviderError, type StreamErrorName } from './stream-error.ts'
import { cutText, shortenText } from '../../text.ts'

/** Maximum length of a provider's quoted text, characters. */
const MAX_SAID_CHARS = 500

/** A failed response. */
interface FailedResponse {
  readonly status: number
  /** Its body, if that is an object. */
  readonly said: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterMs: number | undefined
}

/** The error of an unsuccessful response, classified by its status alone. */
export function describeResponse({ status, said, retryAfterMs }: FailedResponse, redact: Redact): ProviderError {
  // `{"error": …}` of most, the body itself of others.
  const error = said?.['error'] ?? said
  const providerCode = findProviderCode(error, redact)
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return failure(nameOfStatus(status), `The provider answered ${status}${redirect}${describeSaid(error, redact)}`, {
    retryAfterMs,
    details: { status, ...(providerCode !== undefined && { providerCode }) },
  })
}

/** The error that a provider reports within a started stream or an answer. */
export function describeSaidError(error: unknown, redact: Redact): ProviderError {
  const { code, status, type } = asRecord(error) ?? {}
  const providerCode = findProviderCode(error, redact)
  const said = [code, status].map(Number).find(number => number >= 400 && number <= 599)
  // An unexplained error in a started stream counts as the provider's failure.
  const name =
    said !== undefined
      ? nameOfStatus(said)
      : (findName(code) ?? findName(status) ?? findName(type) ?? 'PROVIDER_UNAVAILABLE')
  return failure(name, `The provider ended the answer with an error${describeSaid(error, redact)}`, {
    details: providerCode === undefined ? {} : { providerCode },
  })
}

/** Maps a status to its error name. */
function nameOfStatus(status: number): StreamErrorName {
  if (status === 401 || status === 403) return 'AUTHENTICATION_FAILED'
  if (status === 402) return 'INSUFFICIENT_QUOTA'
  if (status === 429) return 'PROVIDER_RATE_LIMIT'
  if (status >= 500 && status <= 599) return 'PROVIDER_UNAVAILABLE'
  if (status >= 400 && status <= 499) return 'INVALID_REQUEST'
  return 'PROVIDER_INVALID_RESPONSE'
}

/** Error names of providers: OpenAI's codes and types, Anthropic's types, Google's statuses. */
const NAMES: ReadonlyMap<string, StreamErrorName> = new Map<string, StreamErrorName>([
  ['rate_limit_exceeded', 'PROVIDER_RATE_LIMIT'],
  ['rate_limit_error', 'PROVIDER_RATE_LIMIT'],
  ['rate_limited', 'PROVIDER_RATE_LIMIT'],
  ['too_many_requests', 'PROVIDER_RATE_LIMIT'],
  ['resource_exhausted', 'PROVIDER_RATE_LIMIT'],
  ['insufficient_quota', 'INSUFFICIENT_QUOTA'],
  ['insufficient_credits', 'INSUFFICIENT_QUOTA'],
  ['payment_required', 'INSUFFICIENT_QUOTA'],
  ['billing_error', 'INSUFFICIENT_QUOTA'],
  ['invalid_api_key', 'AUTHENTICATION_FAILED'],
  ['authentication_error', 'AUTHENTICATION_FAILED'],
  ['unauthenticated', 'AUTHENTICATION_FAILED'],
  ['unauthorized', 'AUTHENTICATION_FAILED'],
  ['permission_error', 'AUTHENTICATION_FAILED'],
  ['permission_denied', 'AUTHENTICATION_FAILED'],
  ['forbidden', 'AUTHENTICATION_FAILED'],
  ['invalid_request_error', 'INVALID_REQUEST'],
  ['invalid_argument', 'INVALID_REQUEST'],
  ['bad_request', 'INVALID_REQUEST'],
  ['context_length_exceeded', 'INVALID_REQUEST'],
  ['model_not_found', 'INVALID_REQUEST'],
  ['not_found_error', 'INVALID_REQUEST'],
  ['timeout', 'CONNECTION_TIMEOUT'],
  ['timeout_error', 'CONNECTION_TIMEOUT'],
  ['deadline_exceeded', 'CONNECTION_TIMEOUT'],
])

function findName(called: unknown): StreamErrorName | undefined {
  return typeof called === 'string' ? NAMES.get(called.toLowerCase()) : undefined
}

/** The object in a body, or the first of a list; `undefined` for any other body. */
export function parseErrorBody(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    return asRecord(Array.isArray(parsed) ? parsed[0] : parsed)
  } catch {
    // A proxy's page or a truncated body: the status suffices.
    return undefined
  }
}

/** A provider's text without secrets, in one line, cut at 500 characters. */
export function quote(text: string, redact: Redact): string {
  const clean = redact(text)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return shortenText(clean, MAX_SAID_CHARS)
}

function describeSaid(error: unknown, redact: Redact): string {
  const said = findSaid(error).trim()
  return said === '' ? '' : `: ${quote(said, redact)}`
}

/** The text of an error: `message` of most, `detail` of FastAPI, which may list fields and problems. */
export function findSaid(error: unknown): string {
  if (typeof error === 'string') return error
  const { message, detail, msg, error: inner } = asRecord(error) ?? {}
  for (const said of [message, detail, msg, inner]) {
    if (typeof said === 'string' && said.trim() !== '') return said
    const listed = Array.isArray(said) ? said.map(describeField).filter(text => text !== '') : []
    if (listed.length > 0) return listed.join('; ')
    // Mistral has the list in an object, under the name of the message.
    const nested = asRecord(said) === undefined ? '' : findSaid(said)
    if (nested !== '') return nested
  }
  return ''
}

/** Without its `input`, which echoes the request. */
function describeField(field: unknown): string {
  if (typeof field === 'string') return field
  const { loc, msg } = asRecord(field) ?? {}
  const place = Array.isArray(loc) ? loc.filter(part => part !== 'body').join('.') : ''
  return [place, msg].filter(part => typeof part === 'string' && part !== '').join(': ')
}

function findProviderCode(error: unknown, redact: Redact): string | undefined {
  const object = asRecord(error)
  for (const value of [object?.['code'], object?.['status'], object?.['type']]) {
    if (typeof value === 'number' && Number.isFinite(value)) return String(value)
    if (typeof value === 'string' && value !== '') return cutText(redact(value), 100)
  }
  return undefined
}
