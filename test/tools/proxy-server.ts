import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ProxyServer {
  readonly port: number
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  /** What each `CONNECT` asked for, in order. */
  readonly targets: readonly string[]
  readonly requests: readonly IncomingMessage[]
  /** How many connections to the proxy are open. */
  readonly openCount: () => number
  /** Resolves once no connection is open. */
  readonly idle: () => Promise<void>
}

/**
 * A forward proxy on loopback, closed with the test. Every name leads to loopback, as behind a real proxy of a network that the
 * client cannot see.
 * @param answer status for a `CONNECT`; `'silence'` never answers
 */
export async function startProxy(
  answer: (request: IncomingMessage) => number | 'silence' = () => 200,
): Promise<ProxyServer> {
  const targets: string[] = []
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  let onClose = (): void => {}
  const server = createServer((_request, response) => response.writeHead(501).end())
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      onClose()
    })
  })
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    targets.push(request.url ?? '')
    requests.push(request)
    const status = answer(request)
    if (status === 'silence') {
      socket.on('end', () => socket.end()).resume()
    } else if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`)
    } else {
      openTunnel(request, socket, head)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    targets,
    requests,
    openCount: () => sockets.size,
    idle: () =>
      new Promise(resolve => {
        onClose = () => {
          if (sockets.size === 0) resolve()
        }
        onClose()
      }),
  }
}

function openTunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
  const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) upstream.write(head)
    upstream.pipe(socket)
    socket.pipe(upstream)
  })
  upstream.on('error', () => socket.destroy())
  socket.on('close', () => upstream.destroy())
}
