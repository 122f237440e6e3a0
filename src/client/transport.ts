import type { Clock } from '../clock.ts'
import { DagstreamError, describeValue, invalidOption } from '../errors.ts'
import { onAbort } from '../execute/abort-signals.ts'
import { HttpError, readField, UnusableResponseError } from './failures.ts'
import { Reply } from './reply.ts'
import { Waiting } from './waiting.ts'
import { cutText } from '../text.ts'

/** What requests are sent with: `globalThis.fetch`, or a handler in this process. */
export type Fetch = (request: Request) => Promise<Response>

/** Headers of the caller's own, asked for anew for each request, since tokens expire. */
export type HeadersSource = HeadersInit | (() => HeadersInit | Promise<HeadersInit>)

/** How a server is reached. */
export interface TransportOptions {
  /** Ends in a slash. */
  readonly baseUrl: string
  readonly fetch: Fetch
  readonly headers: HeadersSource
  readonly clock: Clock
  /** A connection that is silent for so long counts as lost, ms. */
  readonly idleTimeoutMs: number
}

/** One request. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Relative to the server's base, without a slash before it. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Gives up the request, and its answer. */
  readonly signal?: AbortSignal
  /** Gives up the request alone: not heeded any more once there are headers. */
  readonly untilAnswered?: AbortSignal
}

/** The most that is read of an error's body, bytes: 100 issues fit. */
const MAX_PROBLEM_BYTES = 1024 * 1024

/** Sends requests and tells errors from answers. Repeats nothing. */
export class Transport {
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /**
   * Sends a request. Resolves once the headers of a 2xx are there.
   * @throws DagstreamError `HTTP_ERROR` with `status` and what the problem said, for every other status, redirects included:
   * following one would take the caller's headers to another place. Otherwise what `fetch` and the caller's functions throw
   */
  async send({ method, path, headers, body, signal, untilAnswered }: Outgoing): Promise<Reply> {
    const { baseUrl, fetch, clock, idleTimeoutMs } = this.#options
    const waiting = new Waiting(clock, signal)
    const stopListening = untilAnswered && onAbort(untilAnswered, () => waiting.end(untilAnswered.reason))
    try {
      const all = new Headers(await waiting.for(this.#askHeaders()))
      for (const [name, value] of Object.entries(headers)) all.set(name, value)
      const request = new Request(new URL(path, baseUrl), {
        method,
        headers: all,
        redirect: 'manual',
        signal: waiting.signal,
        ...(body !== undefined && { body }),
      })
      const answering = (async () => await fetch(request))()
      const response = await waiting.for(answering, idleTimeoutMs).catch((error: unknown) => {
        // An answer that comes too late is let go of.
        void answering.then(late => late.body?.cancel?.()).catch(() => {})
        throw error
      })
      stopListening?.()
      const reply = new Reply(response, waiting, idleTimeoutMs)
      if (response.ok) return reply
      throw await describeError(reply, `${method} /${path}`, clock)
    } catch (error) {
      const reason: unknown = signal?.aborted ? signal.reason : error
      stopListening?.()
      waiting.end(reason)
      throw reason
    }
  }

  async #askHeaders(): Promise<HeadersInit> {
    const { headers } = this.#options
    return typeof headers === 'function' ? await headers() : headers
  }
}

/** The base that paths are relative to. @throws `INVALID_OPTION`, whose message shows no secret */
export function parseBaseUrl(url: unknown): string {
  let base: URL
  try {
    // In a page a path is enough.
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

/** What is given is never repeated: a misread URL shows as a fragment of itself, and may hold a secret. */
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
  // What the server's log has it under.
  const place = typeof reference === 'string' ? ` (reference ${cutText(reference, 100)})` : ''
  const message = `${what} was answered with ${[status, ...told].join(': ')}${place}`
  return new HttpError(status, message, details, parseRetryAfter(headers.get('retry-after'), clock))
}

/** What a problem (RFC 9457) says that a program may want to know; nothing of any other body. */
async function readProblem(reply: Reply): Promise<Record<string, unknown>> {
  if (!/^application\/(?:problem\+)?json\b/i.test(reply.response.headers.get('content-type') ?? '')) {
    reply.close()
    return {}
  }
  let problem: unknown
  try {
    problem = await reply.json(MAX_PROBLEM_BYTES)
  } catch {
    // The status is the error; a body that fails on top of it changes nothing.
    return {}
  }
  const found: Record<string, unknown> = {}
  for (const name of ['title', 'detail', 'code', 'reference']) {
    const text = readField(problem, name)
    if (typeof text === 'string') found[name] = text
  }
  const issues = readField(problem, 'issues')
  if (Array.isArray(issues)) found['issues'] = issues
  const issueCount = readField(problem, 'issueCount')
  if (typeof issueCount === 'number') found['issueCount'] = issueCount
  return found
}

/** RFC 9110, 10.2.3: a number of seconds, which some servers give a fraction, or a date. */
export function parseRetryAfter(value: string | null, clock: Clock): number | undefined {
  const text = value?.trim() ?? ''
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return Math.round(Number(text) * 1000)
  const date = Date.parse(text)
  // `Date.parse` takes much that is no HTTP-date; all of those begin with the name of a day.
  return /^[A-Z][a-z]{2,8},? /.test(text) && !Number.isNaN(date) ? Math.max(0, date - clock.wallTime()) : undefined
}
