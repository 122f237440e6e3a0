import { type Dispatcher, request as dispatch } from 'undici'
import { parseRetryAfter } from '../../client/transport.ts'
import { dispatchAbortably } from './connect/abortable-connector.ts'
import { decodeHeader, decodeLocation } from './decode-header.ts'
import { Deadline } from './deadline.ts'
import { decodeBody, decodeTextBody } from './body/decode-body.ts'
import { toHttpToolError } from './describe-failure.ts'
import type { HostLimits } from './host-limits.ts'
import { hostOf, type HostRule, matchesRule, namesAddress } from './host-rules.ts'
import type { HttpSettings } from './http-options.ts'
import type { HttpResponse } from './http-request.ts'
import { HttpToolError } from './http-tool-error.ts'
import type { PreparedRequest } from './prepare-request.ts'
import { readBeginning, readBody } from './body/read-body.ts'
import { findRedirect } from './redirect.ts'
import { SentSecrets } from './secrets.ts'
import { shortenText } from '../../text.ts'

/** State shared by the requests of one set of tools. */
export interface HttpSession {
  readonly settings: HttpSettings
  readonly dispatcher: Dispatcher
  readonly limits: HostLimits
}

/** A response whose body has not been read. */
type Answer = Dispatcher.ResponseData

/** Maximum silence of a server if nothing else bounds the request, ms. */
const MAX_SILENCE_MS = 300_000

/** Part of an error response's body that is read, bytes, and quoted, characters. */
const BEGINNING_BYTES = 4096
const BEGINNING_LENGTH = 200

/** Maximum wait for that part, ms: the status is already known. */
const BEGINNING_MS = 1000

/** Maximum part of a redirect's body that is drained so that its connection can be reused, bytes. */
const REDIRECT_BODY_BYTES = 16 * 1024

/** RFC 9110, 15.5.9 and 15.6; RFC 6585, 4; RFC 8470, 5.2: the same request may succeed later. */
const RETRYABLE = new Set([408, 425, 429])

/**
 * Sends a request and follows its redirects.
 * @throws `HttpToolError`, or the signal's reason
 */
export async function sendRequest(
  first: PreparedRequest,
  session: HttpSession,
  outer: AbortSignal,
): Promise<HttpResponse> {
  const { settings, limits } = session
  const deadline = new Deadline(settings.clock, outer)
  const timeoutMs = first.timeoutMs ?? settings.timeoutMs
  const secrets = new SentSecrets()
  let request = first
  try {
    for (let redirectCount = 0; ; redirectCount++) {
      const { what } = request
      checkHost(request.url, settings, what)
      const release = await limits.acquire(hostOf(request.url), deadline.signal)
      if (timeoutMs !== undefined) deadline.start(timeoutMs, what)
      try {
        const next = await exchange(request, session, secrets, deadline.signal, timeoutMs)
        if (!('url' in next)) return next
        if (redirectCount === settings.maxRedirects) {
          throw new HttpToolError('HTTP_REDIRECT', `${what} was redirected more than ${redirectCount} times`)
        }
        request = next
      } catch (error) {
        // After an abort, its reason takes precedence over the failures that it causes.
        if (deadline.signal.aborted) throw deadline.signal.reason
        throw toHttpToolError(error, what)
      } finally {
        release()
      }
    }
  } finally {
    deadline.stop()
  }
}

/** Sends one request. @returns its response, or the request of its redirect */
async function exchange(
  request: PreparedRequest,
  { settings, dispatcher }: HttpSession,
  secrets: SentSecrets,
  signal: AbortSignal,
  timeoutMs = MAX_SILENCE_MS,
): Promise<HttpResponse | PreparedRequest> {
  const { method, url, body } = request
  const headers = completeHeaders(request, settings)
  secrets.add({ headers, url, body })
  const answer = await dispatchAbortably(signal, () =>
    dispatch(url, {
      dispatcher,
      method,
      headers: Object.fromEntries(headers),
      ...(body && { body }),
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    }),
  )
  // Destroying a body emits an error, possibly without another listener.
  answer.body.on('error', () => {})
  const isAccepted = request.accepts(answer.statusCode)
  const redirect = isAccepted ? undefined : findRedirect(request, answer.statusCode, readLocation(answer), secrets)
  if (redirect !== undefined) {
    await answer.body.dump({ limit: REDIRECT_BODY_BYTES, signal })
    return redirect
  }
  if (isAccepted || (answer.statusCode >= 200 && answer.statusCode <= 299)) {
    return readAnswer(request, answer, settings.maxResponseBytes)
  }
  return refuseStatus(request, answer, secrets, settings)
}

function checkHost(url: URL, { allowedHosts }: HttpSettings, what: string): void {
  if (allowedHosts === undefined || allowedHosts.some(rule => matchesRule(rule, url))) return
  throw new HttpToolError('HTTP_HOST_NOT_ALLOWED', `${what} goes to a host that is not in \`allowedHosts\``)
}

/** Limits a key to the intended service: without a port that is https, unless the host is an address. */
function isMeantFor(rule: HostRule, url: URL): boolean {
  const isPlain = url.protocol !== 'https:' || url.port !== ''
  return matchesRule(rule, url) && (rule.port !== undefined || !isPlain || namesAddress(rule))
}

function completeHeaders({ headers, url }: PreparedRequest, { hostHeaders }: HttpSettings): Map<string, string> {
  const all = new Map([['accept', '*/*'], ['accept-encoding', 'gzip, br'], ['user-agent', 'dagstream'], ...headers])
  for (const { rule, headers: own } of hostHeaders) {
    if (isMeantFor(rule, url)) for (const [name, value] of own) all.set(name, value)
  }
  return all
}

async function readAnswer(request: PreparedRequest, answer: Answer, maxBytes: number): Promise<HttpResponse> {
  const { statusCode: status, body } = answer
  const { method, what } = request
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304
  if (hasBody && Number(readHeader(answer, 'content-length')) > maxBytes) {
    body.destroy()
    throw new HttpToolError('HTTP_RESPONSE_TOO_LARGE', `${what}: the answer is larger than ${maxBytes} bytes`)
  }
  const bytes = await readBody(body, hasBody ? readHeader(answer, 'content-encoding') : '', maxBytes)
  const headers = Object.keys(answer.headers)
    // Events would expose a session's cookie.
    .filter(name => !/^set-cookie2?$/.test(name))
    .map(name => [name, readHeader(answer, name)] as const)
  const decode = request.as === 'text' ? decodeTextBody : decodeBody
  const decoded = decode(bytes, readHeader(answer, 'content-type'))
  if (decoded === undefined) {
    throw new HttpToolError('HTTP_INVALID_RESPONSE', `${what}: the answer is not text, which \`as\` requires`)
  }
  return { status, headers: Object.fromEntries(headers), ...decoded }
}

async function refuseStatus(
  { what }: PreparedRequest,
  answer: Answer,
  secrets: SentSecrets,
  { clock }: HttpSettings,
): Promise<never> {
  const { statusCode: status } = answer
  const stopTimer = clock.after(BEGINNING_MS, () => answer.body.destroy())
  const bytes = await readBeginning(answer.body, readHeader(answer, 'content-encoding'), BEGINNING_BYTES)
  stopTimer()
  const text = describeBody(bytes, readHeader(answer, 'content-type'), secrets)
  const message = `${what} was answered with ${status}${text === '' ? '' : `: ${text}`}`
  const retryable = RETRYABLE.has(status) || status >= 500
  const retryAfterMs = retryable ? parseRetryAfter(readHeader(answer, 'retry-after'), clock) : undefined
  throw new HttpToolError('HTTP_STATUS', message, { status, retryable, retryAfterMs })
}

/** The beginning of a text body, in one line, without secrets; empty for other bodies. */
function describeBody(bytes: Uint8Array, contentType: string, secrets: SentSecrets): string {
  // JSON is quoted as text: its truncated beginning does not parse.
  const { body, bodyType } = decodeBody(bytes, contentType.replace(/^[^;]*json\b/i, 'text/plain'))
  if (bodyType !== 'text') return ''
  const text = secrets
    .redact(body as string)
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim()
  return shortenText(text, BEGINNING_LENGTH)
}

function readLocation({ headers }: Answer): string {
  const { location = '' } = headers
  // RFC 9110, 10.2.2: `Location` is a single value. Of several the first counts, as in browsers.
  return decodeLocation(typeof location === 'string' ? location : (location[0] ?? ''))
}

function readHeader({ headers }: Answer, name: string): string {
  const value = headers[name] ?? ''
  return decodeHeader(typeof value === 'string' ? value : value.join(', '))
}
