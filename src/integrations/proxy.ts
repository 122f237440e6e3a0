import { BlockList, isIP } from 'node:net'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Target of a request: a `URL`, or a connector's options. */
export interface ProxiedTarget {
  readonly protocol: string
  readonly hostname: string
  readonly port: string
}

/** The proxy for one target. */
export interface Proxy {
  /** `http:` or `https:`. Holds the credentials, so it must not appear in messages. */
  readonly url: URL
  /** Host and port without credentials. */
  readonly host: string
  /** Value of `Proxy-Authorization`; absent without credentials. */
  readonly authorization: string | undefined
}

/** Facts about a proxy failure. */
export interface ProxyFailure {
  readonly code: 'PROXY_INVALID' | 'PROXY_REFUSED' | 'PROXY_TIMEOUT' | 'PROXY_UNREACHABLE'
  /** Host and port; absent if the address cannot be parsed. */
  readonly proxyHost?: string
  /** The proxy's answer to `CONNECT`. */
  readonly status?: number
  /** Code of the system error, such as `ECONNREFUSED`. */
  readonly networkCode?: string
}

/** A proxy that cannot be used. The message names its host and never its credentials. */
export class ProxyError extends Error {
  override readonly name: string = 'ProxyError'
  readonly code: ProxyFailure['code']
  /** Whether another attempt may succeed. */
  readonly retryable: boolean
  readonly failure: ProxyFailure

  constructor(message: string, failure: ProxyFailure, options?: ErrorOptions) {
    super(message, options)
    this.code = failure.code
    this.failure = failure
    const { code, status = 0 } = failure
    this.retryable = code === 'PROXY_INVALID' ? false : code !== 'PROXY_REFUSED' || status === 429 || status >= 500
  }
}

/**
 * The proxy that the environment names for a target; `undefined` if the connection is direct.
 *
 * Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. The lower-case name takes precedence over the upper-case one.
 * An https target without `HTTPS_PROXY` and `ALL_PROXY` uses `HTTP_PROXY`. An address without a scheme is an http proxy.
 * @throws ProxyError `PROXY_INVALID`
 */
export function findProxy(target: ProxiedTarget, env: Environment): Proxy | undefined {
  const names = target.protocol === 'https:' ? ['https_proxy', 'all_proxy', 'http_proxy'] : ['http_proxy', 'all_proxy']
  const name = names.find(each => readVariable(env, each) !== '')
  if (name === undefined || isExcluded(target, readVariable(env, 'no_proxy'))) return undefined
  return parseProxy(name.toUpperCase(), readVariable(env, name))
}

function readVariable(env: Environment, name: string): string {
  return (env[name] ?? env[name.toUpperCase()] ?? '').trim()
}

function parseProxy(variable: string, value: string): Proxy {
  let url: URL | undefined
  try {
    url = new URL(value.includes('://') ? value : `http://${value}`)
  } catch {
    // Reported below. The value may contain a password.
  }
  if (url === undefined || url.hostname === '' || !/^https?:$/.test(url.protocol)) {
    const found = url === undefined ? 'something else' : `\`${url.protocol}//…\``
    const message = `Expected ${variable} to be the http or https URL of a proxy, got ${found}; unset it to connect directly`
    throw new ProxyError(message, { code: 'PROXY_INVALID' })
  }
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const { username, password } = url
  const credentials = `${decode(username)}:${decode(password)}`
  const authorization = credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
  return { url, host: `${url.hostname}:${port}`, authorization }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Entries are separated by commas or white space: `*` for every target, a name for itself and all below it (with or without
 * a leading `.` or `*.`), an address, or a range such as `10.0.0.0/8`. A name or an address may have a port.
 */
function isExcluded(target: ProxiedTarget, list: string): boolean {
  const host = normalizeHost(target.hostname)
  const port = target.port || (target.protocol === 'https:' ? '443' : '80')
  return list.split(/[,\s]+/).some(entry => entry !== '' && matchesEntry(entry, host, port))
}

function matchesEntry(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const range = /^\[?([^\]/]+)\]?\/([0-9]{1,3})$/.exec(entry)
  if (range !== null) return isInRange(host, range[1] as string, Number(range[2]))
  const bare = entry.replace(/^[a-z]+:\/\//i, '').replace(/^\*?\./, '')
  // An IPv6 address without brackets contains colons.
  const [, name = bare, entryPort] = isIP(bare) === 6 ? [] : (/^(.+?)(?::([0-9]+))?$/.exec(bare) ?? [])
  if (entryPort !== undefined && Number(entryPort) !== Number(port)) return false
  const excluded = normalizeHost(name)
  return host === excluded || (isIP(host) === 0 && host.endsWith(`.${excluded}`))
}

function isInRange(host: string, network: string, prefix: number): boolean {
  const [family, networkFamily] = [isIP(host), isIP(network)]
  if (family === 0 || family !== networkFamily || prefix > (family === 4 ? 32 : 128)) return false
  const range = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  range.addSubnet(network, prefix, type)
  return range.check(host, type)
}

/** Lower case, without brackets and final dot, normalized as by `URL`. */
function normalizeHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '')
  let parsed = bare.toLowerCase()
  try {
    parsed = new URL(`http://${isIP(bare) === 6 ? `[${bare}]` : bare}`).hostname
  } catch {
    // Not a valid URL host. Compared verbatim.
  }
  return parsed.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}
