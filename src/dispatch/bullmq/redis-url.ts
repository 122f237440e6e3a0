import { invalidOption } from '../../errors.ts'

const PROTOCOL = /^rediss?:\/\//

/** Requires a URL of Redis. @throws `INVALID_OPTION` without the URL, which may hold a password */
export function expectRedisUrl(url: unknown): string {
  if (typeof url === 'string' && PROTOCOL.test(url) && URL.canParse(url)) return url
  throw invalidOption('url', 'a URL such as `redis://host:6379` or `rediss://…` for TLS', typeof url)
}

/** The URL for messages and logs: host, port and database, without user, password and parameters. */
export function describeRedisUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
