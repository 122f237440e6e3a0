import { describe, expect, expectTypeOf, test } from 'vitest'
import type {
  ProviderStreamEvent,
  ProviderUsage,
  StreamError,
  StreamFinish,
  StreamMetrics,
} from '../../../src/integrations/llm/index.ts'
import { OpenRouterProvider } from '../../../src/integrations/llm/index.ts'
import { collect, DONE, fakeEndpoint, fakeProvider, message, readBody, readChunks, usageMessage } from './stream-rig.ts'

test('the events are these four, with no other field', async () => {
  expectTypeOf<ProviderStreamEvent>().branded.toEqualTypeOf<
    | { readonly eventId: number; readonly type: 'content'; readonly data: string }
    | { readonly eventId: number; readonly type: 'usage'; readonly data: ProviderUsage }
    | { readonly eventId: number; readonly type: 'done' }
    | { readonly eventId: number; readonly type: 'error'; readonly data: StreamError }
  >()
  const details = { prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 4 }, cost: 0 }
  expect(await readChunks([message('a'), message('b', 'stop'), usageMessage(1, 2, details), DONE])).toEqual([
    { eventId: 1_000_000_001, type: 'content', data: 'a' },
    { eventId: 1_000_000_002, type: 'content', data: 'b' },
    {
      eventId: 1_000_000_003,
      type: 'usage',
      data: {
        promptTokens: 1,
        completionTokens: 2,
        totalTokens: 3,
        model: 'm',
        cacheReads: 0,
        cacheWrites: 4,
        cost: 0,
      },
    },
    { eventId: 1_000_000_004, type: 'done' },
  ])
  expect(await readChunks(['data: {"error":{"code":402,"message":"no credit"}}\n\n'])).toEqual([
    {
      eventId: 1_000_000_001,
      type: 'error',
      data: {
        code: 4002,
        message: 'The provider ended the answer with an error: no credit',
        retryable: false,
        details: { providerCode: '402' },
      },
    },
  ])
})

test('ids compare alike as numbers and as text', async () => {
  const events = await readChunks([...new Array<string>(1200).fill(message('a')), DONE])
  const ids = events.map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(1201)
  expect(ids.toSorted((a, b) => a - b)).toEqual(ids)
  expect(ids.map(String).toSorted()).toEqual(ids.map(String))
})

describe('how an answer finished is reported', () => {
  test('before `done`, with the model that answered', async () => {
    const order: string[] = []
    const finish: StreamFinish[] = []
    const endpoint = fakeEndpoint({ chunks: [message('a', 'length'), usageMessage(1, 2), DONE] })
    const onFinish = (told: StreamFinish): void => {
      order.push('finish')
      finish.push(told)
    }
    for await (const { type } of fakeProvider(endpoint).generateStream('hi', { onFinish })) order.push(type)
    expect(order).toEqual(['content', 'usage', 'finish', 'done'])
    expect(finish).toEqual([{ model: 'm', finishReason: 'length' }])
  })

  test('with the model that was asked, where no other is named, and without a reason, where none came', async () => {
    expect((await readBody([message('a'), DONE])).finish).toEqual([{ model: 'openrouter/auto' }])
  })

  test('not where it failed', async () => {
    expect((await readBody([message('a', 'stop'), 'data: {oops\n\n'])).finish).toEqual([])
  })

  test('by generate too', async () => {
    const finish: StreamFinish[] = []
    const endpoint = fakeEndpoint({ chunks: [message('a', 'stop'), DONE] })
    await fakeProvider(endpoint).generate('hi', { onFinish: told => finish.push(told) })
    expect(finish).toEqual([{ model: 'openrouter/auto', finishReason: 'stop' }])
  })
})

test('callbacks that throw, at once or later, break nothing', async () => {
  const listeners: (() => unknown)[] = [
    () => {
      throw new Error('no')
    },
    () => Promise.reject(new Error('no')),
  ]
  for (const listener of listeners) {
    const endpoint = fakeEndpoint({ chunks: [message('a', 'stop'), DONE] })
    const params = { onStreamMetrics: listener, onFinish: listener }
    expect((await collect(fakeProvider(endpoint), params)).map(({ type }) => type)).toEqual(['content', 'done'])
    expect(await fakeProvider(endpoint).generate('hi', params)).toMatchObject({ text: 'a' })
  }
})

test('figures are reported of a stream that the caller ends', async () => {
  const told: StreamMetrics[] = []
  const controller = new AbortController()
  const endpoint = fakeEndpoint({ chunks: [message('a')], ending: 'stay' })
  const params = { signal: controller.signal, onStreamMetrics: (metrics: StreamMetrics) => void told.push(metrics) }
  for await (const event of fakeProvider(endpoint).generateStream('hi', params)) {
    if (event.type === 'content') controller.abort()
  }
  expect(told).toMatchObject([{ chunkCount: 1, bytes: message('a').length }])
})

describe('headers that are given', () => {
  const sent = async (headers: Record<string, string>): Promise<Record<string, string> | undefined> => {
    const endpoint = fakeEndpoint({ chunks: [message('a', 'stop'), DONE] })
    await collect(fakeProvider(endpoint, { headers }))
    return endpoint.requests[0]?.headers
  }

  test('take the place of ours, whatever their case', async () => {
    const headers = { AUTHORIZATION: 'Basic abc', 'Content-type': 'application/json; charset=utf-8', Accept: '*/*' }
    expect(await sent({ ...headers, 'X-Title': 'test' })).toEqual({
      authorization: 'Basic abc',
      'content-type': 'application/json; charset=utf-8',
      accept: '*/*',
      'accept-encoding': 'identity',
      'x-title': 'test',
    })
  })

  test('are refused when the provider is created if they cannot be sent, and are not revealed', () => {
    for (const headers of [{ 'x-key': 'secret\nline' }, { 'x key': 'secret' }, 'secret']) {
      const make = (): unknown => new OpenRouterProvider({ headers: headers as Record<string, string> })
      expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
      expect(make).not.toThrow('secret')
    }
  })

  test('are not revealed if a provider repeats them, nor is the text after a scheme', async () => {
    const chunks = ['{"error":{"message":"Bearer of tidings, wrong: hunter-to-be"}}']
    const endpoint = fakeEndpoint({ status: 401, chunks })
    const headers = { Authorization: 'Bearer hunter-to-be' }
    expect(await collect(fakeProvider(endpoint, { headers }))).toMatchObject([
      { data: { message: 'The provider answered 401: Bearer of tidings, wrong: [redacted]' } },
    ])
  })
})

test('no content holds half of a character, wherever the endpoint parts the text', async () => {
  const textsOf = async (...pieces: readonly string[]): Promise<string[]> => {
    const events = await readChunks([...pieces.map(piece => message(piece)), message('', 'stop'), DONE])
    return events.flatMap(event => (event.type === 'content' ? [event.data] : []))
  }
  expect(await textsOf('x \ud83d', '\ude80 y')).toEqual(['x ', '\u{1f680} y'])
  expect(await textsOf('\ud83d', '\ude80')).toEqual(['\u{1f680}'])
  expect(await textsOf('x\ud83d')).toEqual(['x', '\ufffd'])
  expect(await textsOf('x\ude80', '\ud83dy')).toEqual(['x\ufffd', '\ufffdy'])
})

test('a request holds no half of a character', async () => {
  const endpoint = fakeEndpoint({ chunks: [message('a', 'stop'), DONE] })
  for await (const _ of fakeProvider(endpoint).generateStream('cut \ud83d')) continue
  expect(endpoint.requests[0]?.body['messages']).toEqual([{ role: 'user', content: 'cut \ufffd' }])
})
