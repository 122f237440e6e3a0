import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createHandler } from 'dagstream/http'
import { expect, onTestFinished, test } from 'vitest'
import { handleWorkflowRequest } from '../../../src/http/workflow-request.ts'

// An adapter that is not ours closes a connection shortly after an answer, whether or not the client still sends.

const MIB = 1024 * 1024
const JSON_TYPE = 'Content-Type: application/json\r\n'
const AUTHORIZED = `Authorization: Bearer secret\r\n${JSON_TYPE}`

async function start(fetch: (request: Request) => Promise<Response>): Promise<number> {
  const listen = getRequestListener(fetch, { overrideGlobalObjects: false })
  const server = createServer((incoming, outgoing) => void listen(incoming, outgoing)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** Sends pieces of 1 MiB, and reads only then. @returns the status and the client's error */
async function send(port: number, head: string, count: number, pauseMs: number): Promise<unknown[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => void socket.destroy())
  socket.pause()
  let error: string | undefined
  socket.on('error', failure => (error = (failure as NodeJS.ErrnoException).code))
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  const isChunked = head.includes('chunked')
  const length = isChunked ? '' : `Content-Length: ${count * MIB}\r\n`
  socket.write(`POST /executions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${head}${length}\r\n`)
  const bytes = Buffer.alloc(MIB, 'x')
  const piece = isChunked ? Buffer.concat([Buffer.from('100000\r\n'), bytes, Buffer.from('\r\n')]) : bytes
  for (let sent = 0; sent < count && !socket.destroyed; sent += 1) {
    await Promise.race([closed, new Promise<void>(resolve => void socket.write(piece, () => resolve()))])
    if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs))
  }
  if (isChunked) socket.write('0\r\n\r\n')
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => (text += chunk))
  socket.resume()
  await closed
  return [text.slice(9, 12), error]
}

test.each([
  ['401', JSON_TYPE],
  ['401', `${JSON_TYPE}Transfer-Encoding: chunked\r\n`],
  ['413', AUTHORIZED],
  ['413', `${AUTHORIZED}Transfer-Encoding: chunked\r\n`],
])(
  'a %s reaches a client that reads after it has sent everything, through another adapter: %j',
  async (status, head) => {
    const handler = createHandler({ tools: {}, token: 'secret', drainMs: 0 })
    const port = await start(request => handler.fetch(request))
    const answers = await Promise.all([
      send(port, head, 2, 0),
      send(port, head, 15, 0),
      send(port, head, 10, 200),
      send(port, head, 4, 700),
    ])
    expect(answers).toEqual(answers.map(() => [status, undefined]))
  },
)

test('so does the refusal of a single workflow', async () => {
  const port = await start(request => handleWorkflowRequest(request, { tasks: [] }, { tools: {} }))
  expect(await send(port, 'Accept: image/png\r\n', 10, 150)).toEqual(['406', undefined])
})

/** What an adapter makes. */
class StandIn extends Request {}

test('a refusal does not wait for more than 16 MiB', async () => {
  const handler = createHandler({ tools: {}, token: 'secret' })
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += MIB
      controller.enqueue(new Uint8Array(MIB))
    },
  })
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit
  expect((await handler.fetch(new StandIn('http://localhost/executions', init))).status).toBe(401)
  expect(sent).toBeLessThan(20 * MIB)
})

test('a refusal does not wait for longer than 5 s', async () => {
  const handler = createHandler({ tools: {}, token: 'secret' })
  const init = { method: 'POST', body: new ReadableStream<Uint8Array>(), duplex: 'half' } as RequestInit
  const startedAt = performance.now()
  expect((await handler.fetch(new StandIn('http://localhost/executions', init))).status).toBe(401)
  const tookMs = performance.now() - startedAt
  expect([tookMs > 4500, tookMs < 8000]).toEqual([true, true])
})
