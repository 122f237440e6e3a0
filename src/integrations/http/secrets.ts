import { JsonNumber } from '../../json/json-number.ts'
import { parseJson } from '../../json/parse-json.ts'

/** Headers that no server needs to keep secret: they may follow a redirect to another origin. */
const HARMLESS =
  /^(?:accept(?:-(?:charset|encoding|language))?|cache-control|content-(?:type|language)|if-[a-z-]+|range|user-agent)$/

/** What stands in the names of values that are probably secret. */
const SECRET_WORD =
  'assertion|auth|bearer|code|cookie|credential|jwt|key|otp|pass|private|pwd|secret|session|sig|ticket|token'
const SECRET_NAME = new RegExp(SECRET_WORD, 'i')

/**
 * `name=value` in a text of any form: a form, a file of settings, XML, a query of GraphQL, a part of a multipart body. Every
 * repetition has a bound, so that no text takes long.
 */
const SECRET_PAIR = new RegExp(
  String.raw`(?:${SECRET_WORD})[\w.-]{0,64}["'\]]{0,2}(?:\s{0,8}[=:>]{1,2}\s{0,8}|(?:\r?\n){2})` +
    String.raw`(?:"((?:[^"\\]|\\.){1,8192})"|'([^']{1,8192})'|([^\s"'&;,<>{}()]{1,8192}))`,
  'gi',
)

/** Words so long are keys and tokens more often than not, whatever their name is. */
const LONG_WORD = /[^\s"'<>&=;,(){}[\]]{21,8192}/g

/** Nothing shorter is taken for a secret: it would be found everywhere. */
const MIN_SECRET = 4

/** Parts of a header shorter than this are words, such as `Bearer`. */
const MIN_PART = 8

/** A body longer than this, bytes, is not searched, nor one with more secrets: then no text is told at all. */
const MAX_SEARCHED_BYTES = 256 * 1024
const MAX_SECRETS = 200

/** What stands for one character in URLs, forms, JSON and HTML, written once or several times; else a character. */
const TOKEN =
  /(?:&|%26)(?:amp(?:;|%3b))*#?\w{1,8}(?:;|%3b)|(?:\\|%5c)(?:[bfnrt]|u[0-9a-f]{4})|%(?:25)*[0-9a-f]{2}|[^]/gi

/** Of such, what a cut may leave. */
const CUT_TOKEN = /(?:[&%\\][\w#;%]{0,12}|\ufffd+)$/

const MARK = '[redacted]'

/** Whether a header may go to an origin that the request was not written for. */
export function isHarmlessHeader(name: string): boolean {
  return HARMLESS.test(name)
}

/** What goes to a server. */
export interface SentRequest {
  readonly headers: ReadonlyMap<string, string>
  readonly url: URL
  readonly body: Buffer | undefined
}

/**
 * What has been sent that must not be told, whoever sends it back.
 *
 * Secret are the values of headers but harmless ones; of the query, and of a body of any form, what has a name that sounds
 * secret; and, in path, query and body, words of more than 20 characters. Nothing is looked for before a text has to be told.
 */
export class SentSecrets {
  readonly #sent: SentRequest[] = []

  /** This is about to be sent. */
  note(request: SentRequest): void {
    this.#sent.push(request)
  }

  /** A text in which no secret is left, however a server may write it, nor the beginning of one that the end has cut. */
  redact(text: string): string {
    if (this.#sent.some(({ body }) => body !== undefined && body.byteLength > MAX_SEARCHED_BYTES)) return MARK
    const secrets = new Set(this.#sent.flatMap(findSecrets).filter(({ length }) => length >= MIN_SECRET))
    if (secrets.size > MAX_SECRETS) return MARK
    return [...secrets].sort((a, b) => b.length - a.length).reduce(redactSecret, text)
  }
}

/**
 * Compares letters and digits alone: they are themselves in URLs, forms, JSON and HTML, and in one within another, where all
 * else may be an escape.
 */
function redactSecret(text: string, secret: string): string {
  const written = new Set([readLetters(secret).letters, secret.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()])
  let left = text
  for (const needle of written) {
    // Hardly a letter to be recognised by: as it is, or as a URL has it.
    if (needle.length < MIN_SECRET) left = left.replaceAll(secret, MARK).replaceAll(encodeURIComponent(secret), MARK)
    else left = redactCut(redactNeedle(left, needle, secret), needle)
  }
  return left
}

function redactNeedle(text: string, needle: string, secret: string): string {
  // What of it is neither letter nor digit before the first and behind the last goes with it, where it stands as it is.
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

/** A secret that has lost its end with the text is one still. */
function redactCut(text: string, needle: string): string {
  for (const end of [text, text.replace(CUT_TOKEN, '')]) {
    const { letters, places } = readLetters(end)
    for (let length = Math.min(needle.length - 1, letters.length); length >= MIN_SECRET; length--) {
      if (letters.endsWith(needle.slice(0, length))) return text.slice(0, places.at(-length)) + MARK
    }
  }
  return text
}

/** The ASCII letters, in lower case, and digits that are no part of an escape, with the place of each. */
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
  // A server may send the whole body back, packed so that JSON can hold it.
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
  // In steps: what is nested deep would overflow the stack.
  const waiting: [name: string, value: unknown][] = [['', value]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, each] = next
    if (typeof each === 'object' && each !== null && !(each instanceof JsonNumber)) {
      for (const [key, child] of Object.entries(each)) waiting.push([SECRET_NAME.test(name) ? name : key, child])
    } else if (typeof each === 'string' || typeof each === 'number' || each instanceof JsonNumber) {
      const written = String(each)
      // Half a pair of surrogates can neither be sent nor encoded.
      if (isSecret(name, written)) found.push(Buffer.from(written).toString())
      // There may be more of them than a call can be given.
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
