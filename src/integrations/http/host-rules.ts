import { isIP } from 'node:net'
import { invalidOption } from '../../errors.ts'

/** Target of a request: a `URL`, or a connector's options. */
export interface Target {
  readonly protocol: string
  readonly hostname: string
  readonly port: string
}

/** One host, or all subdomains of a domain. */
export interface HostRule {
  /** Lower case, without brackets and trailing dot; `.example.com` for `*.example.com`. */
  readonly host: string
  /** `undefined` for any. */
  readonly port: string | undefined
}

const EXPECTED = 'hosts such as `example.com`, `example.com:8080`, `*.example.com` or `127.0.0.1`'

/** Parses a list of hosts. @throws `INVALID_OPTION` */
export function parseHostRules(option: string, hosts: readonly string[]): HostRule[] {
  if (!Array.isArray(hosts)) throw invalidOption(option, `an array of ${EXPECTED}`, hosts)
  return hosts.map(host => parseHostRule(option, host))
}

/** Parses one host. @throws `INVALID_OPTION` */
export function parseHostRule(option: string, text: unknown): HostRule {
  const wrong = (): Error => invalidOption(option, EXPECTED, text)
  if (typeof text !== 'string') throw wrong()
  if (isIP(text) === 6) return { host: normalizeHost(new URL(`http://[${text}]`).hostname), port: undefined }
  const match = /^(\*(?=\.))?([^*/?#@\s\\]+?)(?::([0-9]{1,5}))?$/.exec(text)
  if (match === null) throw wrong()
  const [, isWildcard, rest = '', port] = match
  let host: string
  try {
    // Normalized as in URLs: case, Unicode names, and every notation of an address.
    host = new URL(`http://${isWildcard ? rest.slice(1) : rest}`).hostname
  } catch {
    throw wrong()
  }
  const normal = normalizeHost(host)
  if (normal === '' || (isWildcard && isIP(normal) !== 0)) throw wrong()
  return { host: isWildcard ? `.${normal}` : normal, port: port === undefined ? undefined : String(Number(port)) }
}

/** Whether a rule matches a target. */
export function matchesRule({ host, port }: HostRule, target: Target): boolean {
  if (port !== undefined && port !== portOf(target)) return false
  const name = normalizeHost(target.hostname)
  return host.startsWith('.') ? name.endsWith(host) : name === host
}

/** Whether a rule names loopback or an address, so that DNS cannot redirect it. */
export function namesAddress({ host }: HostRule): boolean {
  return host === 'localhost' || isIP(host) !== 0
}

/** Host and port, the key of limits. */
export function hostOf(target: Target): string {
  return `${normalizeHost(target.hostname)}:${portOf(target)}`
}

function portOf({ protocol, port }: Target): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}

function normalizeHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/s, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
}
