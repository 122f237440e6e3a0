import { JsonNumber } from '../../json/json-number.ts'
import { parseJson } from '../../json/parse-json.ts'
import { createRedact, REDACTED } from '../redact.ts'

/** Headers that are never secret: they may follow a redirect to another origin. */
const HARMLESS =
  /^(?:accept(?:-(?:charset|encoding|language))?|cache-control|content-(?:type|language)|if-[a-z-]+|range|user-agent)$/

/** Words in the names of values that are probably secret. */
const SECRET_WORD =
  'assertion|auth|bearer|code|cookie|credential|jwt|key|otp|pass|private|pwd|secret|session|sig|ticket|token'
const SECRET_NAME = new RegExp(SECRET_WORD, 'i')

/**
 * `name=value` in any text: a form, a settings file, XML, a GraphQL query, a part of a multipart body. Every repetition is
 * bounded, which prevents catastrophic backtracking.
 */
const SECRET_PAIR = new RegExp(
  String.raw`(?:${SECRET_WORD})[\w.-]{0,64}["'\]]{0,2}(?:\s{0,8}[=:>]{1,2}\s{0,8}|(?:\r?\n){2})` +
    String.raw`(?:"((?:[^"\\]|\\.){1,8192})"|'([^']{1,8192})'|([^\s"'&;,<>{}()]{1,8192}))`,
  'gi',
)

/** Words of this length are usually keys or tokens, whatever their name. */
const LONG_WORD = /[^\s"'<>&=;,(){}[\]]{21,8192}/g

/** Minimum length of a secret: shorter values would match everywhere. */
const MIN_SECRET = 4

/** Minimum length of a secret part of a header: shorter parts are words such as `Bearer`. */
const MIN_PART = 8

/** Maximum size of a searched body, bytes: beyond it, no text is quoted at all. */
const MAX_SEARCHED_BYTES = 256 * 1024

/** Whether a header may be sent to another origin. */
export function isHarmlessHeader(name: string): boolean {
  return HARMLESS.test(name)
}

/** Whether a value with this name is probably secret. */
export function hasSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** A request as sent to a server. */
export interface SentRequest {
  readonly headers: ReadonlyMap<string, string>
  readonly url: URL
  readonly body: Buffer | undefined
}

/**
 * The secrets of sent requests, which must not appear in messages even if a server echoes them.
 *
 * Secrets are: values of all but harmless headers; values with a secret-sounding name in the query or body; and words of more
 * than 20 characters in path, query and body. The search runs only when a text has to be quoted.
 */
export class SentSecrets {
  readonly #sent: SentRequest[] = []

  /** Adds a request before it is sent. */
  add(request: SentRequest): void {
    this.#sent.push(request)
  }

  /** Removes every secret from a text, in any escaping, and the prefix of one that the end has truncated. */
  redact(text: string): string {
    if (this.#sent.some(({ body }) => body !== undefined && body.byteLength > MAX_SEARCHED_BYTES)) return REDACTED
    return createRedact(this.#sent.flatMap(findSecrets), MIN_SECRET)(text, true)
  }
}

function findSecrets({ headers, url, body }: SentRequest): string[] {
  const found = [...url.pathname.matchAll(LONG_WORD)].flatMap(([word]) => [word, decode(word)])
  for (const [name, value] of headers) {
    if (isHarmlessHeader(name)) continue
    found.push(value, ...findInText(value), ...value.split(/[\s,;=]+/).filter(part => part.length >= MIN_PART))
    const basic = /^basic +(\S+)$/i.exec(value)?.[1]
    if (basic !== undefined) found.push(...splitUserinfo(Buffer.from(basic, 'base64').toString()))
  }
  for (const pair of url.search.slice(1).split('&')) {
    for (const [name, value] of new URLSearchParams(pair)) {
      if (isSecret(name, value)) found.push(value, pair.slice(pair.indexOf('=') + 1))
    }
  }
  const sent = body === undefined ? [] : findInBody(body.toString())
  // A server may echo the whole body as base64.
  return sent.length === 0 ? found : [...found, ...sent, (body as Buffer).toString('base64')]
}

function findInBody(text: string): string[] {
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return findInText(text)
  }
  const found: string[] = []
  // Iterative: deep nesting would overflow the stack.
  const waiting: [name: string, value: unknown][] = [['', value]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, each] = next
    if (typeof each === 'object' && each !== null && !(each instanceof JsonNumber)) {
      for (const [key, child] of Object.entries(each)) waiting.push([SECRET_NAME.test(name) ? name : key, child])
    } else if (typeof each === 'string' || typeof each === 'number' || each instanceof JsonNumber) {
      const written = String(each)
      // A lone surrogate can neither be sent nor encoded.
      if (isSecret(name, written)) found.push(Buffer.from(written).toString())
      // Not spread: there may be more than the maximum number of arguments.
      for (const part of findInText(written)) found.push(part)
    }
  }
  return found
}

function findInText(text: string): string[] {
  const words = [...text.matchAll(LONG_WORD)].map(([word]) => word)
  const values = [...text.matchAll(SECRET_PAIR)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')
  return [...words, ...values].flatMap(each => [each, decode(each.replaceAll('+', ' '))])
}

function isSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) || /^\S{21,}$/.test(value)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function splitUserinfo(userinfo: string): string[] {
  const colon = userinfo.indexOf(':')
  return colon < 0 ? [userinfo] : [userinfo, userinfo.slice(colon + 1)]
}
