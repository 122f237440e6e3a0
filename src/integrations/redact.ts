import { cutText } from '../text.ts'

/**
 * Removes secrets from a foreign text. Longer than 64 Ki characters, it is cut first.
 * @param isCut whether the text may end within a secret, whose prefix is then removed too
 */
export type Redact = (text: string, isCut?: boolean) => string

/** Stands for a secret. */
export const REDACTED = '[redacted]'

/** Maximum number of secrets: beyond it, no text is quoted at all. */
const MAX_SECRETS = 200

/** Maximum length of a text, characters. */
const MAX_TEXT = 64 * 1024

/** Minimum number of letters and digits to compare by; fewer would match everywhere. */
const MIN_LETTERS = 4

/** Shapes of keys and tokens, also where a server has masked a part of one itself. */
const KEY_SHAPED = /\b(?:sk|pk|rk)-[\w.*-]{4,}|\bbearer\s+(?=\S*\d)[\w.~+/*=-]{8,}/gi

/** Matches one character or its escape in URLs, forms, JSON and HTML, also escaped repeatedly. */
const TOKEN =
  /(?:&|%26)(?:amp(?:;|%3b))*#?\w{1,8}(?:;|%3b)|(?:\\|%5c)(?:[bfnrt]|u[0-9a-f]{4})|%(?:25)*[0-9a-f]{2}|[^]/gi

/** A truncated escape at the end of a text. */
const CUT_TOKEN = /(?:[&%\\][\w#;%]{0,12}|\ufffd+)$/

/** A secret and what is compared. */
interface Needle {
  readonly secret: string
  /** Its letters and digits, read as escaped and as plain text. */
  readonly letters: ReadonlySet<string>
}

/**
 * Creates a redactor: servers echo requests and configurations.
 *
 * It removes these secrets in any escaping, and everything shaped like a key. Only letters and digits are compared: URLs, forms,
 * JSON and HTML, also nested, leave them unescaped, while any other character may be escaped.
 * @param minLength minimum length of a secret, characters: without `1` or `true` a message would be unreadable
 */
export function createRedact(secrets: Iterable<string>, minLength = 6): Redact {
  let prepared: readonly Needle[] | undefined
  const redact: Redact = (text, isCut = false) => {
    if (text.length > MAX_TEXT) return redact(cutText(text, MAX_TEXT), true)
    // Prepared on first use: most requests fail without a text, or not at all.
    prepared ??= prepare(secrets, minLength)
    if (prepared.length > MAX_SECRETS) return REDACTED
    return redactAll(text, prepared, isCut).replaceAll(KEY_SHAPED, REDACTED)
  }
  return redact
}

function prepare(secrets: Iterable<string>, minLength: number): Needle[] {
  const unique = [...new Set(secrets)].filter(({ length }) => length >= minLength)
  // Longest first: one secret may be part of another.
  unique.sort((a, b) => b.length - a.length)
  return unique.map(each => {
    const secret = each.toWellFormed()
    return { secret, letters: new Set([readLetters(secret).letters, keepLetters(secret)]) }
  })
}

function redactAll(text: string, needles: readonly Needle[], isCut: boolean): string {
  let clean = text
  let present = readLetters(clean).letters
  for (const { secret, letters } of needles) {
    const before = clean
    // Verbatim first: preceding text may turn its beginning into an escape.
    clean = clean.replaceAll(secret, REDACTED)
    for (const needle of letters) {
      if (needle.length < MIN_LETTERS) {
        // Too few letters to compare.
        clean = clean.replaceAll(encodeURIComponent(secret), REDACTED)
        continue
      }
      if (present.includes(needle)) clean = redactNeedle(clean, needle, secret)
      if (isCut) clean = redactCut(clean, needle)
    }
    if (clean !== before) present = readLetters(clean).letters
  }
  return clean
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
    redacted += (before.endsWith(head) ? before.slice(0, before.length - head.length) : before) + REDACTED
    end = (places[at + needle.length - 1] as number) + 1
    if (text.startsWith(tail, end)) end += tail.length
  }
  return redacted + text.slice(end)
}

/** Removes the prefix of a secret that the end of the text has truncated. */
function redactCut(text: string, needle: string): string {
  for (const end of [text, text.replace(CUT_TOKEN, '')]) {
    const { letters, places } = readLetters(end)
    for (let length = Math.min(needle.length - 1, letters.length); length >= MIN_LETTERS; length--) {
      if (letters.endsWith(needle.slice(0, length))) return text.slice(0, places.at(-length)) + REDACTED
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

function keepLetters(text: string): string {
  return text.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()
}
