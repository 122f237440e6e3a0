import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ParallelExecutor } from '../../../src/index.ts'
import { toHttpToolError } from '../../../src/integrations/http/describe-failure.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { failureOf, httpRig, sendJson, startLoopback } from './loopback.ts'

test.each([
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [409, false],
  [418, false],
  [425, true],
  [429, true],
  [500, true],
  [502, true],
  [503, true],
  [504, true],
])('%i fails; worth a further attempt: %s', async (status, retryable) => {
  const { url } = await startLoopback((_, response) => response.writeHead(status).end())
  const message = `\`GET ${url}/a\` was answered with ${status}`
  expect(await failureOf(httpRig().get({ url: `${url}/a` }))).toMatchObject({
    code: 'HTTP_STATUS',
    status,
    retryable,
    message,
  })
})

test('a status that is accepted is an answer like any other', async () => {
  const { url } = await startLoopback((_, response) => sendJson(response, { title: 'gone' }, 410))
  const { get } = httpRig()
  expect(await get({ url, acceptStatuses: [404, 410] })).toMatchObject({ status: 410, body: { title: 'gone' } })
  expect(await get({ url, acceptStatuses: 'any' })).toMatchObject({ status: 410 })
  expect(await failureOf(get({ url, acceptStatuses: [404] }))).toMatchObject({ status: 410 })
})

test.each<[what: string, type: string, body: string | Uint8Array, told: string]>([
  ['JSON, as it stands', 'application/json', '{"error": "no such\\nthing"}', ': {"error": "no such\\nthing"}'],
  ['text, in one line', 'text/plain', ' one\r\n\ttwo\u0000three ', ': one two three'],
  ['not what is no text', 'image/png', Buffer.from([1, 2, 3]), ''],
  ['200 characters of it', 'text/plain', 'x'.repeat(10_000), `: ${'x'.repeat(199)}…`],
])('a failure reports how the body begins: %s', async (_, type, body, told) => {
  const { url } = await startLoopback((_request, response) =>
    response.writeHead(400, { 'content-type': type }).end(body),
  )
  expect((await failureOf(httpRig().get({ url }))).message).toBe(`\`GET ${url}/\` was answered with 400${told}`)
})

test('the body of a failure may be packed, or be no end of it', async () => {
  const { url } = await startLoopback(({ url: path }, response) => {
    if (path === '/packed') {
      response.writeHead(500, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(gzipSync('why'))
      return
    }
    response.writeHead(500, { 'content-type': 'text/plain' })
    const write = (): void => {
      while (response.writable && response.write('again '));
    }
    response.on('drain', write)
    write()
  })
  expect((await failureOf(httpRig().get({ url: `${url}/packed` }))).message).toMatch(/500: why$/)
  expect((await failureOf(httpRig().get({ url: `${url}/endless` }))).message).toMatch(/500: again again/)
})

test.each<[header: string, ms: number | undefined]>([
  ['7', 7000],
  ['1.5', 1500],
  [new Date(FakeClock.START + 9000).toUTCString(), 9000],
  [new Date(FakeClock.START - 9000).toUTCString(), 0],
  ['soon', undefined],
])('a server that asks to wait, %j, is heard', async (header, ms) => {
  const { url } = await startLoopback((_, response) => response.writeHead(503, { 'retry-after': header }).end())
  expect((await failureOf(httpRig({ clock: new FakeClock() }).get({ url }))).retryAfterMs).toBe(ms)
})

test('a server is not asked again after what no attempt mends, and is after what one may', async () => {
  const { url, requests } = await startLoopback(({ url: path }, response) => {
    if (path === '/never') response.writeHead(404).end()
    else if (requests.length < 4) response.writeHead(503, { 'retry-after': '0' }).end()
    else sendJson(response, 'at last')
  })
  const executor = new ParallelExecutor(
    httpTools({ allowPrivateAddresses: true, retry: { maxAttempts: 3, initialDelayMs: 0 } }),
  )
  const run = async (tool: string, path: string): Promise<unknown> => {
    const { results } = await executor.execute({ tasks: [{ id: 'a', tool, arguments: { url: url + path } }] })
    return { status: results[0]?.status, code: results[0]?.code, attempts: results[0]?.attempts }
  }
  expect(await run('http:get', '/never')).toEqual({ status: 'error', code: 'HTTP_STATUS', attempts: 1 })
  // A request that may change something is repeated only if its task says so.
  expect(await run('http:request', '/')).toEqual({ status: 'error', code: 'HTTP_STATUS', attempts: 1 })
  expect(await run('http:get', '/')).toEqual({ status: 'success', attempts: 2 })
})

test('a connection that is refused, cut, or cut within the body is worth a further attempt', async () => {
  const { url, port } = await startLoopback(({ url: path }, response) => {
    if (path === '/headers') return response.destroy()
    response.writeHead(200, { 'content-length': 10, 'content-type': 'text/plain' }).write('half')
    return setImmediate(() => response.destroy())
  })
  const { get } = httpRig()
  const failure = { code: 'HTTP_NETWORK_ERROR', retryable: true }
  expect(await failureOf(get({ url: `${url}/headers` }))).toMatchObject(failure)
  expect(await failureOf(get({ url: `${url}/body` }))).toMatchObject(failure)
  // Port 1 of loopback: nobody listens there.
  expect(await failureOf(get({ url: 'http://127.0.0.1:1/' }))).toMatchObject({
    ...failure,
    message: '`GET http://127.0.0.1:1/` failed: ECONNREFUSED',
  })
  expect(port).not.toBe(1)
})

test('a name that nobody knows is reported by its code', async () => {
  const { get } = httpRig({
    lookup: (_hostname, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo with everything'), { code: 'ENOTFOUND' }), []),
  })
  expect(await failureOf(get({ url: 'http://nowhere.test/' }))).toMatchObject({
    code: 'HTTP_NETWORK_ERROR',
    message: '`GET http://nowhere.test/` failed: ENOTFOUND',
  })
})

test('a failure whose body does not come is reported without it, after a second', async () => {
  const clock = new FakeClock()
  const { url } = await startLoopback((_, response) =>
    response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '2' }).write('so far'),
  )
  const failure = failureOf(httpRig({ clock }).get({ url }))
  while (clock.timerCount === 0) await new Promise(resolve => setImmediate(resolve))
  // What has been sent has a turn to arrive.
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(1000)
  expect(await failure).toMatchObject({ code: 'HTTP_STATUS', status: 503, retryable: true, retryAfterMs: 2000 })
  expect(clock.timerCount).toBe(0)
})

test.each([
  ['CERT_HAS_EXPIRED', 'HTTP_NETWORK_ERROR', false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'HTTP_NETWORK_ERROR', false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'HTTP_NETWORK_ERROR', false],
  ['ECONNRESET', 'HTTP_NETWORK_ERROR', true],
  ['UND_ERR_SOCKET', 'HTTP_NETWORK_ERROR', true],
  ['UND_ERR_CONNECT_TIMEOUT', 'HTTP_TIMEOUT', true],
  ['UND_ERR_HEADERS_TIMEOUT', 'HTTP_TIMEOUT', true],
])('%s is a %s; worth a further attempt: %s', (code, expected, retryable) => {
  const error = toHttpToolError(Object.assign(new Error('with everything'), { code }), '`GET http://x/`')
  expect(error).toMatchObject({ code: expected, retryable, message: `\`GET http://x/\` failed: ${code}` })
})

test('a failure that is not an error is one all the same', () => {
  expect(toHttpToolError(undefined, 'this').message).toBe('this failed: the connection was cut')
})
