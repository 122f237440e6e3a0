import { invalidOption } from '../../errors.ts'
import { problem } from '../answers/problem.ts'

/** Host names of a server on loopback. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** Whether an address to listen on is for this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Parses names to compare hosts with. @throws `INVALID_OPTION` for a name that is not a valid host without port */
export function parseAllowedHosts(hosts: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(hosts)) throw invalidOption('allowedHosts', 'an array of names or addresses', hosts)
  for (const host of hosts as readonly unknown[]) {
    if (typeof host === 'string' && /^(?:[^\s/:@*]+|\[[\da-f:.]+\])$/i.test(host)) continue
    throw invalidOption('allowedHosts', 'of names or addresses, such as app.example or [::1]: no port, no scheme', host)
  }
  return new Set(hosts.map(host => host.toLowerCase()))
}

/**
 * The answer to a request for a host that is not served here; `undefined` for one that is.
 *
 * A page whose own name resolves to 127.0.0.1 (DNS rebinding) still sends that name and must be refused.
 */
export function refuseHost(request: Request, allowed: ReadonlySet<string>): Response | undefined {
  // If a runtime does not pass the header on, the host of the URL comes from it.
  const host = request.headers.get('host') ?? new URL(request.url).host
  if (allowed.has(host.toLowerCase().replace(/:\d*$/, ''))) return undefined
  const detail = 'This `Host` is not allowed; use one of the `allowedHosts` of the server'
  const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
  return problem(403, { title: 'Forbidden', detail, code: 'HOST_NOT_ALLOWED' }, headers)
}
