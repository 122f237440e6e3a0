import { expect, test } from 'vitest'
import { findProxy, ProxyError } from '../../src/integrations/proxy.ts'

const hostFor = (target: string, env: Record<string, string>): string | undefined =>
  findProxy(new URL(target), env)?.host

test('the scheme of a target chooses its proxy, and the lower-case name wins', () => {
  const env = { HTTP_PROXY: 'http://a:1', HTTPS_PROXY: 'http://b:2', ALL_PROXY: 'http://c:3' }
  expect([hostFor('http://x', env), hostFor('https://x', env)]).toEqual(['a:1', 'b:2'])
  expect(hostFor('http://x', { ...env, http_proxy: 'http://lower:9' })).toBe('lower:9')
  expect(hostFor('https://x', { ...env, https_proxy: 'lower:9' })).toBe('lower:9')
  expect(hostFor('https://x', { ALL_PROXY: 'https://c' })).toBe('c:443')
  expect(hostFor('http://x', { all_proxy: 'http://c' })).toBe('c:80')
  expect(hostFor('https://x', { HTTP_PROXY: 'http://a:1' })).toBe('a:1')
  expect(hostFor('http://x', { HTTPS_PROXY: 'http://b:2' })).toBeUndefined()
  expect(hostFor('http://x', { HTTP_PROXY: 'http://a:1', http_proxy: '' })).toBeUndefined()
  expect(hostFor('http://x', {})).toBeUndefined()
})

test.each([
  ['*', 'http://anything:1', true],
  ['other, *', 'http://anything:1', true],
  ['example.com', 'http://example.com', true],
  ['example.com', 'https://api.EXAMPLE.com.', true],
  ['example.com', 'http://notexample.com', false],
  ['.example.com', 'http://api.example.com', true],
  ['.example.com', 'http://example.com', true],
  ['*.example.com', 'http://a.b.example.com', true],
  ['example.com.', 'http://example.com', true],
  ['EXAMPLE.com:8080', 'http://example.com:8080', true],
  ['example.com:8080', 'http://example.com', false],
  ['example.com:443', 'https://example.com', true],
  ['a b,c\td', 'http://d', true],
  ['localhost,127.0.0.1,::1', 'http://[::1]:8080', true],
  ['[::1]', 'http://[::1]', true],
  ['[::1]:8080', 'http://[::1]:8081', false],
  ['127.0.0.1', 'http://127.0.0.1:99', true],
  ['0.0.1', 'http://127.0.0.1', false],
  ['127.1', 'http://127.0.0.1', true],
  ['10.0.0.0/8', 'http://10.200.3.4', true],
  ['10.0.0.0/8', 'http://11.0.0.1', false],
  ['10.0.0.0/8', 'http://name', false],
  ['fd00::/8', 'http://[fd12::1]', true],
  ['10.0.0.0/99', 'http://10.0.0.1', false],
  ['münchen.example', 'http://xn--mnchen-3ya.example', true],
  ['', 'http://x', false],
  [' , ', 'http://x', false],
])('NO_PROXY=%j excludes %s: %s', (list, target, isExcluded) => {
  const env = { HTTP_PROXY: 'http://p:1' }
  for (const name of ['NO_PROXY', 'no_proxy']) {
    expect(hostFor(target, { ...env, [name]: list })).toBe(isExcluded ? undefined : 'p:1')
  }
})

test('credentials become a header, whatever is escaped in them, and are not part of the host', () => {
  const basic = (value: string): string | undefined =>
    findProxy(new URL('http://x'), { HTTP_PROXY: value })?.authorization
  const of = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  expect(basic('http://user:p%40ss%3A@p:1')).toBe(of('user:p@ss:'))
  expect(basic('http://token@p:1')).toBe(of('token:'))
  expect(basic('http://u:100%25@p:1')).toBe(of('u:100%'))
  expect(basic('http://u:100%@p:1')).toBe(of('u:100%'))
  expect(basic('http://p:1')).toBeUndefined()
  expect(hostFor('http://x', { HTTP_PROXY: 'http://user:secret@p:1' })).toBe('p:1')
})

test.each(['socks5://user:secret@p:1', 'http://user:secret@', 'http://user:secret@p:99999', 'user:secret@p:x'])(
  'a proxy that cannot be used is refused by the name of its variable, without its value: %s',
  value => {
    let found: unknown
    try {
      findProxy(new URL('https://x'), { HTTPS_PROXY: value })
    } catch (error) {
      found = error
    }
    expect(found).toBeInstanceOf(ProxyError)
    expect(found).toMatchObject({ code: 'PROXY_INVALID', retryable: false })
    expect((found as Error).message).toContain('Expected HTTPS_PROXY to be the http or https URL of a proxy')
    expect((found as Error).message).not.toContain('secret')
  },
)
