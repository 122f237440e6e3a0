// Real sockets: a proxy in front of a provider.
import { expect, test } from 'vitest'
import { OpenRouterProvider, type ProviderStreamEvent } from '../../../src/integrations/llm/index.ts'
import { createUndiciFetch } from '../../../src/integrations/llm/undici-fetch.ts'
import { startProxy } from '../../tools/proxy-server.ts'
import { findClosedPort, serveProvider } from './provider-server.ts'
import { DONE, message } from './stream-rig.ts'

const HEADERS = { 'content-type': 'text/event-stream' }

async function ask(baseURL: string, env: Record<string, string>, signal?: AbortSignal): Promise<ProviderStreamEvent[]> {
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL, fetch: createUndiciFetch(() => env) })
  const events = []
  for await (const event of provider.generateStream('hi', signal ? { signal } : {})) events.push(event)
  return events
}

test('a provider is asked through the proxy, by a name that only the proxy knows', async () => {
  const server = await serveProvider(response => {
    response.writeHead(200, HEADERS).end(message('six', 'stop') + DONE)
  })
  const proxy = await startProxy()
  const env = { http_proxy: `http://us%65r:pass@127.0.0.1:${proxy.port}` }
  const fetch = createUndiciFetch(() => env)
  const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: `http://model.internal:${server.port}/v1`, fetch })
  for (let count = 0; count < 2; count++) expect((await provider.generate('hi')).text).toBe('six')
  expect([...new Set(proxy.targets)]).toEqual([`model.internal:${server.port}`])
  expect(proxy.requests[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`)
  expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined()
  expect(server.requests[0]?.headers['host']).toBe(`model.internal:${server.port}`)
  // An idle tunnel closes by itself.
  await proxy.idle()
})

test('NO_PROXY goes past the proxy', async () => {
  const server = await serveProvider(response => {
    response.writeHead(200, HEADERS).end(message('six', 'stop') + DONE)
  })
  const proxy = await startProxy()
  const events = await ask(server.baseURL, { HTTP_PROXY: proxy.url, NO_PROXY: 'localhost,127.0.0.1' })
  expect([events.map(({ type }) => type), proxy.targets]).toEqual([['content', 'done'], []])
})

test.each([
  [407, 'http://user:hunter2@', 'answered 407: it refuses the user and password given'],
  [407, 'http://', 'answered 407: it expects a user and a password'],
  [403, 'http://', 'answered 403 instead of opening a tunnel'],
  [502, 'http://', 'answered 502 instead of opening a tunnel'],
] as const)('a proxy that answers %s at %s is named', async (status, scheme, said) => {
  const proxy = await startProxy(() => status)
  const host = `127.0.0.1:${proxy.port}`
  const events = await ask('http://model.internal:8080/v1', { ALL_PROXY: `${scheme}${host}` })
  expect(events).toMatchObject([
    {
      type: 'error',
      data: {
        code: 1000,
        message: `Could not get an answer from \`model.internal:8080\`: The proxy \`${host}\` ${said}`,
        details: { networkCode: 'PROXY_REFUSED', proxy: host, proxyStatus: status },
      },
    },
  ])
  await proxy.idle()
})

test('a proxy that is down is named, without its credentials', async () => {
  const host = `127.0.0.1:${await findClosedPort()}`
  const events = await ask('https://model.internal/v1', { HTTPS_PROXY: `http://user:hunter2@${host}` })
  expect(events).toMatchObject([
    {
      type: 'error',
      data: {
        code: 1000,
        message: `Could not get an answer from \`model.internal\`: The proxy \`${host}\` could not be reached: ECONNREFUSED`,
        details: { networkCode: 'ECONNREFUSED', proxy: host },
      },
    },
  ])
})

test('a proxy of a scheme that is not supported fails the call, and is not bypassed', async () => {
  const server = await serveProvider(response => response.writeHead(500).end())
  const events = await ask(server.baseURL, { ALL_PROXY: 'socks5://user:hunter2@127.0.0.1:1' })
  expect(events).toMatchObject([{ type: 'error', data: { code: 1000, details: { networkCode: 'PROXY_INVALID' } } }])
  expect(JSON.stringify(events)).not.toContain('hunter2')
  expect(server.requests).toEqual([])
})

test('an abort ends a tunnel that the proxy does not open', async () => {
  const controller = new AbortController()
  const proxy = await startProxy(() => {
    controller.abort()
    return 'silence'
  })
  const events = await ask('https://model.internal/v1', { HTTPS_PROXY: proxy.url }, controller.signal)
  expect(events).toMatchObject([{ type: 'error', data: { code: 1002, details: { aborted: true } } }])
  await proxy.idle()
})
