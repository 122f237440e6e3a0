// Real sockets: HTTP tools and the proxy of the environment.
import { beforeEach, expect, test, vi } from 'vitest'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { startProxy } from '../../tools/proxy-server.ts'
import { failureOf, httpRig, sendJson, startLoopback } from './loopback.ts'

const VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']

beforeEach(() => {
  for (const name of VARIABLES.flatMap(each => [each, each.toUpperCase()])) vi.stubEnv(name, undefined)
  return () => vi.unstubAllEnvs()
})

test('an address of a document does not go to the proxy of the environment', async () => {
  const server = await startLoopback((_request, response) => sendJson(response, 1))
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  expect((await httpRig().get({ url: server.url })).body).toBe(1)
  expect(proxy.targets).toEqual([])
})

test('with `proxy: environment` a request and its redirect go through the proxy, which looks up the names', async () => {
  const server = await startLoopback((request, response) => {
    if (request.url === '/') response.writeHead(302, { location: server.at('other.internal', '/end') }).end()
    else sendJson(response, request.headers.host)
  })
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const { get } = httpRig({ proxy: 'environment', allowPrivateAddresses: false })
  expect((await get({ url: server.at('first.internal') })).body).toBe(`other.internal:${server.port}`)
  expect(proxy.targets).toEqual([`first.internal:${server.port}`, `other.internal:${server.port}`])
})

test.each([
  'http://127.0.0.1:8080',
  'http://[::1]:8080',
  'http://10.1.2.3',
  'http://localhost:8080',
  'http://a.localhost',
])('the proxy is not asked for %s', async url => {
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const { get } = httpRig({ proxy: 'environment', allowPrivateAddresses: false })
  expect(await failureOf(get({ url }))).toMatchObject({ code: 'HTTP_ADDRESS_NOT_ALLOWED', retryable: false })
  expect(proxy.targets).toEqual([])
})

test('hosts in NO_PROXY are connected to directly, with the check of addresses', async () => {
  const server = await startLoopback((_request, response) => sendJson(response, 1))
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  vi.stubEnv('NO_PROXY', 'near.internal')
  expect((await httpRig({ proxy: 'environment' }).get({ url: server.at('near.internal') })).body).toBe(1)
  const { get } = httpRig({ proxy: 'environment', allowPrivateAddresses: false })
  expect((await failureOf(get({ url: server.at('near.internal') }))).code).toBe('HTTP_ADDRESS_NOT_ALLOWED')
  expect(proxy.targets).toEqual([])
})

test('a proxy that refuses is named without its credentials, and 407 is not retried', async () => {
  const proxy = await startProxy(() => 407)
  vi.stubEnv('HTTP_PROXY', `http://user:hunter2@127.0.0.1:${proxy.port}`)
  const failure = await failureOf(httpRig({ proxy: 'environment' }).get({ url: 'http://far.internal/' }))
  expect(failure).toMatchObject({ code: 'HTTP_NETWORK_ERROR', retryable: false })
  expect(failure.message).toBe(
    `\`GET http://far.internal/\` failed: The proxy \`127.0.0.1:${proxy.port}\` answered 407: it refuses the user and password given`,
  )
})

test('another value of `proxy` is refused', () => {
  const proxy = 'http://p' as 'never'
  expect(() => httpTools({ proxy })).toThrow('Expected `proxy` to be `never` or `environment`')
})
