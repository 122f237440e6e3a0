import { type ClientRequest, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { type Environment, findProxy, type Proxy, ProxyError } from '../../proxy.ts'

/** Timeout for reaching a proxy and its answer to `CONNECT`, ms. */
const TUNNEL_TIMEOUT_MS = 10_000

type Target = buildConnector.Options
type Callback = buildConnector.Callback

/**
 * A connector that tunnels (`CONNECT`) through the proxy that the environment names for a target, http targets included.
 *
 * The environment is read for each new connection. Without a proxy `direct` connects.
 * @param overTunnel establishes TLS over a tunnel: undici's own connector
 */
export function proxied(
  direct: buildConnector.connector,
  overTunnel: buildConnector.connector,
  env: () => Environment,
): buildConnector.connector {
  return (target, callback) => {
    let proxy: Proxy | undefined
    try {
      proxy = findProxy(target, env())
    } catch (error) {
      return queueMicrotask(() => callback(error as Error, null))
    }
    return proxy === undefined ? direct(target, callback) : openTunnel(proxy, target, overTunnel, callback)
  }
}

/** @returns a function that aborts the connection attempt */
function openTunnel(
  proxy: Proxy,
  target: Target,
  overTunnel: buildConnector.connector,
  callback: Callback,
): { destroy(error: Error): void } {
  const request = askForTunnel(proxy, target)
  let current: { destroy(error: Error): unknown } = request
  const timer = setTimeout(() => request.destroy(new TunnelTimeout()), TUNNEL_TIMEOUT_MS)
  request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
    clearTimeout(timer)
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy()
      return callback(describeRefusal(proxy, statusCode), null)
    }
    if (head.length > 0) socket.unshift(head)
    socket.setNoDelay(true)
    if (target.protocol !== 'https:') return callback(null, socket)
    // Until TLS installs its own listener, a reset would crash the process.
    socket.on('error', () => {})
    current = (overTunnel({ ...target, httpSocket: socket }, callback) as unknown as Socket | undefined) ?? socket
  })
  request.once('error', error => {
    clearTimeout(timer)
    callback(describeUnreachable(proxy, error), null)
  })
  request.end()
  return { destroy: error => void current.destroy(error) }
}

/** The timeout of this module, as opposed to one of the system. */
class TunnelTimeout extends Error {
  override readonly name: string = 'TunnelTimeout'
}

function askForTunnel({ url, authorization }: Proxy, target: Target): ClientRequest {
  const { hostname, protocol } = target
  const name = hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname
  const authority = `${name}:${target.port || (protocol === 'https:' ? 443 : 80)}`
  const request = url.protocol === 'https:' ? requestByHttps : requestByHttp
  return request({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (url.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    agent: false,
  })
}

function describeRefusal({ host, authorization }: Proxy, status: number): ProxyError {
  const given = authorization === undefined ? 'expects a user and a password' : 'refuses the user and password given'
  const why = status === 407 ? `407: it ${given}` : `${status} instead of opening a tunnel`
  return new ProxyError(`The proxy \`${host}\` answered ${why}`, { code: 'PROXY_REFUSED', proxyHost: host, status })
}

function describeUnreachable({ host }: Proxy, error: Error): ProxyError {
  if (error instanceof TunnelTimeout) {
    const message = `The proxy \`${host}\` did not open a tunnel within ${TUNNEL_TIMEOUT_MS} ms`
    return new ProxyError(message, { code: 'PROXY_TIMEOUT', proxyHost: host })
  }
  const { code } = error as { code?: unknown }
  const networkCode = typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : undefined
  const why = networkCode === undefined ? '' : `: ${networkCode}`
  return new ProxyError(`The proxy \`${host}\` could not be reached${why}`, {
    code: 'PROXY_UNREACHABLE',
    proxyHost: host,
    ...(networkCode !== undefined && { networkCode }),
  })
}
