import { DagstreamError, type DagstreamErrorCode } from '../errors.ts'
import { findStatus, readField } from './failures.ts'

/** Maximum depth of the `cause` chain. */
const MAX_DEPTH = 8

/**
 * Whether another connection may succeed where this one failed.
 *
 * Runtimes agree on no code and no class for a lost network, so the rules list the errors they throw. From the outside in,
 * through `cause`: `retryable` decides; an HTTP status decides (429 and 5xx: yes, unless the problem's code is permanent); an
 * abort decides: no. A known network error is retryable unless its cause is permanent: a bad certificate, a forbidden port.
 * Everything else, so every programming error, is not.
 */
export function isRetryable(error: unknown): boolean {
  const seen = new Set<unknown>()
  let isNetwork = false
  for (let at = error; isObject(at) && !seen.has(at) && seen.size < MAX_DEPTH; at = readField(at, 'cause')) {
    seen.add(at)
    const verdict = judge(at)
    if (verdict === 'yes' || verdict === 'no') return verdict === 'yes'
    if (verdict === 'network') isNetwork = true
  }
  return isNetwork
}

type Verdict = 'yes' | 'no' | 'network' | undefined

function judge(error: object): Verdict {
  const retryable = readField(error, 'retryable')
  if (typeof retryable === 'boolean') return retryable ? 'yes' : 'no'
  const status = findStatus(error)
  if (status !== undefined) {
    const code = readField(readField(error, 'details'), 'code')
    if (PASSING_PROBLEMS.has(code)) return 'yes'
    return isRetryableStatus(status) && !LASTING_PROBLEMS.has(code) ? 'yes' : 'no'
  }
  // The thrower has already classified its cause.
  if (error instanceof DagstreamError) return RETRYABLE_CODES.has(error.code) ? 'yes' : 'no'
  const name = readField(error, 'name')
  if (name === 'AbortError') return 'no'
  if (name === 'TimeoutError') return 'yes'
  const code = readField(error, 'code')
  const message = readField(error, 'message')
  const text = typeof message === 'string' ? message : ''
  if ((typeof code === 'string' && HOPELESS_CODE.test(code)) || HOPELESS_MESSAGE.test(text)) return 'no'
  if (typeof code === 'string' && NETWORK_CODES.has(code)) return 'network'
  if (typeof name === 'string' && NETWORK_NAMES.has(name)) return 'network'
  return NETWORK_MESSAGE.test(text) ? 'network' : undefined
}

/** 429 and 5xx: a gateway answers with any of these while its server is unavailable. */
export function isRetryableStatus(status: number): boolean {
  return status === 429 || (status >= 500 && status <= 599)
}

/**
 * Problem codes that are reported at once although their status is transient: unavailable tools usually mean a misconfigured
 * server, and the caller should learn of it.
 */
const LASTING_PROBLEMS: ReadonlySet<unknown> = new Set<DagstreamErrorCode>(['TOOLS_UNAVAILABLE'])

/** Problem codes of plans that pass although their status does not: an older connection ends, a balancer chooses another server. */
const PASSING_PROBLEMS: ReadonlySet<unknown> = new Set<DagstreamErrorCode>(['PLAN_BUSY', 'PLAN_ELSEWHERE'])

/** Failures of a response body of a server in this process, where a socket would break instead. */
const RETRYABLE_CODES: ReadonlySet<DagstreamErrorCode> = new Set<DagstreamErrorCode>([
  'READER_STALLED',
  'READER_OVERFLOWED',
  'STREAM_CLOSED',
])

const NETWORK_CODES: ReadonlySet<string> = new Set([
  // Node and its undici, the same names in Bun and Deno.
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_GOAWAY_SESSION',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INFO',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'HPE_INVALID_EOF_STATE',
  // Bun.
  'ConnectionRefused',
  'ConnectionClosed',
  'ConnectionReset',
  'ConnectionTimeout',
  'FailedToOpenSocket',
  'UnexpectedEOF',
  'Timeout',
])

const NETWORK_NAMES: ReadonlySet<string> = new Set([
  // A DOMException.
  'NetworkError',
  // Deno.
  'ConnectionRefused',
  'ConnectionReset',
  'ConnectionAborted',
  'BrokenPipe',
  'TimedOut',
  'UnexpectedEof',
  // undici.
  'SocketError',
  'ConnectTimeoutError',
  'HeadersTimeoutError',
  'BodyTimeoutError',
])

/** Messages of network errors; anchored at both ends where a programming error could contain the text. */
const NETWORK_MESSAGE: RegExp = new RegExp(
  [
    // Node and its undici: before headers, after them.
    '^fetch failed$',
    '^terminated$',
    'other side closed',
    '^socket hang up$',
    // Chromium: before headers, after them.
    '^Failed to fetch(?: \\(|$)',
    '^network error$',
    'net::ERR_(?:CONNECTION|NETWORK|INTERNET|NAME|TIMED|SOCKET|HTTP2|QUIC|INCOMPLETE|ADDRESS|EMPTY)',
    // Firefox.
    '^NetworkError when attempting to fetch resource',
    '^Error in input stream$',
    // Safari.
    '^Load failed(?: \\(|$)',
    '^The network connection was lost',
    '^The Internet connection appears to be offline',
    '^The request timed out',
    '^Could not connect to the server',
    '^A server with the specified hostname could not be found',
    // React Native.
    '^Network request (?:failed|timed out)(?:$|:)',
    // workerd.
    '^Network connection lost',
    // Bun.
    '^Unable to connect\\. Is the computer able to access the url',
    '^The socket connection was closed unexpectedly',
    // Deno.
    '^error sending request\\b',
    'error reading a body from connection',
    'connection reset',
    'connection closed before message completed',
    'error trying to connect',
  ].join('|'),
  'i',
)

/** Certificate errors are permanent, and a retry would hide them. */
const HOPELESS_CODE =
  /^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_INVALID_|ERR_SSL_|UND_ERR_INVALID_ARG)/

const HOPELESS_MESSAGE: RegExp = new RegExp(
  [
    'invalid peer certificate',
    '^bad port$',
    '^unknown scheme$',
    '^unexpected redirect$',
    '^redirect count exceeded$',
    '^URL scheme must be',
    '^Failed to parse URL',
  ].join('|'),
  'i',
)

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
