import type { ClientConfig } from 'pg'
import { invalidOption } from '../../errors.ts'

/** Protocols of a URL of PostgreSQL. */
const PROTOCOL = /^postgres(?:ql)?:\/\//

/** Whether a text is a URL of PostgreSQL, as `--store` takes it. */
export function isPostgresUrl(text: string): boolean {
  return PROTOCOL.test(text)
}

/** Time for a connection to be made, ms. */
const CONNECT_TIMEOUT_MS = 3000

/** Time for the answer to one statement, ms: the bound of a connection that is cut without a word. */
const QUERY_TIMEOUT_MS = 30_000

/** Idle time after which a connection is probed, ms. */
const KEEP_ALIVE_AFTER_MS = 5000

/**
 * How to connect: the URL, with `sslmode` as `psql` understands it.
 *
 * `require` encrypts without checking who answers; `verify-ca` and `verify-full` check it, by `sslrootcert` if given.
 * @throws `INVALID_OPTION` without the URL, which may hold a password
 */
export function readConnectionUrl(url: string, name: string): ClientConfig {
  if (typeof url !== 'string' || !isPostgresUrl(url)) {
    throw invalidOption('url', 'a URL that begins with `postgres://` or `postgresql://`', typeof url)
  }
  const [address, query = ''] = splitOnce(url, '?')
  const parameters = new URLSearchParams(query)
  // Without it the driver has meanings of `sslmode` of its own, and warns about them.
  if (parameters.has('sslmode') && !parameters.has('uselibpqcompat')) parameters.set('uselibpqcompat', 'true')
  const rest = parameters.size > 0 ? `?${parameters}` : ''
  return {
    connectionString: `${address}${rest}`,
    application_name: parameters.get('application_name') ?? name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  }
}

/** The URL for messages and logs: host, port and database, without user, password and parameters. */
export function describeUrl(url: string): string {
  const [address] = splitOnce(url.replace(PROTOCOL, ''), '?')
  return `postgres://${address.slice(address.lastIndexOf('@') + 1)}`
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
