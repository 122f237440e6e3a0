import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createRawServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ProviderServer {
  readonly port: number
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseURL: string
  readonly requests: IncomingMessage[]
  /** How many connections are open. */
  readonly openCount: () => number
  /** Resolves once the newest connection is closed. */
  readonly closed: () => Promise<void>
}

/** A server on a free port that answers every request by `answer`; closed with the test. */
export async function serveProvider(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<ProviderServer> {
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  let newest: Socket | undefined
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume().on('end', () => answer(response, request))
  })
  server.on('connection', socket => {
    newest = socket
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    baseURL: `http://127.0.0.1:${port}/v1`,
    requests,
    openCount: () => sockets.size,
    closed: () =>
      new Promise(resolve =>
        newest === undefined || newest.closed ? resolve() : newest.once('close', () => resolve()),
      ),
  }
}

/** A server that knows nothing of HTTP: `answer` gets the socket once something has been sent to it. */
export async function serveRaw(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createRawServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

/** A port that nobody listens on. */
export async function findClosedPort(): Promise<number> {
  const server = createRawServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
