import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createHandler } from 'dagstream/http'
import { type NodeServer, serve, type ServeOptions } from 'dagstream/http/node'
import { expect, onTestFinished, test } from 'vitest'

// Real sockets and real time: when Node.js closes an idle connection is what this is about.

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function start(options: ServeOptions = {}): Promise<NodeServer> {
  const server = await serve(createHandler({ tools: {}, drainMs: 0 }), { port: 0, ...options })
  onTestFinished(() => server.close())
  return server
}

async function ask(socket: Socket): Promise<string> {
  socket.write(HEALTH)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return String(chunk)
}

function open(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  return socket
}

test('clients are notified that an idle connection is kept for 75 s', async () => {
  const { port } = await start()
  expect(await ask(open(port))).toMatch(/^Keep-Alive: timeout=75\r$/m)
})

test('an idle connection outlasts the time for headers and for a request', async () => {
  const { port } = await start({ headersTimeoutMs: 500, requestTimeoutMs: 500 })
  const socket = open(port)
  for (let count = 0; count < 3; count += 1) {
    expect(await ask(socket)).toMatch(/^HTTP\/1\.1 200 /)
    // Node.js looks for what is late once a second.
    await new Promise(resolve => setTimeout(resolve, 2200))
  }
})

test('an idle connection is closed after the time that was given', async () => {
  const { port } = await start({ keepAliveTimeoutMs: 1000 })
  const socket = open(port)
  expect(await ask(socket)).toMatch(/^Keep-Alive: timeout=1\r$/m)
  const startedAt = performance.now()
  await once(socket, 'close')
  expect(performance.now() - startedAt).toBeGreaterThan(900)
})

test('the server does not wait for idle connections when it closes', async () => {
  const server = await start({ keepAliveTimeoutMs: 86_400_000 })
  const sockets = Array.from({ length: 5 }, () => open(server.port))
  await Promise.all(sockets.map(ask))
  const closed = Promise.all(sockets.map(socket => once(socket, 'close')))
  const startedAt = performance.now()
  await server.close()
  await closed
  expect(performance.now() - startedAt).toBeLessThan(1500)
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 86_400_001, '75000' as never])(
  'a time of %o is refused',
  async keepAliveTimeoutMs => {
    await expect(serve(createHandler({ tools: {} }), { port: 0, keepAliveTimeoutMs })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('Expected `keepAliveTimeoutMs` to be an integer from 1 to 86400000, got'),
    })
  },
)
