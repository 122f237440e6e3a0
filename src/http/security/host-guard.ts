import { invalidOption } from '../../errors.ts'
import { problem } from '../answers/problem.ts'

/** What a server on loopback may be called. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/** Whether an address to listen on is for this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Names to compare hosts with. @throws `INVALID_OPTION` for what no `Host` could be, without its port */
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
 * A page that has its own name resolve to 127.0.0.1 (DNS rebinding) still sends that name: it must not be answered.
 */
export function refuseHost(request: Request, allowed: ReadonlySet<string>): Response | undefined {
  // Where a runtime does not hand the header on, the URL was made of it.
  const host = request.headers.get('host') ?? new URL(request.url).host
  if (allowed.has(host.toLowerCase().replace(/:\d*$/, ''))) return undefined
  const detail = 'This `Host` is not served here; use a name that the server was told of'
  const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
  return problem(403, { title: 'Forbidden', detail, code: 'HOST_NOT_ALLOWED' }, headers)
}
