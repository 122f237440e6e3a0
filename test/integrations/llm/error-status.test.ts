// Real sockets: the rows of the table of errors that are a status.
import { describe, expect, test } from 'vitest'
import { StreamErrorCode } from '../../../src/integrations/llm/index.ts'
import { ask, SECRETS } from './asking.ts'
import { serveProvider } from './provider-server.ts'

describe('a response of status', () => {
  test.each([
    [302, 2002, false],
    [304, 2002, false],
    [400, 4000, false],
    [401, 4001, false],
    [402, 4002, false],
    [403, 4001, false],
    [404, 4000, false],
    [408, 4000, false],
    [409, 4000, false],
    [413, 4000, false],
    [422, 4000, false],
    [429, 2001, true],
    [500, 2000, true],
    [501, 2000, true],
    [502, 2000, true],
    [503, 2000, true],
    [504, 2000, true],
    [529, 2000, true],
  ])('%i gives %i, retryable: %s', async (status, code, retryable) => {
    const { baseURL, requests } = await serveProvider(response => {
      response.writeHead(status, { 'content-type': 'application/json', location: '/v1/elsewhere' })
      response.end(status === 304 ? undefined : '{"error":{"message":"It is so","code":"some_code"}}')
    })
    const { error, types } = await ask(baseURL)
    expect(types).toEqual(['error'])
    expect(error).toMatchObject({ code, retryable, details: { status } })
    if (status !== 304) {
      expect(error?.message).toContain('It is so')
      expect(error?.details).toEqual({ status, providerCode: 'some_code' })
    }
    // Neither retried nor redirected.
    expect(requests.length).toBe(1)
  })

  test('429 that says that the quota is used up gives 2001, as any 429', async () => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(429, { 'content-type': 'application/json' })
      response.end(
        '{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}',
      )
    })
    expect((await ask(baseURL)).error).toMatchObject({ code: StreamErrorCode.PROVIDER_RATE_LIMIT, retryable: true })
  })

  test.each([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['seconds with a fraction', { 'retry-after': '0.25' }, 250],
    ['seconds, zero', { 'retry-after': '0' }, 0],
    ['milliseconds of OpenAI', { 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
  ])('429 and 503 report how long to wait: %s', async (_, headers, expected) => {
    for (const status of [429, 503]) {
      const { baseURL } = await serveProvider(response => {
        response.writeHead(status, headers)
        response.end('no')
      })
      expect((await ask(baseURL)).error?.retryAfterMs).toBe(expected)
    }
  })

  test('429 reports how long to wait: a date', async () => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(429, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })
      response.end()
    })
    const { error } = await ask(baseURL)
    expect(error?.retryAfterMs).toBeGreaterThan(50_000)
    expect(error?.retryAfterMs).toBeLessThanOrEqual(60_000)
  })

  test.each([
    ['a page', '<html><body>Bad gateway</body></html>'],
    ['nothing', ''],
    ['half of its JSON', '{"error":{"mess'],
    ['more than anybody reads', 'x'.repeat(200_000)],
  ])('502 whose body is %s has a message of its own', async (_, body) => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(502, { 'content-type': 'text/html' })
      response.end(body)
    })
    expect((await ask(baseURL)).error).toEqual({
      code: 2000,
      message: 'The provider answered 502',
      retryable: true,
      details: { status: 502 },
    })
  })

  test('401 whose body repeats the key does not report it', async () => {
    const { baseURL } = await serveProvider((response, request) => {
      response.writeHead(401, { 'content-type': 'application/json' })
      const said = `Wrong key ${request.headers.authorization}, that is ${SECRETS[0]}, in short sk-or-v1-01*******ef; org ${SECRETS[1]}`
      response.end(JSON.stringify({ error: { message: said, code: SECRETS[0] } }))
    })
    const { error } = await ask(baseURL)
    expect(error?.message).toContain('Wrong key')
    expect(error?.message).not.toContain('sk-or')
  })
})
