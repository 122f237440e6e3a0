import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../../errors.ts'
import type { Handler } from '../create-handler.ts'
import { isLoopback, LOOPBACK_HOSTS, parseAllowedHosts, refuseHost } from '../security/host-guard.ts'
import { createListener } from './listener.ts'
import { DEFAULT_PORT, MAX_KEEP_ALIVE_MS } from './serve-bounds.ts'
import { answerParserRefusals } from './parser-refusals.ts'
import { limitRequestTime } from './request-time.ts'

/** Address and limits of a server. */
export interface ServeOptions {
  /** 0 for any free one. @defaultValue 8321 */
  readonly port?: number
  /** @defaultValue `127.0.0.1`: this machine only */
  readonly host?: string
  /**
   * The `Host`s, without port, that are answered; others get 403. @defaultValue the names of loopback if `host` is loopback,
   * else any
   */
  readonly allowedHosts?: readonly string[]
  /** Maximum number of open connections; further ones are closed at once. @defaultValue 4,096 */
  readonly maxConnections?: number
  /** Maximum time for the headers of a request, ms; at most `requestTimeoutMs`. @defaultValue 10,000 */
  readonly headersTimeoutMs?: number
  /**
   * Maximum time for the body of a request, ms; the duration of the answer is unbounded. A plan that is still being written may
   * take any time. @defaultValue 30,000
   */
  readonly requestTimeoutMs?: number
  /**
   * Time for which an idle connection is kept open, ms; sent to clients as `Keep-Alive`. It should exceed that of a load
   * balancer in front, often 60 s: otherwise the balancer may send a request into a connection that is being closed, and
   * answer 502.
   * @defaultValue 75,000
   */
  readonly keepAliveTimeoutMs?: number
}

/** A listening server. */
export interface NodeServer {
  /** Without a trailing slash. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Drains the handler, then ends all connections. Idempotent. */
  readonly close: () => Promise<void>
}

const DEFAULT_KEEP_ALIVE_MS = 75_000

/** Time for connections to end by themselves before they are destroyed, ms. */
const CLOSE_MS = 1000

/** Clients that saw the end of an execution may request its result: quiet time before the close, and its upper bound, ms. */
const QUIET_MS = 250
const MAX_LINGER_MS = 2000

/**
 * Serves a handler by HTTP/1.1.
 * @returns settles when it listens; rejects with the system's error when it cannot, such as `EADDRINUSE`
 * @throws `INVALID_OPTION`
 */
export async function serve(
  handler: Pick<Handler, 'fetch' | 'close'>,
  options: ServeOptions = {},
): Promise<NodeServer> {
  const {
    port = DEFAULT_PORT,
    host = '127.0.0.1',
    maxConnections = 4096,
    requestTimeoutMs = 30_000,
    headersTimeoutMs = Math.min(10_000, requestTimeoutMs),
    keepAliveTimeoutMs = DEFAULT_KEEP_ALIVE_MS,
    allowedHosts,
    ...unknown
  } = expectObject('options', options)
  for (const [name, value] of Object.entries(unknown)) {
    throw invalidOption(name, 'absent: what is served is an option of `createHandler`', value)
  }
  expectMethods('handler', handler, ['fetch', 'close'])
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalidOption('port', 'an integer from 0 to 65535', port)
  for (const [name, value] of Object.entries({ maxConnections, headersTimeoutMs, requestTimeoutMs })) {
    if (!(Number.isInteger(value) && value > 0)) throw invalidOption(name, 'a positive integer', value)
  }
  if (!(Number.isInteger(keepAliveTimeoutMs) && keepAliveTimeoutMs > 0 && keepAliveTimeoutMs <= MAX_KEEP_ALIVE_MS)) {
    throw invalidOption('keepAliveTimeoutMs', `an integer from 1 to ${MAX_KEEP_ALIVE_MS}`, keepAliveTimeoutMs)
  }
  if (headersTimeoutMs > requestTimeoutMs) {
    const expected = `at most \`requestTimeoutMs\`, ${requestTimeoutMs}`
    throw invalidOption('headersTimeoutMs', expected, headersTimeoutMs)
  }
  let allowed = allowedHosts && parseAllowedHosts(allowedHosts)
  const fetch = async (request: Request): Promise<Response> =>
    (allowed && refuseHost(request, allowed)) ?? handler.fetch(request)
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      // It would end plans, too: the limit is kept here.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 1000,
      // The listener refuses them: Node closes at once, and the answer is lost under a client that still sends.
      requireHostHeader: false,
    },
    createListener({ fetch }) as RequestListener,
  )
  server.maxConnections = maxConnections
  answerParserRefusals(server)
  limitRequestTime(server, requestTimeoutMs)
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  // Independent of the spelling of the address.
  if (isLoopback(address.address)) allowed ??= parseAllowedHosts(LOOPBACK_HOSTS)
  let openCount = 0
  let requestCount = 0
  server.on('request', (_, outgoing) => {
    openCount += 1
    requestCount += 1
    outgoing.once('close', () => (openCount -= 1))
  })
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    // Clients with an open stream may request the result; without one there is nothing to wait for.
    let seen = openCount > 0 ? -1 : requestCount
    // New connections are answered meanwhile: clients reconnect for the end of draining executions and request their
    // results.
    await handler.close()
    for (let waited = 0; requestCount > seen && waited < MAX_LINGER_MS; waited += QUIET_MS) {
      seen = requestCount
      await new Promise<void>(resolve => void systemClock.after(QUIET_MS, resolve))
    }
    const isClosed = new Promise(resolve => server.close(resolve))
    const stop = systemClock.after(CLOSE_MS, () => server.closeAllConnections())
    await isClosed
    stop()
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    host,
    port: address.port,
    close: () => (closed ??= close()),
  }
}
