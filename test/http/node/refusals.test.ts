import { once } from 'node:events'
import { connect } from 'node:net'
import { serve, type ServeOptions } from 'dagstream/http/node'
import { createHandler, type HandlerOptions } from 'dagstream/http'
import { expect, onTestFinished, test } from 'vitest'

// Real sockets: how a connection ends under a client that still sends is what this is about.

const MIB = 1024 * 1024
const TOKEN = 'secret'

async function start(options: Partial<HandlerOptions> = {}, serveOptions: ServeOptions = {}): Promise<number> {
  const handler = createHandler({ tools: { work: () => 1 }, drainMs: 0, ...options })
  const server = await serve(handler, { port: 0, ...serveOptions })
  onTestFinished(() => server.close())
  return server.port
}

interface Sending {
  readonly bytes: number
  /** Pause between pieces of 256 KiB, ms. */
  readonly pauseMs?: number
  readonly isChunked?: boolean
  readonly path?: string
  readonly method?: string
  readonly host?: string
  readonly headers?: string
}

interface Received {
  readonly text: string
  readonly error: string | undefined
}

/** Sends a whole request, and only then reads, until the connection has ended. */
async function sendThenRead(port: number, sending: Sending): Promise<Received> {
  const { bytes, pauseMs, isChunked, path = '/executions', method = 'POST', headers = '', host = 'localhost' } = sending
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => void socket.destroy())
  socket.pause()
  await once(socket, 'connect')
  let error: string | undefined
  socket.on('error', failure => (error = (failure as NodeJS.ErrnoException).code))
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}${length}\r\n\r\n`)
  const piece = Buffer.alloc(Math.min(bytes, 256 * 1024), 'x')
  for (let sent = 0; sent < bytes; sent += piece.length) {
    const frame = isChunked
      ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
      : piece
    const isTaken = await new Promise<boolean>(resolve => socket.write(frame, failure => resolve(!failure)))
    if (!isTaken) break
    if (pauseMs) await new Promise(resolve => setTimeout(resolve, pauseMs))
  }
  if (isChunked) socket.write('0\r\n\r\n')
  let text = ''
  socket.setEncoding('latin1')
  await new Promise<void>(resolve => {
    socket.once('close', () => resolve())
    socket.on('data', chunk => {
      text += chunk
      // The server keeps the connection where the body was complete in time.
      if (text.endsWith('}') && !/^connection: close\r$/im.test(text)) resolve()
    })
    socket.resume()
  })
  return { text, error }
}

const JSON_TYPE = 'Content-Type: application/json\r\n'
const AUTHORIZED = `Authorization: Bearer ${TOKEN}\r\n`

/** What is refused before its body, and what because of it; above 1 MiB only the latter comes first. */
const REFUSALS: readonly [status: number, name: string, sending: Omit<Sending, 'bytes'>, counts: readonly number[]][] =
  [
    [401, 'a missing token', { headers: JSON_TYPE }, [1, 7, 15]],
    [403, 'another host', { headers: `Authority: x\r\n`, host: 'elsewhere.example' }, [1, 7, 15]],
    [404, 'an unknown route', { headers: AUTHORIZED, path: '/nowhere' }, [1]],
    [404, 'an unknown execution', { headers: AUTHORIZED, path: '/executions/unknown/cancel' }, [1]],
    [405, 'another method', { headers: AUTHORIZED, method: 'PUT' }, [1, 7, 15]],
    [406, 'another type that is asked for', { headers: `${AUTHORIZED}${JSON_TYPE}Accept: image/png\r\n` }, [1]],
    [413, 'a body over the limit', { headers: AUTHORIZED + JSON_TYPE }, [1.5, 7, 15]],
    [415, 'a body of another type', { headers: `${AUTHORIZED}Content-Type: text/plain\r\n` }, [1]],
    [501, 'TRACE', { headers: AUTHORIZED, method: 'TRACE' }, [1, 7, 15]],
  ]

/** @returns the sendings whose answer was not received whole, or whose client saw an error */
async function findLosses(port: number, status: number, sendings: readonly Sending[]): Promise<string[]> {
  const lost: string[] = []
  for (const sending of sendings) {
    const { text, error } = await sendThenRead(port, sending)
    const isWhole = text.startsWith(`HTTP/1.1 ${status} `) && text.endsWith('}')
    if (!isWhole || error !== undefined) lost.push(`${JSON.stringify(sending)}: ${error} ${text.slice(0, 40)}`)
  }
  return lost
}

test.each(REFUSALS)('a %i for %s reaches a client that reads only after it has sent its whole body', async (...row) => {
  const [status, , more, counts] = row
  const port = await start({ token: TOKEN })
  const sendings = counts.flatMap(count => {
    const bytes = count * MIB
    const closing = { ...more, bytes, headers: `${more.headers}Connection: close\r\n` }
    return [{ ...more, bytes }, { ...more, bytes, isChunked: true }, closing, { ...closing, isChunked: true }]
  })
  expect(await findLosses(port, status, sendings)).toEqual([])
})
