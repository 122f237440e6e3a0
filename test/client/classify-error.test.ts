import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/errors.ts'
import { isRetryable } from '../../src/client/classify-error.ts'
import {
  ConnectionLostError,
  HttpError,
  StreamInterruptedError,
  UnusableResponseError,
} from '../../src/client/failures.ts'

const withCode = (code: string, message = code): Error => Object.assign(new Error(message), { code })
const fetchFailed = (code: string, message?: string): Error =>
  new TypeError('fetch failed', { cause: withCode(code, message) })
const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })

test.each([
  // Node and undici. Those that its own fetch throws are had from it in network-errors.test.ts.
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].map(
    code => fetchFailed(code),
  ),
  ...['UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'].map(code =>
    fetchFailed(code),
  ),
  new TypeError('fetch failed'),
  new TypeError('terminated', { cause: withCode('UND_ERR_SOCKET', 'other side closed') }),
  new TypeError('terminated', { cause: withCode('UND_ERR_BODY_TIMEOUT', 'Body Timeout Error') }),
  new TypeError('terminated'),
  new TypeError('fetch failed', { cause: new AggregateError([withCode('ECONNREFUSED')], 'connect failed') }),
  withCode('ECONNRESET', 'socket hang up'),
  new Error('socket hang up'),
  new Error('other side closed'),
  // Chromium.
  new TypeError('Failed to fetch'),
  new TypeError('Failed to fetch (server.example)'),
  new TypeError('network error'),
  new Error('net::ERR_INCOMPLETE_CHUNKED_ENCODING'),
  new DOMException('A network error occurred.', 'NetworkError'),
  // Firefox.
  new TypeError('NetworkError when attempting to fetch resource.'),
  new TypeError('Error in input stream'),
  // Safari.
  new TypeError('Load failed'),
  new TypeError('Load failed (server.example)'),
  new TypeError('The network connection was lost.'),
  new TypeError('The Internet connection appears to be offline.'),
  new TypeError('The request timed out.'),
  new TypeError('Could not connect to the server.'),
  // React Native.
  new TypeError('Network request failed'),
  new TypeError('Network request timed out'),
  new TypeError('Network request failed: the host could not be resolved'),
  // workerd.
  new Error('Network connection lost.'),
  // Bun.
  withCode('ConnectionRefused', 'Unable to connect. Is the computer able to access the url?'),
  withCode('ConnectionClosed', 'The socket connection was closed unexpectedly.'),
  withCode('ECONNRESET', 'The socket connection was closed unexpectedly.'),
  withCode('FailedToOpenSocket', 'Was there a typo in the url or port?'),
  // Deno.
  new TypeError('error sending request for url (http://127.0.0.1:8321/executions)'),
  new TypeError('error sending request from 127.0.0.1:50000 for http://127.0.0.1:8321/ (127.0.0.1:8321)'),
  new TypeError('error reading a body from connection'),
  new TypeError('error reading a body from connection: connection reset'),
  named('ConnectionReset', 'Connection reset by peer (os error 104)'),
  new TypeError('connection closed before message completed'),
  // A name, not what happened.
  fetchFailed('ENOTFOUND', 'getaddrinfo ENOTFOUND redirect.example.com'),
  // Time-outs.
  new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
  new StreamInterruptedError('The server was silent for 30000 ms'),
  // HTTP.
  ...[429, 500, 501, 502, 503, 504, 505, 520, 599].map(status => new HttpError(status, 'no', {})),
  { status: 503 },
  { details: { status: 429 } },
  // A value of the error itself takes precedence.
  Object.assign(new Error('x is not a function'), { retryable: true }),
  { code: 1002, message: 'lost', retryable: true },
  new Error('something', { cause: new Error('else', { cause: withCode('ECONNRESET') }) }),
  // A reader in this very process.
  new DagstreamError('READER_STALLED', 'took nothing'),
])('is retried: %s', error => {
  expect(isRetryable(error)).toBe(true)
})

const cyclic = new Error('round')
cyclic.cause = new Error('and round', { cause: cyclic })
let deep: Error = withCode('ECONNRESET')
for (let depth = 0; depth < 20; depth++) deep = new Error('outer', { cause: deep })
test.each([
  // Programming.
  new TypeError("Cannot read properties of undefined (reading 'fetch')"),
  new TypeError('x is not a function'),
  new TypeError('undefined is not an object (evaluating "a.b")'),
  new TypeError('Failed to construct "Request": Invalid URL'),
  new TypeError('Failed to fetch dynamically imported module: https://page.example/a.js'),
  new ReferenceError('terminated is not defined'),
  new Error('My Network request failed to be built'),
  new Error('Network request failedToken is unknown'),
  new RangeError('Maximum call stack size exceeded'),
  new SyntaxError('Unexpected end of JSON input'),
  new Error('no'),
  // Aborts.
  new DOMException('This operation was aborted', 'AbortError'),
  named('AbortError', 'The operation was aborted.'),
  new TypeError('fetch failed', { cause: new DOMException('This operation was aborted', 'AbortError') }),
  // Failures that another connection would not resolve.
  fetchFailed('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
  fetchFailed('CERT_HAS_EXPIRED', 'certificate has expired'),
  fetchFailed('ERR_TLS_CERT_ALTNAME_INVALID'),
  new TypeError('fetch failed', { cause: new Error('bad port') }),
  new TypeError('fetch failed', { cause: new Error('unexpected redirect') }),
  new TypeError('fetch failed', { cause: new Error('unknown scheme') }),
  new TypeError('error sending request for url (https://server/): invalid peer certificate: UnknownIssuer'),
  // HTTP.
  ...[400, 401, 403, 404, 408, 409, 422, 499].map(status => new HttpError(status, 'no', {})),
  { status: 404 },
  new UnusableResponseError(503, 'a page', {}),
  // A value of the error itself takes precedence.
  Object.assign(new TypeError('fetch failed'), { retryable: false }),
  { status: 503, retryable: false },
  new ConnectionLostError('gone', 11, new HttpError(503, 'no', {})),
  // dagstream's own, whatever caused them.
  new DagstreamError('INVALID_SSE', 'too long', { cause: new TypeError('terminated') }),
  // Values that are not errors.
  undefined,
  null,
  'fetch failed',
  503,
  {},
  { status: '503' },
  cyclic,
  deep,
])('is thrown as it is: %s', error => {
  expect(isRetryable(error)).toBe(false)
})

test('an error that cannot be read is thrown as it is', () => {
  const hostile = new Proxy(new Error('hostile'), {
    get() {
      throw new Error('no')
    },
  })
  expect(isRetryable(hostile)).toBe(false)
})
