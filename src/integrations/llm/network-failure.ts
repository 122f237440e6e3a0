import { readField } from '../../client/failures.ts'
import { ProxyError } from '../proxy.ts'
import { failure, ProviderError } from './stream-error.ts'

/** Maximum depth of the `cause` chain. */
const MAX_DEPTH = 8

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  // Bun's.
  'ConnectionTimeout',
  'Timeout',
])

/** Readable text for system error codes. */
const SENTENCES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the connection was refused'],
  ['ECONNRESET', 'the connection was reset'],
  ['ENOTFOUND', 'there is no such host'],
  ['EAI_AGAIN', 'the name of the host could not be looked up'],
  ['UND_ERR_SOCKET', 'the other side closed the connection'],
])

/**
 * The error of a failed connection, before or after the headers. The thrown error is not quoted: it may contain headers and
 * full URLs.
 */
export function describeNetworkFailure(thrown: unknown, host: string, hasHeaders: boolean): ProviderError {
  if (thrown instanceof ProviderError) return thrown
  const proxy = findProxyError(thrown)
  if (proxy !== undefined) return describeProxyFailure(proxy, host)
  const code = findCode(thrown)
  const details = code === undefined ? {} : { networkCode: code }
  const how = code === undefined ? undefined : (SENTENCES.get(code) ?? code)
  const why = how === undefined ? '' : `: ${how}`
  if ((code !== undefined && TIMEOUT_CODES.has(code)) || readField(thrown, 'name') === 'TimeoutError') {
    return failure('CONNECTION_TIMEOUT', `The connection to \`${host}\` timed out${why}`, { details })
  }
  if (!hasHeaders) return failure('NETWORK_ERROR', `Could not get an answer from \`${host}\`${why}`, { details })
  // The body does not match its declared compression.
  if (code !== undefined && /^(?:Z_|ERR__?(?:BROTLI|ZLIB|ZSTD))/.test(code)) {
    return failure('PROVIDER_INVALID_RESPONSE', `The answer of \`${host}\` could not be decompressed`, { details })
  }
  return failure('CONNECTION_LOST', `The connection to \`${host}\` was lost${why}`, { details })
}

/** The innermost code in the error's `cause` chain. */
function findCode(thrown: unknown): string | undefined {
  let found: string | undefined
  let at = thrown
  for (let depth = 0; depth < MAX_DEPTH && at !== undefined && at !== null; depth++) {
    const code = readField(at, 'code')
    if (typeof code === 'string' && /^\w{1,60}$/.test(code)) found = code
    at = readField(at, 'cause')
  }
  return found
}

function findProxyError(thrown: unknown): ProxyError | undefined {
  let at = thrown
  for (let depth = 0; depth < MAX_DEPTH && at !== undefined && at !== null; depth++) {
    if (at instanceof ProxyError) return at
    at = readField(at, 'cause')
  }
  return undefined
}

/** The message names the proxy's host but no credentials. */
function describeProxyFailure({ message, failure: facts }: ProxyError, host: string): ProviderError {
  const name = facts.code === 'PROXY_TIMEOUT' ? 'CONNECTION_TIMEOUT' : 'NETWORK_ERROR'
  const { code, proxyHost, status, networkCode } = facts
  const details = {
    networkCode: networkCode ?? code,
    ...(proxyHost !== undefined && { proxy: proxyHost }),
    ...(status !== undefined && { proxyStatus: status }),
  }
  return failure(name, `Could not get an answer from \`${host}\`: ${message}`, { details })
}
