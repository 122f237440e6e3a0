/** Takes secrets out of text that others wrote. */
export type Redact = (text: string) => string

const MASK = '[secret]'

/** A shorter key is none: to hide `key` or `x` wherever it stands would hide what went wrong. */
const MIN_SECRET_CHARS = 6

/** Shapes of keys and tokens, also where a provider has masked a part of one itself. */
const KEY_SHAPED = /\b(?:sk|pk|rk)-[\w.*-]{4,}|\bbearer\s+(?=\S*\d)[\w.~+/*=-]{8,}/gi

/**
 * Hides these secrets, each wherever it stands, and whatever looks like a key: providers repeat what they were sent.
 * @param secrets values of headers; the shortest do not count
 */
export function createRedact(secrets: readonly string[]): Redact {
  // Longest first: one may be part of another.
  const known = secrets.filter(secret => secret.length >= MIN_SECRET_CHARS).sort((a, b) => b.length - a.length)
  return text => {
    let clean = text
    for (const secret of known) clean = clean.replaceAll(secret, MASK)
    return clean.replaceAll(KEY_SHAPED, MASK)
  }
}
