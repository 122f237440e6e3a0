import type { IncomingMessage, Server } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import { systemClock } from '../../clock.ts'

/** By request: removes its limit. */
const limits = new WeakMap<IncomingMessage | Http2ServerRequest, () => void>()

/**
 * Limits the time of the bodies of all requests, as `requestTimeout` of Node does, but allows a single request any time: Node
 * has one limit for all. A request over the limit becomes a `clientError`.
 */
export function limitRequestTime(server: Server, maxMs: number): void {
  // A request that is answered before the end of its body does not close with its socket.
  const running = new WeakMap<Socket, Set<() => void>>()
  server.on('connection', (socket: Socket) => {
    const stops = new Set<() => void>()
    running.set(socket, stops)
    socket.once('close', () => {
      for (const stop of stops) stop()
    })
  })
  server.prependListener('request', (incoming: IncomingMessage) => {
    const { headers, socket } = incoming
    if (headers['transfer-encoding'] === undefined && headers['content-length'] === undefined) return
    const cancel = systemClock.after(maxMs, () => {
      if (incoming.complete || socket.destroyed) return
      const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
      server.emit('clientError', error, socket)
    })
    const stops = running.get(socket)
    const stop = (): void => {
      cancel()
      stops?.delete(stop)
    }
    stops?.add(stop)
    limits.set(incoming, stop)
    incoming.once('end', stop)
    incoming.once('close', stop)
  })
}

/** The rest of the body may take any time; does nothing where `limitRequestTime` was not called. */
export function liftTimeLimit(incoming: IncomingMessage | Http2ServerRequest): void {
  limits.get(incoming)?.()
}
