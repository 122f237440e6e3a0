import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createHandler } from 'dagstream/http'
import { createListener, type Fetcher, serve } from 'dagstream/http/node'
import { expect, onTestFinished, test } from 'vitest'
import { collectGarbage } from '../../support/collect-garbage.ts'

// Real sockets: how a connection ends under a client that still sends is what this is about.

const MIB = 1024 * 1024
const HEAD = 'POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function startServer(): Promise<number> {
  const server = await serve(createHandler({ tools: { work: () => 1 }, token: 'secret', drainMs: 0 }), { port: 0 })
  onTestFinished(() => server.close())
  return server.port
}

async function startListener(fetcher: Fetcher): Promise<number> {
  const server = createServer(createListener(fetcher) as RequestListener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

interface Ended {
  readonly text: string
  readonly error: string | undefined
  readonly tookMs: number
}

/** Sends text and then pieces until `count` are sent or the connection ends, and reads only then. */
async function send(port: number, text: string, piece: Buffer, count: number, pauseMs = 0, last = ''): Promise<Ended> {
  const startedAt = performance.now()
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => void socket.destroy())
  let error: string | undefined
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.on('error', failure => (error = (failure as NodeJS.ErrnoException).code))
  socket.pause()
  await once(socket, 'connect')
  socket.write(text)
  for (let sent = 0; sent < count && !socket.destroyed; sent += 1) {
    const written = new Promise<void>(resolve => void socket.write(piece, () => resolve()))
    await Promise.race([written, closed])
    if (pauseMs > 0) await pause(pauseMs)
  }
  socket.write(last)
  let received = ''
  socket.setEncoding('latin1').on('data', chunk => (received += chunk))
  socket.resume()
  await closed
  return { text: received, error, tookMs: performance.now() - startedAt }
}

test('a client that sends slowly, for less than 5 s, gets its answer', async () => {
  const port = await startServer()
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      send(port, `${HEAD}Content-Length: ${10 * MIB}\r\n\r\n`, Buffer.alloc(MIB), 10, 300),
    ),
  )
  expect(answers.map(({ text, error }) => [text.slice(0, 12), error])).toEqual(
    answers.map(() => ['HTTP/1.1 401', undefined]),
  )
})

test('a client that never stops sending is cut off at 16 MiB, or after 5 s', async () => {
  const port = await startServer()
  const head = `${HEAD}Content-Length: 1000000000000\r\n\r\n`
  const [fast, slow] = await Promise.all([
    send(port, head, Buffer.alloc(MIB), Number.POSITIVE_INFINITY),
    send(port, head, Buffer.alloc(10), Number.POSITIVE_INFINITY, 50),
  ])
  expect(fast.tookMs).toBeLessThan(4000)
  expect(slow.tookMs).toBeGreaterThan(4500)
  expect(slow.tookMs).toBeLessThan(9000)
})

test('discarded input is not kept in memory', async () => {
  const port = await startServer()
  collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const head = `${HEAD}Content-Length: ${15 * MIB}\r\n\r\n`
  const sending = Array.from({ length: 4 }, () => send(port, head, Buffer.alloc(MIB), 15, 10))
  await pause(300)
  // Each client holds one piece, each connection one buffer of the socket. Buffers that nothing refers to do not count.
  collectGarbage()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * MIB)
  for (const { text } of await Promise.all(sending)) expect(text.slice(0, 12)).toBe('HTTP/1.1 401')
})

test.each([
  ['413', 1, {}],
  ['413', 12, {}],
  ['413', 12, { 'Transfer-Encoding': 'chunked' }],
  ['413', 12, { Expect: '100-continue' }],
])('the client of Node.js gets a %s while it sends %i MiB with %o', async (_, count, headers) => {
  const handler = createHandler({ tools: {}, drainMs: 0 })
  const port = await startListener(handler)
  const length = 'Transfer-Encoding' in headers ? {} : { 'Content-Length': (count + 1) * MIB }
  const all = { 'Content-Type': 'application/json', ...length, ...headers }
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path: '/executions', headers: all })
  const errors: Error[] = []
  outgoing.on('error', error => errors.push(error))
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  for (let sent = 0; sent <= count; sent += 1) {
    outgoing.write(Buffer.alloc(MIB))
    await pause(20)
  }
  outgoing.end()
  const [response] = await answered
  let text = ''
  for await (const chunk of response) text += String(chunk)
  expect([response.statusCode, text.includes('Content too large'), errors]).toEqual([413, true, []])
})

test('fetch gets the answer to a body over the limit, fast and in pieces', async () => {
  const port = await startServer()
  const url = `http://127.0.0.1:${port}/executions`
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer secret' }
  for (let run = 0; run < 3; run += 1) {
    const fast = await fetch(url, { method: 'POST', headers, body: 'x'.repeat(15 * MIB) })
    expect([fast.status, (await fast.json()).title]).toEqual([413, 'Content too large'])
    let left = 30
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (left-- === 0) return controller.close()
        await pause(5)
        controller.enqueue(new Uint8Array(MIB / 2))
      },
    })
    const slow = await fetch(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    expect([slow.status, (await slow.json()).title]).toEqual([413, 'Content too large'])
  }
})

test('curl gets the answer to a body over the limit', async () => {
  const port = await startServer()
  for (const expectation of ['Expect:', 'Expect: 100-continue']) {
    const args = ['-sS', '-w', '%{http_code}', '-H', expectation, '-H', 'Content-Type: application/json']
    const child = execFile('curl', [...args, '--data-binary', '@-', `http://127.0.0.1:${port}/executions`])
    let text = ''
    child.stdout?.on('data', chunk => (text += String(chunk)))
    child.stderr?.on('data', chunk => (text += String(chunk)))
    child.stdin?.on('error', () => {})
    child.stdin?.end(Buffer.alloc(12 * MIB, 'x'))
    const [code] = (await once(child, 'close')) as [number]
    expect([code, text.slice(-3), text.includes('Unauthorized')]).toEqual([0, '401', true])
  }
})

test.each([
  ['a chunk that is none', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
  ['bytes that are no HTTP', 'hello\r\n\r\n', 400],
  ['headers that are too long', `${HEAD}X: ${'x'.repeat(100_000)}\r\n`, 431],
  ['no host', 'POST /executions HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n', 400],
  ['an unknown expectation', `${HEAD}Expect: tea\r\nContent-Length: 10485760\r\n\r\n`, 417],
])('the answer to %s is not lost under further input', async (_, text, status) => {
  const port = await startServer()
  for (let run = 0; run < 5; run += 1) {
    const { text: received, error } = await send(port, text, Buffer.alloc(MIB, 'x'), 10)
    expect([received.slice(0, 12), error]).toEqual([`HTTP/1.1 ${status}`, undefined])
  }
})

test('the answer of a handler that has read a part of the body, and left the rest, is not lost', async () => {
  const answer = (): Response => new Response('enough', { status: 413 })
  const fetchers: Fetcher['fetch'][] = [
    async ({ body }) => (await body?.getReader().read(), answer()),
    async ({ body }) => (await body?.cancel(), answer()),
    async ({ body }) => {
      const reader = body?.getReader()
      await reader?.read()
      await reader?.cancel()
      return answer()
    },
    () => answer(),
    () => Promise.reject(new Error('unexpected')),
  ]
  for (const [index, fetch] of fetchers.entries()) {
    const port = await startListener({ fetch })
    for (const length of [`Content-Length: ${10 * MIB}`, 'Transfer-Encoding: chunked']) {
      const isChunked = length.startsWith('T')
      const piece = isChunked ? Buffer.from(`100000\r\n${'x'.repeat(MIB)}\r\n`) : Buffer.alloc(MIB)
      const { text, error } = await send(
        port,
        `${HEAD}Connection: close\r\n${length}\r\n\r\n`,
        piece,
        10,
        0,
        isChunked ? '0\r\n\r\n' : '',
      )
      expect([index, length, text.slice(0, 12), error]).toEqual([
        index,
        length,
        index === 4 ? 'HTTP/1.1 500' : 'HTTP/1.1 413',
        undefined,
      ])
    }
  }
})

test('a reader of a body after the answer learns that it is truncated', async () => {
  let read: Promise<string> | undefined
  const port = await startListener({
    fetch: request => {
      read = request.text()
      read.catch(() => {})
      return new Response('early')
    },
  })
  await send(port, `${HEAD}Content-Length: ${2 * MIB}\r\n\r\n`, Buffer.alloc(MIB), 2, 50)
  await expect(read).rejects.toThrow('The answer was complete before the body of its request')
})

test('a request that follows on the connection of a refused one is answered when the body was complete', async () => {
  const port = await startServer()
  const body = 'x'.repeat(1000)
  const text = `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`
  const last = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const { text: received } = await send(port, text.repeat(3) + last, Buffer.alloc(0), 0)
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(Array(4).fill('HTTP/1.1 401'))
})
