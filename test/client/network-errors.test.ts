import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { isRetryable } from '../../src/client/classify-error.ts'

// Real sockets and real time, since this file is about what a runtime really throws.

const servers: Server[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve))
})

/** Where a server listens that does this to each connection once a request has arrived. */
async function listen(onRequest: (socket: Socket) => void): Promise<string> {
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => onRequest(socket))
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
const CHUNK = '7\r\n: hi\n\r\n'

async function failureOf(read: () => Promise<unknown>): Promise<unknown> {
  try {
    await read()
  } catch (error) {
    return error
  }
  throw new Error('Expected a failure')
}

const text = (url: string, init: RequestInit = {}): Promise<unknown> =>
  failureOf(async () => (await fetch(url, init)).text())

test.each<[string, (socket: Socket) => void, string]>([
  ['closes before headers', socket => socket.destroy(), 'fetch failed'],
  ['resets before headers', socket => socket.resetAndDestroy(), 'fetch failed'],
  ['ends before headers', socket => socket.end(), 'fetch failed'],
  ['says nonsense', socket => socket.end('nonsense\r\n\r\n'), 'fetch failed'],
  [
    'cuts a chunked body',
    socket => socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${CHUNK}`, () => socket.destroy()),
    'terminated',
  ],
  [
    'resets in the body',
    socket => socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${CHUNK}`, () => socket.resetAndDestroy()),
    'terminated',
  ],
  ['ends a body too early', socket => socket.end(`${HEAD}Content-Length: 100\r\n\r\n: hi\n`), 'terminated'],
])('a server that %s: retried', async (_, onRequest, message) => {
  const error = await text(await listen(onRequest))
  expect([(error as Error).message, isRetryable(error)]).toEqual([message, true])
})

test('a port where nobody listens: retried', async () => {
  const url = await listen(() => {})
  await new Promise(resolve => servers.pop()?.close(resolve))
  const error = await text(url)
  expect([(error as Error).cause, isRetryable(error)]).toMatchObject([{ code: 'ECONNREFUSED' }, true])
})

test('a name that does not exist: retried', async () => {
  const error = await text('http://nothing.invalid')
  expect([(error as Error).message, isRetryable(error)]).toEqual(['fetch failed', true])
})

test('a time limit: retried; an abort: not', async () => {
  const url = await listen(() => {})
  const timedOut = await text(url, { signal: AbortSignal.timeout(20) })
  expect([(timedOut as Error).name, isRetryable(timedOut)]).toEqual(['TimeoutError', true])
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  const aborted = await text(url, { signal: controller.signal })
  expect([(aborted as Error).name, isRetryable(aborted)]).toEqual(['AbortError', false])
})

test("undici's own time limits for headers and for bodies: retried", async () => {
  const dispatcher = new Agent({ headersTimeout: 50, bodyTimeout: 50 })
  const silent = await listen(() => {})
  const stuck = await listen(socket => void socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${CHUNK}`))
  const errors = await Promise.all(
    [silent, stuck].map(url => failureOf(async () => (await undiciFetch(url, { dispatcher })).text())),
  )
  expect(errors.map(error => ((error as Error).cause as { code: string }).code)).toEqual([
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
  ])
  expect(errors.map(isRetryable)).toEqual([true, true])
  await dispatcher.destroy()
})

test('a request that cannot be made: not retried', async () => {
  const redirecting = await listen(socket => socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n'))
  const errors = [
    await text('http://127.0.0.1:1'),
    await text('http://a b'),
    await text('http://me:secret@127.0.0.1'),
    await text('gopher://127.0.0.1'),
    await text(redirecting, { redirect: 'error' }),
  ]
  expect(errors.map(isRetryable)).toEqual([false, false, false, false, false])
})
