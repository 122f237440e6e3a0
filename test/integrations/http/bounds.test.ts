import { getEventListeners } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { StreamingExecutor, ParallelExecutor } from '../../../src/index.ts'
import { HostLimits } from '../../../src/integrations/http/host-limits.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { failureOf, httpRig, type Loopback, sendJson, startLoopback } from './loopback.ts'

const TOO_LARGE = { code: 'HTTP_RESPONSE_TOO_LARGE', retryable: false }

/** Waits for what only the network brings. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setImmediate(resolve))
}

/** A server that answers when the test says so. */
async function startHolding(): Promise<Loopback & { answer: () => void; readonly waiting: { length: number } }> {
  const waiting: (() => void)[] = []
  const server = await startLoopback((_, response) => waiting.push(() => sendJson(response, 'ok')))
  return { ...server, waiting, answer: () => waiting.shift()?.() }
}

test('an answer as large as allowed is read, and one byte more is not', async () => {
  const { url } = await startLoopback(({ url: path }, response) => {
    const [, size, how] = path?.split('/') ?? []
    // Without a length the answer is sent in chunks.
    if (how === 'length') response.setHeader('content-length', Number(size))
    response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(Number(size)))
  })
  const { get } = httpRig({ maxResponseBytes: 1000 })
  for (const how of ['length', 'chunks']) {
    expect((await get({ url: `${url}/1000/${how}` })).body).toHaveLength(1000)
    expect(await failureOf(get({ url: `${url}/1001/${how}` }))).toMatchObject(TOO_LARGE)
  }
})

test('5 MiB are read by default', async () => {
  const { url } = await startLoopback(({ url: path }, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.alloc(Number(path?.slice(1)), 'x')),
  )
  const { get } = httpRig()
  expect((await get({ url: `${url}/${5 * 1024 * 1024}` })).body).toHaveLength(5 * 1024 * 1024)
  expect(await failureOf(get({ url: `${url}/${5 * 1024 * 1024 + 1}` }))).toMatchObject(TOO_LARGE)
})

test.each([
  ['gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024))],
  // At the default quality it takes seconds to make one of the same size.
  ['br', brotliCompressSync(Buffer.alloc(64 * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
])('a bomb of %s is unpacked no further than allowed', async (coding, bomb) => {
  const { url, connectionCount } = await startLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding }).end(bomb),
  )
  const { get } = httpRig({ maxResponseBytes: 1024 * 1024 })
  const before = process.memoryUsage().arrayBuffers
  expect(await failureOf(get({ url }))).toMatchObject(TOO_LARGE)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  await until(async () => (await connectionCount()) === 0)
})

test('bytes that unpack to nothing are not read for ever', async () => {
  // The header of a gzip file with a name, whose end never comes.
  const { url } = await startLoopback((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
    response.write(Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]))
    const write = (): void => {
      while (response.writable && response.write('x'.repeat(16_384)));
    }
    response.on('drain', write)
    write()
  })
  expect(await failureOf(httpRig({ maxResponseBytes: 1000 }).get({ url }))).toMatchObject(TOO_LARGE)
})

test('an abort closes the connection, before and within the answer', async () => {
  for (const isBegun of [false, true]) {
    const { url, requests, connectionCount } = await startLoopback((_, response) => {
      if (isBegun) response.writeHead(200, { 'content-type': 'text/plain' }).write('half')
    })
    const controller = new AbortController()
    const failure = failureOf(httpRig().get({ url }, controller.signal))
    await until(() => requests.length === 1)
    await idle()
    controller.abort(new Error('enough'))
    expect(await failure).toMatchObject({ message: 'enough' })
    await until(async () => (await connectionCount()) === 0)
  }
})

test('a call that is aborted already sends nothing', async () => {
  const { url, requests } = await startLoopback((_, response) => sendJson(response, 1))
  const signal = AbortSignal.abort(new Error('enough'))
  expect(await failureOf(httpRig().get({ url }, signal))).toMatchObject({ message: 'enough' })
  expect(await failureOf(httpRig({ limitPerHost: 1 }).get({ url }, signal))).toMatchObject({ message: 'enough' })
  expect(requests).toEqual([])
})

test('the time-out of a task closes the connection', async () => {
  const { url, connectionCount } = await startHolding()
  const executor = new ParallelExecutor(httpTools({ allowPrivateAddresses: true }))
  const task = { id: 'a', tool: 'http:request', arguments: { url }, timeoutMs: 50 }
  const { results } = await executor.execute({ tasks: [task] })
  expect(results[0]).toMatchObject({ status: 'error', code: 'TASK_TIMEOUT' })
  await until(async () => (await connectionCount()) === 0)
})

test('an execution that is cancelled closes its connections', async () => {
  const { url, connectionCount, requests } = await startHolding()
  const executor = new StreamingExecutor(httpTools({ allowPrivateAddresses: true }))
  const tasks = ['a', 'b', 'c'].map(id => ({ id, tool: 'http:get', arguments: { url } }))
  const execution = executor.stream({ tasks })
  await until(() => requests.length === 3)
  execution.cancel()
  expect(await execution.result).toMatchObject({ status: 'cancelled', cancelledCount: 3 })
  await until(async () => (await connectionCount()) === 0)
})

test('a request has its own time, of its arguments or of the options, and may be sent again', async () => {
  const clock = new FakeClock()
  const { url, requests, connectionCount } = await startHolding()
  const { get } = httpRig({ clock, timeoutMs: 5000 })
  for (const [args, ms] of [
    [{}, 5000],
    [{ timeoutMs: 200 }, 200],
  ] as const) {
    const count = requests.length
    const failure = failureOf(get({ url, ...args }))
    await until(() => requests.length > count)
    expect(clock.nextTimerMs).toBe(ms)
    clock.advance(ms)
    expect(await failure).toMatchObject({
      code: 'HTTP_TIMEOUT',
      retryable: true,
      message: `\`GET ${url}/\` was not answered completely within ${ms} ms`,
    })
  }
  await until(async () => (await connectionCount()) === 0)
  expect(clock.timerCount).toBe(0)
})

test('no timer is left of a request that was answered', async () => {
  const clock = new FakeClock()
  const { url } = await startLoopback((_, response) => sendJson(response, 1))
  await httpRig({ clock, timeoutMs: 5000 }).get({ url })
  expect(clock.timerCount).toBe(0)
})

test('no more than allowed go to one host at once, in order, and their time does not run while they wait', async () => {
  const clock = new FakeClock()
  const [first, second] = [await startHolding(), await startHolding()]
  const { get, tools } = httpRig({ clock, limitPerHost: 2 })
  expect(tools.map(({ timeoutMs }) => timeoutMs)).toEqual([0, 0])
  const toFirst = [0, 1, 2, 3].map(index => get({ url: first.at('one.test', `/${index}`) }))
  const toSecond = get({ url: second.at('one.test') })
  await until(() => first.waiting.length === 2 && second.waiting.length === 1)
  await idle()
  expect(first.requests.map(({ url }) => url)).toEqual(['/0', '/1'])
  // The third waits here longer than its time would be.
  expect(clock.timerCount).toBe(3)
  first.answer()
  await toFirst[0]
  clock.advance(29_000)
  await until(() => first.requests.length === 3)
  first.answer()
  await until(() => first.requests.length === 4)
  clock.advance(10_000)
  first.answer()
  first.answer()
  second.answer()
  const settled = await Promise.allSettled([...toFirst, toSecond])
  expect(settled.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(3)
  expect(first.requests.map(({ url }) => url)).toEqual(['/0', '/1', '/2', '/3'])
  expect(clock.timerCount).toBe(0)
})

test('a call that gives up while it waits for a host gives its place to the next', async () => {
  const limits = new HostLimits(1)
  const { signal } = new AbortController()
  const release = await limits.acquire('a:80', signal)
  const controller = new AbortController()
  const given = limits.acquire('a:80', controller.signal)
  const next = limits.acquire('a:80', signal)
  controller.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  expect(limits.hostCount).toBe(1)
  release()
  const releaseNext = await next
  releaseNext()
  expect(limits.hostCount).toBe(0)
})

test('a redirect that waits for its host holds no place at the one before', async () => {
  const second = await startHolding()
  const first = await startLoopback(({ url: path }, response) =>
    path === '/plain' ? sendJson(response, 1) : response.writeHead(302, { location: second.at('b.test') }).end(),
  )
  const { get } = httpRig({ limitPerHost: 1 })
  const redirected = [get({ url: first.at('a.test') }), get({ url: first.at('a.test') })]
  await until(() => second.waiting.length === 1 && first.requests.length === 2)
  expect(await get({ url: first.at('a.test', '/plain') })).toMatchObject({ body: 1 })
  second.answer()
  await until(() => second.waiting.length === 1)
  second.answer()
  expect(await Promise.all(redirected)).toHaveLength(2)
})

test('headers without an end are not read', async () => {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\n')
    const write = (): void => {
      while (socket.writable && socket.write(`X-Header: ${'x'.repeat(1000)}\r\n`));
    }
    socket.on('drain', write)
    write()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  expect(await failureOf(httpRig().get({ url: `http://127.0.0.1:${port}/` }))).toMatchObject({
    code: 'HTTP_NETWORK_ERROR',
    message: expect.stringContaining('UND_ERR_HEADERS_OVERFLOW'),
  })
})

test('connections are kept for the next request', async () => {
  const { url, connectionCount } = await startLoopback((_, response) => sendJson(response, 1))
  const { get } = httpRig()
  for (let index = 0; index < 20; index++) await get({ url })
  // A request that follows at once may find the one before not quite given back.
  expect(await connectionCount()).toBeLessThanOrEqual(2)
})

test('no listener is left on a signal that many requests share', async () => {
  const { url } = await startLoopback(({ url: path }, response) =>
    path === '/fail' ? response.writeHead(500).end() : sendJson(response, 1),
  )
  const { signal } = new AbortController()
  const { get } = httpRig({ limitPerHost: 2 })
  await Promise.all(Array.from({ length: 20 }, () => get({ url }, signal)))
  await failureOf(get({ url: `${url}/fail` }, signal))
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
