import type { Reach } from './server-config.ts'

/** Matches names of options, variables and headers whose values are secrets. */
const SECRET_NAME =
  /token|secret|passw|passphrase|pwd|credential|bearer|cookie|auth(?!ors?\b)|api[-_.]?key|(?:^|[^a-z])(?:key|pat|pass)$|[a-z]Key$/i

/** Whether the value of this name is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/**
 * The secrets of a configuration: all values of `env`, of `headers` and of the query of `url`; in `args` the values with the
 * name of a secret, and the credentials of URLs.
 */
export function findSecrets(reach: Reach): string[] {
  if (reach.kind === 'client') return []
  if (reach.kind === 'process') return [...Object.values(reach.env), ...findInArguments(reach.args)]
  return [...Object.values(reach.headers).flatMap(findInHeader), ...reach.url.searchParams.values()]
}

/** A header is a secret, and so are its words after the first, as in `Bearer xyz`. */
function findInHeader(value: string): string[] {
  return [value, ...value.split(/\s+/).slice(1)]
}

/** Finds `abc` in `--token=abc`, `API_KEY=abc`, `--api-key abc`, `Authorization: Bearer abc`, `https://me:abc@host/?key=abc`. */
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
  // Both as it is written and decoded.
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
