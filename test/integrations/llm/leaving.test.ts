// Real sockets: that a provider's connection is closed when nobody wants the answer any more.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { OpenRouterProvider, type ProviderStreamEvent } from '../../../src/integrations/llm/index.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { serveDeaf } from '../../tools/deaf-server.ts'
import { serveProvider } from './provider-server.ts'
import { collect, DONE, fakeEndpoint, fakeProvider, message, usageMessage } from './stream-rig.ts'

const ABORTED = { type: 'error', data: { code: 1002, retryable: false, details: { aborted: true } } }

/** undici itself gives a connection up after 10 s. */
const SOON = { timeout: 5000 }

const streaming = (): ReturnType<typeof serveProvider> =>
  serveProvider(response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(message('a') + usageMessage(1, 2))
  })

test('an abort closes the socket and ends the stream with usage so far and an error that is not retryable', async () => {
  const server = await streaming()
  const controller = new AbortController()
  const events: ProviderStreamEvent[] = []
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
  for await (const event of provider.generateStream('hi', { signal: controller.signal })) {
    events.push(event)
    if (event.type === 'content') setImmediate(() => controller.abort())
  }
  expect(events).toMatchObject([{ type: 'content' }, { type: 'usage', data: { totalTokens: 3 } }, ABORTED])
  await server.closed()
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
})

test('leaving the loop closes the socket', async () => {
  const server = await streaming()
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
  for await (const event of provider.generateStream('hi')) if (event.type === 'content') break
  await server.closed()
})

test('an abort before the headers closes the socket', async () => {
  const controller = new AbortController()
  const server = await serveProvider(() => controller.abort())
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
  expect(await collect(provider, { signal: controller.signal })).toMatchObject([ABORTED])
  await server.closed()
})

test.each(['an abort', 'the bound on the first token'])(
  '%s closes a socket whose TLS handshake does not end',
  SOON,
  async how => {
    const server = await serveDeaf()
    const clock = new FakeClock()
    const controller = new AbortController()
    const baseURL = `https://127.0.0.1:${server.port}/v1`
    const provider = new OpenRouterProvider({ apiKey: 'key', baseURL, clock, firstTokenTimeoutMs: 500 })
    const reading = collect(provider, { signal: controller.signal })
    await server.connected()
    if (how === 'an abort') controller.abort()
    else clock.advance(500)
    expect(await reading).toMatchObject(how === 'an abort' ? [ABORTED] : [{ type: 'error', data: { code: 1001 } }])
    await server.closed()
    expect(clock.timerCount).toBe(0)
  },
)

test('answers that end well share one connection', async () => {
  let connections = 0
  const server = await serveProvider(response => {
    connections = Math.max(connections, server.openCount())
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(message('a', 'stop') + DONE)
  })
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
  for (let call = 0; call < 5; call++) {
    expect((await collect(provider)).at(-1)?.type).toBe('done')
    await idle()
  }
  expect([connections, server.requests.length]).toEqual([1, 5])
})

test('an abort before the call sends nothing', async () => {
  const endpoint = fakeEndpoint({ chunks: [message('a', 'stop')] })
  expect(await collect(fakeProvider(endpoint), { signal: AbortSignal.abort() })).toMatchObject([ABORTED])
  expect(endpoint.requests).toEqual([])
})

test('an abort is heeded by a fetch and a body that know no signal', async () => {
  const clock = new FakeClock()
  const controller = new AbortController()
  const endpoint = fakeEndpoint({ ending: 'stay' })
  const reading = collect(fakeProvider(endpoint, { clock }), { signal: controller.signal })
  await idle()
  controller.abort()
  expect(await reading).toMatchObject([ABORTED])
  expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])

  const deaf = new OpenRouterProvider({ apiKey: 'key', clock, fetch: () => new Promise(() => {}) })
  const second = new AbortController()
  const waiting = collect(deaf, { signal: second.signal })
  await idle()
  second.abort()
  expect(await waiting).toMatchObject([ABORTED])
  expect(clock.timerCount).toBe(0)
})

test('an abort after [DONE] takes nothing back', async () => {
  const controller = new AbortController()
  const endpoint = fakeEndpoint({ chunks: [message('a', 'stop') + DONE] })
  const types: string[] = []
  for await (const { type } of fakeProvider(endpoint).generateStream('hi', { signal: controller.signal })) {
    types.push(type)
    controller.abort()
  }
  expect(types).toEqual(['content', 'done'])
})

test('leaving the loop gives the body up at once', async () => {
  const clock = new FakeClock()
  const endpoint = fakeEndpoint({ chunks: [message('a')], ending: 'stay' })
  for await (const event of fakeProvider(endpoint, { clock }).generateStream('hi')) if (event.type === 'content') break
  expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
})

test('no listener remains on the signal once an answer has ended, with any outcome', async () => {
  const { signal } = new AbortController()
  for (const chunks of [[message('a', 'stop'), DONE], [message('a')], ['data: {oops\n\n']]) {
    await collect(fakeProvider(fakeEndpoint({ chunks })), { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  }
})
