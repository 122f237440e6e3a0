import type { Reach } from './server-config.ts'

/** Takes secrets out of a text that people will see. */
export type Redact = (text: string) => string

/** What is shorter is no secret: taking `1` or `true` out would make messages unreadable, characters. */
const MIN_SECRET = 6

/**
 * Takes the values of `env` and `headers`, and those in the query of `url`, out of texts. A server may repeat what it was
 * given, on stderr as in its errors.
 */
export function createRedactor(reach: Reach): Redact {
  // The longest first: one secret may be part of another.
  const secrets = [...findSecrets(reach)].filter(({ length }) => length >= MIN_SECRET)
  secrets.sort((a, b) => b.length - a.length)
  return text => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, '[redacted]'), text)
}

function findSecrets(reach: Reach): Set<string> {
  if (reach.kind === 'process') return new Set(Object.values(reach.env))
  if (reach.kind === 'client') return new Set()
  const headers = Object.values(reach.headers)
  // The credentials of `Bearer xyz` stand for themselves too.
  const credentials = headers.flatMap(value => value.split(/\s+/).slice(1))
  return new Set([...headers, ...credentials, ...reach.url.searchParams.values()])
}
