/** Removes secrets from foreign text. */
export type Redact = (text: string) => string

const MASK = '[secret]'

/** Minimum length of a secret, characters: masking every `key` or `x` would hide the problem. */
const MIN_SECRET_CHARS = 6

/** Shapes of keys and tokens, also where a provider has masked a part of one itself. */
const KEY_SHAPED = /\b(?:sk|pk|rk)-[\w.*-]{4,}|\bbearer\s+(?=\S*\d)[\w.~+/*=-]{8,}/gi

/**
 * Masks every occurrence of these secrets and everything shaped like a key: providers echo requests.
 * @param secrets values of headers; those below the minimum length are ignored
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
