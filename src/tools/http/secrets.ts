/** Headers that no server needs to keep secret: they may follow a redirect to another origin. */
const HARMLESS =
  /^(?:accept(?:-(?:charset|encoding|language))?|cache-control|content-(?:type|language)|if-[a-z-]+|range|user-agent)$/

/** Names of query values that are probably secret. */
const SECRET_NAME = /auth|code|credential|key|pass|pwd|secret|session|sig|token/i

/** Nothing shorter is taken for a secret: it would be found everywhere. */
const MIN_SECRET = 4

/** Parts of a header shorter than this are words, such as `Bearer`. */
const MIN_PART = 8

/** Whether a header may go to an origin that the request was not written for. */
export function isHarmlessHeader(name: string): boolean {
  return HARMLESS.test(name)
}

/** What a request carries that must not be told: the values of headers, and of the query by their names. */
export function findSecrets(headers: ReadonlyMap<string, string>, url: URL): string[] {
  const secrets: string[] = []
  for (const [name, value] of headers) {
    if (isHarmlessHeader(name)) continue
    secrets.push(value, ...value.split(/[\s,;=]+/).filter(part => part.length >= MIN_PART))
    const basic = /^basic +(\S+)$/i.exec(value)?.[1]
    if (basic !== undefined) secrets.push(...splitUserinfo(Buffer.from(basic, 'base64').toString()))
  }
  for (const pair of url.search.slice(1).split('&')) {
    for (const [name, value] of new URLSearchParams(pair)) {
      if (SECRET_NAME.test(name)) secrets.push(value, pair.slice(pair.indexOf('=') + 1))
    }
  }
  return secrets
}

/** A text in which no secret is left, in none of the ways in which a server may send it back. */
export function redact(text: string, secrets: readonly string[]): string {
  const written = secrets
    .filter(secret => secret.length >= MIN_SECRET)
    .flatMap(secret => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length)
  return written.reduce((left, secret) => left.replaceAll(secret, '[redacted]'), text)
}

function splitUserinfo(userinfo: string): string[] {
  const colon = userinfo.indexOf(':')
  return colon < 0 ? [userinfo] : [userinfo, userinfo.slice(colon + 1)]
}
