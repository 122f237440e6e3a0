import type { Clock } from '../clock.ts'
import { DagstreamError, describeValue, invalidOption } from '../errors.ts'
import { onAbort } from '../abort-signals.ts'
import { HttpError, readField, UnusableResponseError } from './failures.ts'
import { Reply } from './reply.ts'
import { AbortScope } from './abort-scope.ts'
import { cutText } from '../text.ts'

/** The function that sends requests: `globalThis.fetch`, or a handler in this process. */
export type Fetch = (request: Request) => Promise<Response>

/** The caller's headers. A function is called for each request, since tokens expire. */
export type HeadersSource = HeadersInit | (() => HeadersInit | Promise<HeadersInit>)

/** Options of a transport. */
export interface TransportOptions {
  /** Ends in a slash. */
  readonly baseUrl: string
  readonly fetch: Fetch
  readonly headers: HeadersSource
  readonly clock: Clock
  /** Silence after which a connection counts as lost, ms. */
  readonly idleTimeoutMs: number
}

/** One request. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Relative to the base URL, without a leading slash. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** A stream is sent while the response arrives, where the runtime can do that. */
  readonly body?: string | ReadableStream<Uint8Array>
  /** Aborts the request and its response. */
  readonly signal?: AbortSignal
  /** Aborts the request alone: ignored once the headers have arrived. */
  readonly untilAnswered?: AbortSignal
}

/** Maximum size of an error body, bytes: 100 issues fit. */
const MAX_PROBLEM_BYTES = 1024 * 1024

/** Sends requests and turns error responses into errors. Does not retry. */
export class Transport {
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /**
   * Sends a request. Resolves once the headers of a 2xx have arrived.
   * @throws DagstreamError `HTTP_ERROR` with `status` and the problem's fields, for every other status. Redirects are included:
   * following one would send the caller's headers to another host. Otherwise any error of `fetch` and of the caller's functions
   */
  async send({ method, path, headers, body, signal, untilAnswered }: Outgoing): Promise<Reply> {
    const { baseUrl, fetch, clock, idleTimeoutMs } = this.#options
    const scope = new AbortScope(clock, signal)
    const stopListening = untilAnswered && onAbort(untilAnswered, () => scope.end(untilAnswered.reason))
    try {
      const all = new Headers(await scope.for(this.#askHeaders()))
      for (const [name, value] of Object.entries(headers)) all.set(name, value)
      const request = new Request(new URL(path, baseUrl), {
        method,
        headers: all,
        redirect: 'manual',
        signal: scope.signal,
        ...(body !== undefined && { body }),
        // The DOM types do not have it.
        ...(typeof body === 'object' && { duplex: 'half' }),
      } as RequestInit)
      const answering = (async () => await fetch(request))()
      const response = await scope.for(answering, idleTimeoutMs).catch((error: unknown) => {
        // Releases a response that arrives after the abort.
        void answering.then(late => late.body?.cancel?.()).catch(() => {})
        throw error
      })
      stopListening?.()
      const reply = new Reply(response, scope, idleTimeoutMs)
      if (response.ok) return reply
      throw await describeError(reply, `${method} /${path}`, clock)
    } catch (error) {
      const reason: unknown = signal?.aborted ? signal.reason : error
      stopListening?.()
      scope.end(reason)
      throw reason
    }
  }

  async #askHeaders(): Promise<HeadersInit> {
    const { headers } = this.#options
    return typeof headers === 'function' ? await headers() : headers
  }
}

/** Parses the base URL of all paths. @throws `INVALID_OPTION`, whose message contains no secret */
export function parseBaseUrl(url: unknown): string {
  let base: URL
  try {
    // In a browser page a path is enough.
    base = new URL(url as string | URL, readField(readField(globalThis, 'location'), 'href') as string | undefined)
  } catch {
    throw refuseUrl(url)
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:') throw refuseUrl(url)
  if (base.username || base.password || base.search || base.hash) {
    const expected = 'without credentials, query and fragment: secrets belong in `headers`'
    throw invalidOption('url', expected, base.origin)
  }
  return base.href.endsWith('/') ? base.href : `${base.href}/`
}

/** The value is never quoted: a malformed URL may contain a secret. */
function refuseUrl(url: unknown): DagstreamError {
  const expected =
    typeof url === 'string' && /^https?:\/\//i.test(url)
      ? 'to have a host, and a port from 0 to 65535 if any'
      : 'to begin with `http://` or `https://`; a path alone works only in a page'
  const found = typeof url === 'string' || url instanceof URL ? '' : `; got ${describeValue(url)}`
  return new DagstreamError('INVALID_OPTION', `Expected \`url\` ${expected}${found}`, {
    details: { option: 'url', expected },
  })
}

async function describeError(reply: Reply, what: string, clock: Clock): Promise<HttpError> {
  const { status, headers, type } = reply.response
  if (type === 'opaqueredirect' || (status >= 300 && status <= 399)) {
    reply.close()
    return new UnusableResponseError(status, `${what} was redirected: give the \`url\` that it leads to`, {})
  }
  const details = await readProblem(reply)
  const { title, detail, reference } = details
  const told = [title, detail].flatMap(text => (typeof text === 'string' ? [cutText(text, 300)] : []))
  // The reference of the server's log entry.
  const place = typeof reference === 'string' ? ` (reference ${cutText(reference, 100)})` : ''
  const message = `${what} was answered with ${[status, ...told].join(': ')}${place}`
  return new HttpError(status, message, details, parseRetryAfter(headers.get('retry-after'), clock))
}

/** The machine-readable fields of a problem (RFC 9457); empty for any other body. */
async function readProblem(reply: Reply): Promise<Record<string, unknown>> {
  if (!/^application\/(?:problem\+)?json\b/i.test(reply.response.headers.get('content-type') ?? '')) {
    reply.close()
    return {}
  }
  let problem: unknown
  try {
    problem = await reply.json(MAX_PROBLEM_BYTES)
  } catch {
    // The status is the error; a failure of the body does not replace it.
    return {}
  }
  const found: Record<string, unknown> = {}
  for (const name of ['title', 'detail', 'code', 'reference']) {
    const text = readField(problem, name)
    if (typeof text === 'string') found[name] = text
  }
  const issues = readField(problem, 'issues')
  if (Array.isArray(issues)) found['issues'] = issues
  for (const name of ['issueCount', 'planLine']) {
    const count = readField(problem, name)
    if (typeof count === 'number') found[name] = count
  }
  return found
}

/** RFC 9110, 10.2.3: a number of seconds, with a fraction from some servers, or a date. */
export function parseRetryAfter(value: string | null, clock: Clock): number | undefined {
  const text = value?.trim() ?? ''
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return Math.round(Number(text) * 1000)
  const date = Date.parse(text)
  // `Date.parse` accepts much that is not an HTTP-date; every HTTP-date begins with the name of a day.
  return /^[A-Z][a-z]{2,8},? /.test(text) && !Number.isNaN(date) ? Math.max(0, date - clock.wallTime()) : undefined
}
