import { EventEmitter } from 'node:events'
import type { LookupFunction, Socket } from 'node:net'
import { expect, test } from 'vitest'
import {
  AddressRefusedError,
  createGuardedConnector,
} from '../../../src/integrations/http/connect/guarded-connector.ts'
import { failureOf, httpRig, resolveToLoopback, sendJson, startLoopback } from './loopback.ts'

const REFUSED = { code: 'HTTP_ADDRESS_NOT_ALLOWED', retryable: false }

/** A resolver that gives each of these in turn, one a call. */
function resolveInTurn(...answers: string[][]): LookupFunction & { calls: number } {
  const lookup = ((_hostname, options, callback) => {
    const addresses = answers[lookup.calls++ % answers.length] ?? []
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all === true) callback(null, found)
    else callback(null, addresses[0] ?? '', found[0]?.family)
  }) as LookupFunction & { calls: number }
  lookup.calls = 0
  return lookup
}

test.each([
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0x7f.1',
  '0',
  '%31%32%37.0.0.1',
  '１２７。０。０。１',
  '127.0.0.1.',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::127.0.0.1]',
  '169.254.169.254',
  '[fd00:ec2::254]',
  '10.0.0.1',
])('the address %s is refused without a connection', async host => {
  const { port, requests } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const { get } = httpRig({ allowPrivateAddresses: false })
  const failure = await failureOf(get({ url: `http://${host}:${port}/` }))
  expect(failure).toMatchObject(REFUSED)
  expect(failure.message).toContain('leads to an address that is not public')
  expect(requests).toEqual([])
})

test('a name that resolves to a private address is refused, and the address is not revealed', async () => {
  const { at, connectionCount } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const failure = await failureOf(httpRig({ allowPrivateAddresses: false }).get({ url: at('rebind.test') }))
  expect(failure).toMatchObject(REFUSED)
  expect(failure.message).not.toContain('127.0.0.1')
  expect(await connectionCount()).toBe(0)
})

test('localhost, by the real resolver, is refused', async () => {
  const { port, requests } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const { get } = httpRig({ allowPrivateAddresses: false, lookup: undefined as never })
  expect(await failureOf(get({ url: `http://localhost:${port}/` }))).toMatchObject(REFUSED)
  expect(requests).toEqual([])
})

test('a name that changes its mind is judged by each connection again', async () => {
  const { at, requests } = await startLoopback((_, response) =>
    response.writeHead(200, { connection: 'close' }).end('inside'),
  )
  // Once nothing, as a resolver may, then inside: as rebinding does it between two attempts.
  const lookup = resolveInTurn([], ['127.0.0.1'], ['::1', '10.0.0.1'])
  const { get } = httpRig({ allowPrivateAddresses: false, lookup })
  expect(await failureOf(get({ url: at('rebind.test') }))).toMatchObject({ code: 'HTTP_NETWORK_ERROR' })
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(await failureOf(get({ url: at('rebind.test') }))).toMatchObject(REFUSED)
  }
  expect(lookup.calls).toBe(3)
  expect(requests).toEqual([])
})

test('only public addresses of a name are connected to, after one lookup', async () => {
  const offered: unknown[] = []
  const connector = createGuardedConnector(
    () => false,
    resolveInTurn(['127.0.0.1', '93.184.216.34', 'fe80::1', '2606:4700::1111']),
    ({ lookup }) =>
      ({ hostname }) =>
        lookup(hostname, { all: true }, (_error, found) => offered.push(found)),
  )
  connector({ protocol: 'http:', hostname: 'mixed.test', port: '' }, () => {})
  expect(offered).toEqual([
    [
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ],
  ])
})

test('a resolver that gives one address is understood too', () => {
  const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, '93.184.216.34', 4)
  const offered: unknown[] = []
  const connector = createGuardedConnector(
    () => false,
    lookup,
    options =>
      ({ hostname }) =>
        options.lookup(hostname, {}, (_error, address, family) => offered.push(address, family)),
  )
  connector({ protocol: 'http:', hostname: 'one.test', port: '' }, () => {})
  expect(offered).toEqual(['93.184.216.34', 4])
})

test('the address of the socket counts, whatever the lookup returned', () => {
  let isDestroyed = false
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress: '127.0.0.1',
    destroy: () => {
      isDestroyed = true
    },
  }) as unknown as Socket
  const given: unknown[] = []
  const connector = createGuardedConnector(
    () => false,
    resolveInTurn(['93.184.216.34']),
    () => (_target, callback) => callback(null, socket),
  )
  connector({ protocol: 'http:', hostname: 'liar.test', port: '' }, (...result) => given.push(...result))
  expect(given).toEqual([expect.any(AddressRefusedError), null])
  expect(isDestroyed).toBe(true)
})

test('a host that is named may be anywhere, at its port alone if it has one', async () => {
  const { at, url, port } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const other = await startLoopback((_, response) => sendJson(response, 'other'))
  const { get } = httpRig({ allowPrivateAddresses: ['inside.test', `*.lan.test:${port}`] })
  expect(await get({ url: at('inside.test') })).toMatchObject({ body: 'inside' })
  expect(await get({ url: at('INSIDE.test.') })).toMatchObject({ body: 'inside' })
  expect(await get({ url: at('a.b.lan.test') })).toMatchObject({ body: 'inside' })
  expect(await failureOf(get({ url: other.at('a.lan.test') }))).toMatchObject(REFUSED)
  expect(await failureOf(get({ url: at('lan.test') }))).toMatchObject(REFUSED)
  expect(await failureOf(get({ url: at('outside.test') }))).toMatchObject(REFUSED)
  expect(await failureOf(get({ url }))).toMatchObject(REFUSED)
})

test('a list of hosts keeps every other host out, before any connection', async () => {
  const { at, url, port, requests } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const { get } = httpRig({ allowedHosts: ['example.test', '*.example.test', `port.test:${port}`, 'other.test:1'] })
  for (const host of ['example.test', 'EXAMPLE.test', 'a.example.test', 'a.b.example.test', 'port.test']) {
    expect(await get({ url: at(host) })).toMatchObject({ body: 'inside' })
  }
  const allowed = requests.length
  for (const host of ['badexample.test', 'example.test.evil.test', 'other.test', 'test', 'user@evil.test']) {
    expect(await failureOf(get({ url: at(host) }))).toMatchObject({ code: 'HTTP_HOST_NOT_ALLOWED', retryable: false })
  }
  expect(await failureOf(get({ url }))).toMatchObject({ code: 'HTTP_HOST_NOT_ALLOWED' })
  expect(requests.length).toBe(allowed)
})

test('an address or localhost in the list is allowed although it is not public; a name is not', async () => {
  const { at, url, port, requests } = await startLoopback((_, response) => sendJson(response, 'inside'))
  const { get } = httpRig({
    allowPrivateAddresses: false,
    allowedHosts: ['127.0.0.1', `localhost:${port}`, 'name.test'],
  })
  expect(await get({ url })).toMatchObject({ body: 'inside' })
  expect(await get({ url: `http://0x7f.1:${port}` })).toMatchObject({ body: 'inside' })
  expect(await get({ url: at('localhost') })).toMatchObject({ body: 'inside' })
  expect(requests.length).toBe(3)
  expect(await failureOf(get({ url: at('name.test') }))).toMatchObject(REFUSED)
})

test('an empty list allows nothing', async () => {
  const { url } = await startLoopback((_, response) => sendJson(response, 'inside'))
  expect(await failureOf(httpRig({ allowedHosts: [] }).get({ url }))).toMatchObject({ code: 'HTTP_HOST_NOT_ALLOWED' })
})

test('a redirect is judged like the request that it follows', async () => {
  const inside = await startLoopback((_, response) => sendJson(response, 'inside'))
  const { at, requests } = await startLoopback(({ url: path }, response) =>
    response.writeHead(302, { location: decodeURIComponent(path?.slice(1) ?? '') }).end(),
  )
  const options = { allowPrivateAddresses: ['public.test'], lookup: resolveToLoopback }
  const { get } = httpRig(options)
  const redirectTo = (target: string): string => at('public.test', `/${encodeURIComponent(target)}`)
  for (const target of [inside.url, inside.at('rebind.test'), `//127.1:${inside.port}/`, 'http://169.254.169.254/']) {
    expect(await failureOf(get({ url: redirectTo(target) }))).toMatchObject(REFUSED)
  }
  const { get: getListed } = httpRig({ ...options, allowPrivateAddresses: true, allowedHosts: ['public.test'] })
  expect(await failureOf(getListed({ url: redirectTo(inside.at('other.test')) }))).toMatchObject({
    code: 'HTTP_HOST_NOT_ALLOWED',
  })
  expect(requests).toHaveLength(5)
  expect(inside.requests).toEqual([])
})
