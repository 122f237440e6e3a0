import type { ClientConfig } from 'pg'
import { DagstreamError, invalidOption } from '../../../errors.ts'
import type { PostgresDriver } from './load-driver.ts'

/** Protocols of a URL of PostgreSQL. */
const PROTOCOL = /^postgres(?:ql)?:\/\//

/** Whether a text is a URL of PostgreSQL, as `--store` takes it. */
export function isPostgresUrl(text: string): boolean {
  return PROTOCOL.test(text)
}

/** Those of `psql`. The driver takes another value for one that checks nobody. */
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

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
  const sslMode = parameters.get('sslmode')
  if (sslMode !== null && !SSL_MODES.includes(sslMode)) {
    throw invalidOption('url', `a URL whose \`sslmode\` is one of ${SSL_MODES.join(', ')}`, sslMode)
  }
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

/**
 * Requires that the driver can read a URL, and the files that it names.
 * @throws `INVALID_OPTION` without the URL, which may hold a password
 */
export function expectUsable({ Client }: PostgresDriver, config: ClientConfig): void {
  try {
    void new Client(config)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMalformed = code === 'ERR_INVALID_URL' || error instanceof URIError
    const hint = 'it cannot be parsed; write special characters of user and password as %40 for @, %2F for /, %3F for ?'
    throw new DagstreamError('INVALID_OPTION', `The URL of the store is unusable: ${isMalformed ? hint : message}`, {
      details: { option: 'url' },
    })
  }
}

/** The URL for messages and logs: host, port and database, without user, password and parameters. */
export function describeUrl(url: string): string {
  const [address, parameters = ''] = splitOnce(url.replace(PROTOCOL, ''), '?')
  // Where no user is, an `@` behind the question mark may end a password that holds one.
  if (!address.includes('@') && parameters.includes('@')) return 'postgres://…'
  return `postgres://${address.slice(address.lastIndexOf('@') + 1)}`
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
