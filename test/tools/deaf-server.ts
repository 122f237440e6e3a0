import { createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface DeafServer {
  readonly port: number
  /** How many connections are open. */
  readonly openCount: () => number
  /** Resolves once there is a connection. */
  readonly connected: () => Promise<void>
  /** Resolves once no connection is open. */
  readonly closed: () => Promise<void>
}

/** A server that accepts connections and never says a word: no TLS handshake with it ends. */
export async function serveDeaf(): Promise<DeafServer> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      server.emit('changed')
    })
    socket.resume()
    server.emit('changed')
  })
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise(resolve => server.once('changed', resolve))
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    openCount: () => sockets.size,
    connected: () => until(() => sockets.size > 0),
    closed: () => until(() => sockets.size === 0),
  }
}
