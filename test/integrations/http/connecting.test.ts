// Real sockets and real time: that a request ends with its attempt while its connection is still being made.
import type { LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { ParallelExecutor } from '../../../src/index.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { serveDeaf } from '../../tools/deaf-server.ts'
import { failureOf, httpRig, sendJson, startLoopback } from './loopback.ts'

const CUT = new Error('cut')

/** undici itself gives a connection up after 10 s. */
const SOON = { timeout: 5000 }

test.each(['its own time-out', 'an abort'])(
  '%s ends a TLS handshake that does not, and closes its socket',
  SOON,
  async how => {
    const server = await serveDeaf()
    const clock = new FakeClock()
    const controller = new AbortController()
    const { get } = httpRig({ clock })
    const failing = failureOf(get({ url: `https://127.0.0.1:${server.port}/`, timeoutMs: 500 }, controller.signal))
    await server.connected()
    expect(server.openCount()).toBe(1)
    if (how === 'an abort') controller.abort(CUT)
    else clock.advance(500)
    expect(await failing).toMatchObject(how === 'an abort' ? CUT : { code: 'HTTP_TIMEOUT', retryable: true })
    await server.closed()
    expect(clock.timerCount).toBe(0)
  },
)

test.each(['its own time-out', 'an abort'])(
  '%s ends a lookup that does not, whose result then does not exist',
  SOON,
  async how => {
    const { at, requests, connectionCount } = await startLoopback((_, response) => sendJson(response, 'late'))
    const answers: (() => void)[] = []
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      void answers.push(() => callback(null, [{ address: '127.0.0.1', family: 4 }]))
    const clock = new FakeClock()
    const controller = new AbortController()
    const failing = failureOf(
      httpRig({ clock, lookup }).get({ url: at('slow.test'), timeoutMs: 500 }, controller.signal),
    )
    await idle()
    expect(answers.length).toBe(1)
    if (how === 'an abort') controller.abort(CUT)
    else clock.advance(500)
    expect(await failing).toMatchObject(how === 'an abort' ? CUT : { code: 'HTTP_TIMEOUT' })
    answers[0]?.()
    await idle()
    expect([requests, await connectionCount()]).toEqual([[], 0])
  },
)

test('an abort ends the connection that is made for its own request, and no other', async () => {
  const { at, requests } = await startLoopback((_, response) => sendJson(response, 'there'))
  const answers: (() => void)[] = []
  const lookup: LookupFunction = (_hostname, _options, callback) =>
    void answers.push(() => callback(null, [{ address: '127.0.0.1', family: 4 }]))
  const { get } = httpRig({ lookup })
  const controller = new AbortController()
  const first = get({ url: at('slow.test') })
  const second = failureOf(get({ url: at('slow.test') }, controller.signal))
  const third = get({ url: at('slow.test') })
  await idle()
  controller.abort(CUT)
  expect(await second).toBe(CUT)
  for (const answer of answers) answer()
  expect([await first, await third]).toMatchObject([{ body: 'there' }, { body: 'there' }])
  expect(requests.length).toBe(2)
})

test('a connection that was made for one request serves the next, whatever becomes of the first one’s signal', async () => {
  const { url, connectionCount } = await startLoopback((_, response) => sendJson(response, 'there'))
  const { get } = httpRig()
  const controller = new AbortController()
  await get({ url }, controller.signal)
  await idle()
  controller.abort()
  expect(await get({ url })).toMatchObject({ body: 'there' })
  expect(await connectionCount()).toBe(1)
})

test('a task whose time is over while it connects is not abandoned', async () => {
  const server = await serveDeaf()
  const executor = new ParallelExecutor(httpTools({ allowPrivateAddresses: true }))
  const task = { id: 'a', tool: 'http:get', arguments: { url: `https://127.0.0.1:${server.port}/` }, timeoutMs: 100 }
  const { results } = await executor.execute({ tasks: [{ ...task, retry: { maxAttempts: 1 } }] })
  expect(results[0]).toMatchObject({ status: 'error', code: 'TASK_TIMEOUT' })
  expect(results[0]).not.toHaveProperty('abandoned')
  await server.closed()
})

test('a name without an address is reported as one that does not exist', async () => {
  const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, [])
  const failure = await failureOf(
    httpRig({ allowPrivateAddresses: false, lookup }).get({ url: 'http://nowhere.test/' }),
  )
  expect(failure).toMatchObject({ code: 'HTTP_NETWORK_ERROR', retryable: true })
  expect(failure.message).toContain('ENOTFOUND')
})
