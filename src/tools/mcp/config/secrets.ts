import type { Reach } from './server-config.ts'

/** Takes secrets out of a text that people will see. */
export type Redact = (text: string) => string

/** What is shorter is no secret: taking `1` or `true` out would make messages unreadable, characters. */
const MIN_SECRET = 6

/** Names of options, variables and headers whose values are secrets. */
const SECRET_NAME =
  /token|secret|passw|passphrase|pwd|credential|bearer|cookie|auth(?!ors?\b)|api[-_.]?key|(?:^|[^a-z])(?:key|pat|pass)$|[a-z]Key$/i

/** A redactor of a server's secrets. A server may repeat what it was given, on stderr as in its errors. */
export function createRedactor(secrets: Iterable<string>): Redact {
  const unique = [...new Set(secrets)].filter(({ length }) => length >= MIN_SECRET)
  // The longest first: one secret may be part of another.
  unique.sort((a, b) => b.length - a.length)
  return text => unique.reduce((redacted, secret) => redacted.replaceAll(secret, '[redacted]'), text)
}

/** Whether what has such a name is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/**
 * The secrets of a configuration: all values of `env`, of `headers` and of the query of `url`; of `args` those with a name
 * that says so, and those inside of URLs.
 */
export function findSecrets(reach: Reach): string[] {
  if (reach.kind === 'client') return []
  if (reach.kind === 'process') return [...Object.values(reach.env), ...findInArguments(reach.args)]
  return [...Object.values(reach.headers).flatMap(findInHeader), ...reach.url.searchParams.values()]
}

/** The credentials of `Bearer xyz` stand for themselves too. */
function findInHeader(value: string): string[] {
  return [value, ...value.split(/\s+/).slice(1)]
}

/** Of `--token=abc`, `API_KEY=abc`, `--api-key abc`, `Authorization: Bearer abc` and `https://me:abc@host/?key=abc`: `abc`. */
function findInArguments(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const before = args[index - 1] ?? ''
    if (/^-{1,2}[\w.-]+$/.test(before) && isSecretName(before) && !arg.startsWith('--')) return [arg]
    const [, name = '', separator, value = ''] = /^-{0,2}([\w.-]+)(=|:\s*)(.*)$/s.exec(arg) ?? []
    const inside = findInUrl(separator === '=' ? value : arg)
    return isSecretName(name) ? [...inside, ...findInHeader(value)] : inside
  })
}

function findInUrl(text: string): string[] {
  if (!URL.canParse(text)) return []
  const { username, password, searchParams } = new URL(text)
  // As it was written, and as it is meant.
  const credential = password === '' ? username : password
  return [credential, safelyDecode(credential), ...searchParams.values()]
}

function safelyDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
