import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { discardBehindAnswer, isDiscarding, startDiscarding } from './discard.ts'

/** Status by error code of the parser; every other error is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/**
 * Answers input that Node refuses before it makes a request: bytes that are not HTTP, headers that are too long, requests
 * that take too long, and unknown expectations. Node itself would close the connection with the answer, and a client that
 * still sends would lose it in a reset.
 */
export function answerParserRefusals(server: Server): void {
  const pending = new WeakMap<Socket, Set<ServerResponse>>()
  server.on('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    const own = pending.get(socket) ?? new Set()
    pending.set(socket, own.add(outgoing))
    outgoing.once('close', () => own.delete(outgoing))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The parser fails again for each further chunk.
    if (isDiscarding(socket)) return
    const hasBegun = [...(pending.get(socket) ?? [])].some(({ headersSent }) => headersSent)
    if (!socket.writable || hasBegun) {
      socket.destroy(error)
      return
    }
    const status = STATUSES[error.code ?? ''] ?? 400
    startDiscarding(socket)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  })
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    discardBehindAnswer(incoming, outgoing)
    outgoing.writeHead(417, { Connection: 'close' }).end()
  })
}
