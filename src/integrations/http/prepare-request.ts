import { stringifyJson } from '../../json/stringify-json.ts'
import { describeRequest, HttpToolError } from './http-tool-error.ts'
import type { HttpBody, HttpRequest, QueryValue } from './http-request.ts'

/** A validated request. */
export interface PreparedRequest {
  /** Description for messages. */
  readonly what: string
  readonly method: string
  /** Without userinfo and fragment. */
  readonly url: URL
  /** Keyed by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer | undefined
  /** `undefined` if the request sets none. */
  readonly timeoutMs: number | undefined
  /** How the response's body is decoded. */
  readonly as: 'json' | 'text'
  /** Whether a status besides 2xx counts as success. */
  readonly accepts: (status: number) => boolean
}

/** Maximum length of a URL with its query, characters. */
const MAX_URL_LENGTH = 32_768

/** Connection headers, and `Host`, which would bypass the list of hosts. */
const FORBIDDEN =
  /^(?:connection|content-length|expect|host|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/

/** Whether a lower-case name is a connection header or `Host`, which no request may set. */
export function isConnectionHeader(name: string): boolean {
  return FORBIDDEN.test(name)
}

/** RFC 9110, 5.6.2: a token. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** RFC 9110, 5.5: visible characters, space, tab, and characters above ASCII, limited to Latin-1 here. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** @throws `INVALID_ARGUMENTS`, with a message that quotes no value */
export function prepareRequest(request: HttpRequest): PreparedRequest {
  const { method = 'GET', acceptStatuses = [], timeoutMs, as = 'json' } = request
  const url = parseUrl(request.url)
  addQuery(url, request.query ?? {})
  const headers = new Map<string, string>()
  if (url.username !== '' || url.password !== '') headers.set('authorization', toBasic(url))
  url.username = ''
  url.password = ''
  url.hash = ''
  const what = describeRequest(method, url)
  if (url.href.length > MAX_URL_LENGTH) throw refuse(`${what}: the URL is longer than ${MAX_URL_LENGTH} characters`)
  for (const [name, value] of Object.entries(request.headers ?? {})) addHeader(headers, name, value, what)
  const body = request.body === undefined ? undefined : encodeBody(request.body, headers, what)
  const accepts = (status: number): boolean => acceptStatuses === 'any' || acceptStatuses.includes(status)
  return { what, method, url, headers, body, timeoutMs, as, accepts }
}

/** The same request with the trace context of its attempt, unless the task gives it one of its own. */
export function withTrace(request: PreparedRequest, traceparent: string | undefined): PreparedRequest {
  if (traceparent === undefined || request.headers.has('traceparent')) return request
  return { ...request, headers: new Map([...request.headers, ['traceparent', traceparent]]) }
}

/** Validates a header and sets it, replacing one of that name. @throws `INVALID_ARGUMENTS` */
export function addHeader(headers: Map<string, string>, name: string, value: unknown, what: string): void {
  const key = name.toLowerCase()
  if (!NAME.test(name) || isConnectionHeader(key)) {
    throw refuse(`${what}: a header \`${name.slice(0, 40).replaceAll(/[^!-~]/g, '?')}\` cannot be sent`)
  }
  const text = String(value).trim()
  if (!VALUE.test(text)) throw refuse(`${what}: the value of \`${key}\` has characters that no header can have`)
  headers.set(key, text)
}

function parseUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refuse('Expected `url` to be an absolute URL such as `https://example.com/path`')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refuse(`Expected a \`url\` of http or https, got one of \`${url.protocol.slice(0, 20)}\``)
  }
  return url
}

function addQuery(url: URL, query: Readonly<Record<string, QueryValue>>): void {
  const added = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) added.append(name, String(each))
  }
  // The URL's own query stays verbatim: it may be signed.
  url.search = [url.search.slice(1), added.toString()].filter(part => part !== '').join('&')
}

function toBasic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64')}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function encodeBody(body: HttpBody, headers: Map<string, string>, what: string): Buffer {
  const as = (type: string): void => {
    if (!headers.has('content-type')) headers.set('content-type', type)
  }
  if ('json' in body) {
    as('application/json')
    return encodeJson(body.json, what)
  }
  const { text, base64 } = body as { text?: unknown; base64?: unknown }
  if (typeof text === 'string') {
    as('text/plain; charset=utf-8')
    return Buffer.from(text)
  }
  // `Buffer.from` ignores invalid base64.
  if (typeof base64 !== 'string' || !/^[\w+/-]*={0,2}$/.test(base64)) {
    throw refuse(`${what}: expected \`body\` to have \`json\`, a \`text\`, or a valid \`base64\``)
  }
  as('application/octet-stream')
  return Buffer.from(base64, 'base64')
}

function encodeJson(value: unknown, what: string): Buffer {
  let text: string | undefined
  try {
    text = stringifyJson(value)
  } catch {
    // The parser's message may contain the value.
  }
  // `undefined`, a function, a BigInt or a cycle; possible only in calls from code.
  if (text === undefined) throw refuse(`${what}: \`body.json\` is not a JSON value`)
  return Buffer.from(text)
}

function refuse(message: string): HttpToolError {
  return new HttpToolError('INVALID_ARGUMENTS', message)
}
