import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { type FetchFunction, OpenRouterProvider } from '../../../src/integrations/llm/index.ts'
import { parseUsage } from '../../../src/integrations/llm/provider-usage.ts'
import { serveRaw } from './provider-server.ts'
import { collect, DONE, fakeEndpoint, fakeProvider, message, readChunks, usageMessage } from './stream-rig.ts'

const errorOf = (code: string, name = 'Error'): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(`${code} 10.0.0.1`), { code, name }) })

describe('the failure of a fetch', () => {
  test.each([
    ['UND_ERR_CONNECT_TIMEOUT', 1001],
    ['UND_ERR_HEADERS_TIMEOUT', 1001],
    ['ETIMEDOUT', 1001],
    ['ECONNREFUSED', 1000],
    ['EAI_AGAIN', 1000],
    ['UND_ERR_SOCKET', 1000],
    ['CERT_HAS_EXPIRED', 1000],
  ])('before the headers, %s, gives %i, and nothing of its own words', async (networkCode, code) => {
    const provider = new OpenRouterProvider({ apiKey: 'key', fetch: () => Promise.reject(errorOf(networkCode)) })
    const [event] = await collect(provider)
    expect(event).toMatchObject({ type: 'error', data: { code, retryable: true, details: { networkCode } } })
    expect(JSON.stringify(event)).not.toContain('10.0.0.1')
  })

  test.each([
    ['UND_ERR_BODY_TIMEOUT', 1001, true],
    ['UND_ERR_SOCKET', 1002, true],
    ['ECONNRESET', 1002, true],
    ['Z_DATA_ERROR', 2002, false],
    ['ERR__ERROR_FORMAT_PADDING_1', 1002, true],
  ])('after the headers, %s, gives %i, retryable: %s', async (networkCode, code, retryable) => {
    const events = await readChunks([message('a')], errorOf(networkCode))
    expect(events).toMatchObject([{ type: 'content' }, { type: 'error', data: { code, retryable } }])
  })

  test.each<[what: string, thrown: unknown]>([
    ['nothing', undefined],
    ['a text', 'no'],
    ['a DOMException for a time-out', new DOMException('slow', 'TimeoutError')],
    ['an error that is its own cause', circular()],
  ])('may be %s', async (_, thrown) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever a fetch rejects with
    const provider = new OpenRouterProvider({ apiKey: 'key', fetch: () => Promise.reject(thrown) })
    const isTimeout = thrown instanceof DOMException
    expect(await collect(provider)).toMatchObject([{ type: 'error', data: { code: isTimeout ? 1001 : 1000 } }])
  })

  test('may be thrown at once', async () => {
    const fetch = (): never => {
      throw errorOf('ECONNRESET')
    }
    expect(await collect(new OpenRouterProvider({ apiKey: 'key', fetch }))).toMatchObject([{ data: { code: 1000 } }])
  })
})

function circular(): Error {
  const error = new Error('no')
  error.cause = error
  return error
}

test('the fetch of any runtime will do', () => {
  expectTypeOf(globalThis.fetch).toExtend<FetchFunction>()
})

test('a runtime without an environment has no key', async () => {
  vi.stubGlobal('process', undefined)
  try {
    const provider = new OpenRouterProvider({ fetch: () => Promise.reject(new Error('sent')) })
    expect(await collect(provider)).toMatchObject([{ type: 'error', data: { code: 4001 } }])
  } finally {
    vi.unstubAllGlobals()
  }
})

test('an environment that must not be read has no key', async () => {
  const process = Object.defineProperty({}, 'env', {
    get() {
      throw new Error('Requires env access')
    },
  })
  vi.stubGlobal('process', process)
  try {
    expect(await collect(new OpenRouterProvider({}))).toMatchObject([{ type: 'error', data: { code: 4001 } }])
  } finally {
    vi.unstubAllGlobals()
  }
})

describe('usage is read', () => {
  test.each<[what: string, found: unknown, expected: unknown]>([
    ['of nothing', undefined, undefined],
    ['of a list', [1, 2], undefined],
    ['without numbers', { prompt_tokens: '5', completion_tokens: null }, undefined],
    [
      'with zeros',
      { prompt_tokens: 0, completion_tokens: 0, cost: 0 },
      { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 },
    ],
    ['with one side', { completion_tokens: 4 }, { promptTokens: 0, completionTokens: 4, totalTokens: 4 }],
    [
      'with a total and one side',
      { completion_tokens: 4, total_tokens: 10 },
      { promptTokens: 6, completionTokens: 4, totalTokens: 10 },
    ],
    ['with a total alone', { total_tokens: 10 }, { promptTokens: 10, completionTokens: 0, totalTokens: 10 }],
    [
      'without what is no count',
      { prompt_tokens: 1, completion_tokens: 2, cost: Number.NaN, total_tokens: -1 },
      { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
    ],
  ])('%s', (_, found, expected) => {
    expect(parseUsage(found)).toEqual(expected)
  })
})

test('an error that is reported within a stream may be anything', async () => {
  for (const error of [
    '{}',
    '[]',
    '5',
    'true',
    '{"message":5,"code":{}}',
    '{"code":"constructor"}',
    '{"code":"toString"}',
  ]) {
    const events = await readChunks([`data: {"error":${error}}\n\n`])
    expect(events, error).toMatchObject([{ type: 'error', data: { code: 2000, retryable: true } }])
  }
})

test('the text of a provider is cut', async () => {
  const endpoint = fakeEndpoint({ status: 400, chunks: [JSON.stringify({ error: { message: 'x'.repeat(5000) } })] })
  const [event] = await collect(fakeProvider(endpoint))
  expect(event).toMatchObject({ data: { message: expect.stringMatching(/^The provider answered 400: x{499}…$/) } })
})

test('values of headers are taken for secrets, but short ones', async () => {
  const said = { error: { message: 'a my-project-key' } }
  const endpoint = fakeEndpoint({ status: 400, chunks: [JSON.stringify(said)] })
  const headers = { 'x-project': 'my-project-key', 'x-short': 'a' }
  const [event] = await collect(fakeProvider(endpoint, { headers }))
  expect(event).toMatchObject({ data: { message: 'The provider answered 400: a [redacted]' } })
})

test('text that came with the last message is reported before a failure in the same chunk', async () => {
  const events = await readChunks([`${message('a')}data: {oops\n\n${message('b')}${DONE}`])
  expect(events).toMatchObject([
    { type: 'content', data: 'a' },
    { type: 'error', data: { code: 3001 } },
  ])
})

test('usage that was reported stays when a later message has none', async () => {
  const none = 'data: {"choices":[],"usage":null}\n\n'
  const events = await readChunks([message('a', 'stop'), usageMessage(1, 2), none, DONE])
  expect(events).toMatchObject([{ type: 'content' }, { type: 'usage', data: { totalTokens: 3 } }, { type: 'done' }])
})

test('undici’s own time-outs are switched off: they would cut a stream that is silent for 300 s', async () => {
  const made: unknown[] = []
  const Agent = vi.fn(function (options: unknown) {
    made.push(options)
  })
  const buildConnector = vi.fn<(options: unknown) => () => void>(() => () => {})
  const fetch = vi.fn<FetchFunction>(fakeEndpoint({ chunks: [DONE] }).fetch)
  vi.resetModules()
  vi.doMock('undici', () => ({ Agent, buildConnector, fetch }))
  try {
    const { fetchByUndici } = await import('../../../src/integrations/llm/undici-fetch.ts')
    const provider = new OpenRouterProvider({ apiKey: 'key', fetch: fetchByUndici })
    await collect(provider)
    await collect(provider)
  } finally {
    vi.doUnmock('undici')
  }
  expect(made).toEqual([{ bodyTimeout: 0, headersTimeout: 0, connect: expect.any(Function) }])
  expect(buildConnector.mock.calls).toEqual([[{ timeout: 10_000 }]])
  expect(fetch.mock.calls.map(([, init]) => init)).toMatchObject([
    { redirect: 'manual', dispatcher: { dispatch: expect.any(Function) } },
    { redirect: 'manual', dispatcher: { dispatch: expect.any(Function) } },
  ])
})

test('a reset in a body without length is a lost connection, and takes nothing back after a finish reason', async () => {
  for (const [body, last] of [
    [message('a'), { type: 'error', data: { code: 1002, retryable: true, details: { networkCode: 'ECONNRESET' } } }],
    [message('a', 'stop'), { type: 'done' }],
  ] as const) {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n'
    let reset = (): void => {}
    const baseURL = await serveRaw(socket => {
      reset = () => socket.resetAndDestroy()
      socket.write(head + body)
    })
    const events = []
    for await (const event of new OpenRouterProvider({ apiKey: 'key', baseURL }).generateStream('hi')) {
      events.push(event)
      if (event.type === 'content') reset()
    }
    expect(events).toMatchObject([{ type: 'content', data: 'a' }, last])
  }
})
