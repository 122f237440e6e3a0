import { JsonNumber } from '../../json/json-number.ts'
import { parseJson } from '../../json/parse-json.ts'

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

/** Maximum size of a searched body, bytes, and maximum number of secrets: beyond either, no text is quoted at all. */
const MAX_SEARCHED_BYTES = 256 * 1024
const MAX_SECRETS = 200

/** Matches one character or its escape in URLs, forms, JSON and HTML, also escaped repeatedly. */
const TOKEN =
  /(?:&|%26)(?:amp(?:;|%3b))*#?\w{1,8}(?:;|%3b)|(?:\\|%5c)(?:[bfnrt]|u[0-9a-f]{4})|%(?:25)*[0-9a-f]{2}|[^]/gi

/** A truncated escape at the end of a text. */
const CUT_TOKEN = /(?:[&%\\][\w#;%]{0,12}|\ufffd+)$/

const MARK = '[redacted]'

/** Whether a header may be sent to another origin. */
export function isHarmlessHeader(name: string): boolean {
  return HARMLESS.test(name)
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
    if (this.#sent.some(({ body }) => body !== undefined && body.byteLength > MAX_SEARCHED_BYTES)) return MARK
    const secrets = new Set(this.#sent.flatMap(findSecrets).filter(({ length }) => length >= MIN_SECRET))
    if (secrets.size > MAX_SECRETS) return MARK
    return [...secrets].sort((a, b) => b.length - a.length).reduce(redactSecret, text)
  }
}

/**
 * Compares letters and digits only: URLs, forms, JSON and HTML, also nested, leave them unescaped, while any other character
 * may be escaped.
 */
function redactSecret(text: string, secret: string): string {
  const written = new Set([readLetters(secret).letters, secret.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()])
  let left = text
  for (const needle of written) {
    // Too few letters to match: compare the secret raw and URL-encoded.
    if (needle.length < MIN_SECRET) left = left.replaceAll(secret, MARK).replaceAll(encodeURIComponent(secret), MARK)
    else left = redactCut(redactNeedle(left, needle, secret), needle)
  }
  return left
}

function redactNeedle(text: string, needle: string, secret: string): string {
  // Unescaped punctuation at both ends of the secret is removed with it.
  const first = secret.search(/[a-z0-9]/i)
  let last = secret.length - 1
  while (!/[a-z0-9]/i.test(secret[last] as string)) last -= 1
  const [head, tail] = [secret.slice(0, first), secret.slice(last + 1)]
  const { letters, places } = readLetters(text)
  let redacted = ''
  let end = 0
  for (let at = letters.indexOf(needle); at >= 0; at = letters.indexOf(needle, at + needle.length)) {
    const before = text.slice(end, places[at])
    redacted += (before.endsWith(head) ? before.slice(0, before.length - head.length) : before) + MARK
    end = (places[at + needle.length - 1] as number) + 1
    if (text.startsWith(tail, end)) end += tail.length
  }
  return redacted + text.slice(end)
}

/** Removes the prefix of a secret that the end of the text has truncated. */
function redactCut(text: string, needle: string): string {
  for (const end of [text, text.replace(CUT_TOKEN, '')]) {
    const { letters, places } = readLetters(end)
    for (let length = Math.min(needle.length - 1, letters.length); length >= MIN_SECRET; length--) {
      if (letters.endsWith(needle.slice(0, length))) return text.slice(0, places.at(-length)) + MARK
    }
  }
  return text
}

/** The ASCII letters, lower-cased, and digits that are not part of an escape, with their positions. */
function readLetters(text: string): { letters: string; places: number[] } {
  let letters = ''
  const places: number[] = []
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (!/^[a-z0-9]$/i.test(token)) continue
    letters += token.toLowerCase()
    places.push(index)
  }
  return { letters, places }
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
