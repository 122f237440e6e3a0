import type { LookupFunction } from 'node:net'
import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../../errors.ts'
import type { Limit } from '../../tools/limit.ts'
import type { Tool } from '../../tools/tool.ts'
import { type HostRule, parseHostRule, parseHostRules } from './host-rules.ts'
import { addHeader } from './prepare-request.ts'

/** Options of the HTTP tools. */
export interface HttpToolsOptions {
  /** The tools are `<prefix>:get` and `<prefix>:request`. @defaultValue `http` */
  readonly prefix?: string
  /**
   * Allowed targets of requests and redirects: `example.com`, `example.com:8080`, `*.example.com` (its subdomains only). An
   * address or `localhost` in this list is allowed although it is not public. @defaultValue every public address
   */
  readonly allowedHosts?: readonly string[]
  /** Whether names may resolve to addresses that are not public: all names, or those of this list. @defaultValue `false` */
  readonly allowPrivateAddresses?: boolean | readonly string[]
  /**
   * Headers by host, such as `{ 'api.example.com': { authorization: 'Bearer …' } }`. They override a task's own, and are sent
   * to that host only.
   */
  readonly hostHeaders?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Concurrent calls of both tools together; waiting calls take no slot of their execution. @defaultValue no limit */
  readonly limit?: number | Limit
  /**
   * Concurrent requests to one host and port, over all executions; the rest wait inside their call.
   * @defaultValue `Infinity`
   */
  readonly limitPerHost?: number
  /**
   * Default timeout of a request, ms, from its start; at most an hour.
   * @defaultValue 30,000 with `limitPerHost`; without it the execution's timeouts apply
   */
  readonly timeoutMs?: number
  /** Maximum size of a decompressed response, bytes. @defaultValue 5 MiB */
  readonly maxResponseBytes?: number
  /** Maximum number of redirects, 0–20. @defaultValue 5 */
  readonly maxRedirects?: number
  /** Default retry policy of `<prefix>:get`. @defaultValue 3 attempts */
  readonly retry?: Tool['retry']
  /**
   * Whether connections use the proxy that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`):
   * `never`, or `environment`. The proxy then resolves names, so the address check covers only literal addresses and
   * `localhost`: combine it with `allowedHosts`. @defaultValue `never`
   */
  readonly proxy?: 'never' | 'environment'
  /** Resolver with the signature of `dns.lookup`. */
  readonly lookup?: LookupFunction
  readonly clock?: Clock
}

/** The validated options. */
export interface HttpSettings {
  readonly prefix: string
  readonly allowedHosts: readonly HostRule[] | undefined
  /** `true` for all. */
  readonly privateHosts: readonly HostRule[] | true
  readonly hostHeaders: readonly { readonly rule: HostRule; readonly headers: ReadonlyMap<string, string> }[]
  readonly limitPerHost: number
  readonly timeoutMs: number | undefined
  readonly maxResponseBytes: number
  readonly maxRedirects: number
  readonly proxy: 'never' | 'environment'
  readonly lookup: LookupFunction | undefined
  readonly clock: Clock
}

/** Maximum timeout of a request, ms. */
export const MAX_TIMEOUT_MS = 3_600_000

const DEFAULT_TIMEOUT_MS = 30_000

/** Validates the options. @throws `INVALID_OPTION` */
export function resolveHttpOptions(options: HttpToolsOptions = {}): HttpSettings {
  const { allowedHosts, allowPrivateAddresses = false, lookup, clock = systemClock } = expectObject('options', options)
  const { prefix = 'http', limitPerHost = Number.POSITIVE_INFINITY } = options
  if (typeof prefix !== 'string' || prefix === '') throw invalidOption('prefix', 'a name', prefix)
  if (limitPerHost !== Number.POSITIVE_INFINITY) expectInteger('limitPerHost', limitPerHost, 1, Number.MAX_SAFE_INTEGER)
  if (lookup !== undefined && typeof lookup !== 'function') throw invalidOption('lookup', 'a function', lookup)
  expectMethods('clock', clock, CLOCK_METHODS)
  const { timeoutMs = limitPerHost === Number.POSITIVE_INFINITY ? undefined : DEFAULT_TIMEOUT_MS } = options
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidOption('timeoutMs', `a number from 1 to ${MAX_TIMEOUT_MS}`, timeoutMs)
  }
  const { proxy = 'never' } = options
  if (proxy !== 'never' && proxy !== 'environment') throw invalidOption('proxy', '`never` or `environment`', proxy)
  const { maxResponseBytes = 5 * 1024 * 1024, maxRedirects = 5, hostHeaders = {} } = options
  return {
    prefix,
    allowedHosts: allowedHosts && parseHostRules('allowedHosts', allowedHosts),
    privateHosts: resolvePrivateHosts(allowPrivateAddresses),
    hostHeaders: Object.entries(expectObject('hostHeaders', hostHeaders)).map(parseHostHeaders),
    limitPerHost,
    timeoutMs,
    maxResponseBytes: expectInteger('maxResponseBytes', maxResponseBytes, 1, Number.MAX_SAFE_INTEGER),
    maxRedirects: expectInteger('maxRedirects', maxRedirects, 0, 20),
    proxy,
    lookup,
    clock,
  }
}

function resolvePrivateHosts(option: boolean | readonly string[]): readonly HostRule[] | true {
  if (option === true) return true
  return option === false ? [] : parseHostRules('allowPrivateAddresses', option)
}

function parseHostHeaders([host, values]: [string, Readonly<Record<string, string>>]): HttpSettings['hostHeaders'][0] {
  const rule = parseHostRule('hostHeaders', host)
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(expectObject('hostHeaders', values))) {
    // Only the name is quoted: the value is a secret.
    if (typeof value !== 'string') throw invalidOption(`hostHeaders.${name}`, 'a string', undefined)
    try {
      addHeader(headers, name, value, '`hostHeaders`')
    } catch {
      throw invalidOption('hostHeaders', `headers that can be sent, which \`${name}\` is not`, undefined)
    }
  }
  return { rule, headers }
}

function expectInteger(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw invalidOption(
    name,
    max === Number.MAX_SAFE_INTEGER ? `an integer ≥ ${min}` : `an integer from ${min} to ${max}`,
    value,
  )
}
