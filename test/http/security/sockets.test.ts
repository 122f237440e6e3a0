import { describe, expect, test } from 'vitest'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import { ONE_TASK } from '../handler/handler-rig.ts'
import { type SocketRig, socketRig, until } from './socket-rig.ts'

// Real sockets and real time: what clients do that no `Request` can.

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const BODY = JSON.stringify(ONE_TASK)
const post = (rest: string): string =>
  `POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${rest}`
const WHOLE = post(`Accept: text/event-stream\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`)

/** The server still answers well-behaved clients. */
async function expectHealthy({ server }: SocketRig): Promise<void> {
  const response = await fetch(`${server.url}/healthz`, { headers: { Connection: 'close' } })
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
}

describe('slow clients', () => {
  const limits = { headersTimeoutMs: 300, requestTimeoutMs: 600 }

  test('a client that takes its time over its headers is disconnected', async () => {
    const rig = await socketRig({}, limits)
    const connection = rig.open('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const startedAt = performance.now()
    await connection.dribble('x', 50)
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(connection.text).toMatch(/^HTTP\/1\.1 408 /)
    await expectHealthy(rig)
  })

  test('a client that takes its time over its body is disconnected, and nothing runs for it', async () => {
    const rig = await socketRig({}, limits)
    const connection = rig.open(post('Content-Length: 1000\r\n\r\n{"tasks":'))
    const chunked = rig.open(post('Transfer-Encoding: chunked\r\n\r\n'))
    await Promise.all([connection.dribble(' ', 50), chunked.dribble('1\r\n \r\n', 50)])
    await rig.tool.idle()
    expect([rig.tool.started, rig.warnings]).toEqual([[], []])
    await expectHealthy(rig)
  })

  test('a client that connects and says nothing is disconnected', async () => {
    const rig = await socketRig({}, limits)
    await rig.open('').ended
    await expectHealthy(rig)
  })

  test('an answer may take longer than a request', async () => {
    const rig = await socketRig({ heartbeatMs: 100 }, limits)
    const connection = rig.open(WHOLE)
    await until(() => rig.tool.started.length === 1)
    const call = await rig.tool.nextCall('a')
    // Twice as long as the server looks for slow requests.
    await new Promise(resolve => setTimeout(resolve, 2200))
    call.succeed('at last')
    await until(() => connection.text.includes('event: execution_complete'))
    expect(connection.text).toContain('at last')
  })
})

test('more connections than the server takes are closed at once, and places are given back', async () => {
  const rig = await socketRig({}, { maxConnections: 3 })
  const first = [rig.open(HEALTH), rig.open(HEALTH), rig.open(HEALTH)]
  await until(() => first.every(({ text }) => text.includes('200 OK')))
  const more = [rig.open(HEALTH), rig.open(HEALTH)]
  expect(await Promise.all(more.map(({ ended }) => ended))).toEqual(['', ''])
  for (const { socket } of first) socket.destroy()
  await until(async () => {
    const late = rig.open(HEALTH)
    await Promise.race([late.ended, until(() => late.text.includes('200 OK'))])
    return late.text.includes('200 OK')
  })
})

describe('malformed requests are refused, and the server continues', () => {
  test.each([
    [
      'headers without an end',
      `GET / HTTP/1.1\r\nHost: localhost\r\n${`X-More: ${'x'.repeat(1000)}\r\n`.repeat(100)}`,
      431,
    ],
    ['a URL without an end', `GET /${'x'.repeat(100_000)}`, 431],
    ['thousands of headers', `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'a:\r\n'.repeat(20_000)}\r\n`, 431],
    ['garbage', '\u0000\u00ff\u0001garbage\r\n\r\n', 400],
    ['the greeting of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', 400],
    ['no version', 'GET /healthz\r\n\r\n', 400],
    ['a broken header', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nnot a header\r\n\r\n', 400],
    ['a header with a NUL', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: \u0000\r\n\r\n', 400],
    ['two lengths', post(`Content-Length: 5\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`), 400],
    ['a length and chunks', post(`Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), 400],
    ['a length that is none', post('Content-Length: 1e3\r\n\r\n'), 400],
    ['a chunk that is none', post('Transfer-Encoding: chunked\r\n\r\nzz\r\n'), 400],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['no host in the old version', 'GET /healthz HTTP/1.0\r\n\r\n', 400],
  ])('%s', async (_, text, status) => {
    const rig = await socketRig()
    const answer = await rig.open(text).ended
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await expectHealthy(rig)
    expect(rig.tool.started).toEqual([])
  })

  test('a body without an end', async () => {
    const rig = await socketRig({}, { requestTimeoutMs: 2000 })
    const connection = rig.open(post('Transfer-Encoding: chunked\r\n\r\n'))
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    let sent = 0
    while (!connection.isOver && sent < 256 * 1024 * 1024) {
      sent += chunk.length
      if (!connection.socket.write(chunk)) {
        const drained = new Promise(resolve => connection.socket.once('drain', resolve))
        await Promise.race([drained, connection.ended])
      }
    }
    expect([connection.isOver, connection.text.slice(0, 12)]).toEqual([true, 'HTTP/1.1 413'])
    await expectHealthy(rig)
  })

  test('a body that says it is too long is not waited for', async () => {
    const rig = await socketRig()
    const connection = rig.open(post('Content-Length: 99999999\r\n\r\n{'))
    await until(() => connection.text.startsWith('HTTP/1.1 413'))
    await expectHealthy(rig)
  })
})

describe('hosts', () => {
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io'])(
    'a server on loopback does not answer for %s: a page may have had that name resolve to it',
    async host => {
      const rig = await socketRig()
      const text = WHOLE.replace('Host: localhost', `Host: ${host}`)
      const connection = rig.open(text)
      await until(() => connection.text.includes('HOST_NOT_ALLOWED'))
      expect(connection.text).toMatch(/^HTTP\/1\.1 403 /)
      await rig.tool.idle()
      expect(rig.tool.started).toEqual([])
    },
  )

  test('it answers for its own names, with any port', async () => {
    const rig = await socketRig()
    for (const host of ['localhost', '127.0.0.1', '[::1]', `localhost:${rig.server.port}`]) {
      const connection = rig.open(HEALTH.replace('localhost', host))
      await until(() => connection.text.includes('"ok"'))
    }
  })
})

describe('clients that go', () => {
  test('in the middle of a stream leave nothing behind', async () => {
    const rig = await socketRig({ onDisconnect: 'cancel' })
    const connections = Array.from({ length: 20 }, () => rig.open(WHOLE))
    await until(() => connections.every(({ text }) => text.includes('event: task_start')))
    expect(await rig.figure('dagstream_subscribers')).toBe(20)
    for (const [at, { socket }] of connections.entries()) {
      if (at % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
    }
    await until(async () => (await rig.figure('dagstream_subscribers')) === 0)
    const calls = rig.tool.takeAll()
    await until(() => calls.every(({ context }) => context.signal.aborted))
    await expectHealthy(rig)
  })

  test('before their answer leave nothing behind', async () => {
    const rig = await socketRig({ onDisconnect: 'cancel' })
    for (let at = 0; at < 20; at++) {
      const { socket } = rig.open(WHOLE)
      await new Promise(resolve => socket.once('connect', resolve))
      socket.destroySoon()
    }
    await until(async () => (await rig.figure('dagstream_subscribers')) === 0)
    await until(async () => (await rig.figure('dagstream_executions_running')) === 0)
    await expectHealthy(rig)
  })

  test('by closing their half alone count as gone, and leave nothing behind', async () => {
    const rig = await socketRig({ onDisconnect: 'cancel' })
    const connection = rig.open(WHOLE)
    await until(() => rig.tool.started.length === 1)
    const call = await rig.tool.nextCall('a')
    connection.socket.end()
    await connection.ended
    await until(() => call.context.signal.aborted)
    await until(async () => (await rig.figure('dagstream_subscribers')) === 0)
    await expectHealthy(rig)
  })

  test('that read nothing are disconnected after the stall time, and the execution never waits for them', async () => {
    const rig = await socketRig({
      stallTimeoutMs: 500,
      tools: {
        async work(_, { emitToken }) {
          for (let at = 0; at < 32; at++) {
            emitToken('x'.repeat(1024 * 1024))
            await new Promise(resolve => setImmediate(resolve))
          }
        },
      },
    })
    const connection = rig.open('')
    connection.socket.pause()
    connection.socket.write(WHOLE)
    await until(async () => (await rig.figure('dagstream_executions_total{status="success"}')) === 1)
    await until(async () => (await rig.figure('dagstream_subscribers')) === 0)
    connection.socket.resume()
    await connection.ended
    expect(connection.text).not.toContain('event: execution_complete')
    await expectHealthy(rig)
  })
})

test('headers for browsers are sent with a stream over a socket too', async () => {
  const rig = await socketRig({ allowedOrigins: ['https://app.example'], tools: { work: () => 'for you' } })
  const text = await rig.open(WHOLE.replace('Accept:', 'Connection: close\r\nOrigin: https://app.example\r\nAccept:'))
    .ended
  expect(text).toMatch(/^access-control-allow-origin: https:\/\/app\.example\r$/im)
  expect(text).toMatch(/^x-content-type-options: nosniff\r$/im)
  expect(text).toContain('event: execution_complete')
})

test('a time for headers above that for the whole request is refused', async () => {
  const handler = createHandler({ tools: {} })
  await expect(serve(handler, { port: 0, headersTimeoutMs: 2000, requestTimeoutMs: 1000 })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
  const server = await serve(handler, { port: 0, requestTimeoutMs: 1000 })
  await server.close()
})

test('the server closes although clients hold their connections open', async () => {
  const rig = await socketRig()
  const idle = rig.open(HEALTH)
  const streaming = rig.open(WHOLE)
  const silent = rig.open('')
  await until(() => idle.text.includes('"ok"') && streaming.text.includes('event: task_start'))
  const startedAt = performance.now()
  await rig.server.close()
  expect(performance.now() - startedAt).toBeLessThan(6000)
  await Promise.all([idle.ended, streaming.ended, silent.ended])
  expect(streaming.text).toContain('SHUTDOWN')
})
