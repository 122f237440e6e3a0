import { expect, test } from 'vitest'
import {
  type ChatMessage,
  OpenRouterProvider,
  ProviderError,
  type ProviderParams,
  type StreamMetrics,
} from '../../../src/integrations/llm/index.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { collect, DONE, fakeEndpoint, fakeProvider, message, usageMessage } from './stream-rig.ts'

const ANSWER = [message('hi', 'stop'), DONE]

test('a prompt is sent as one message, streamed, with usage asked for', async () => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  await collect(fakeProvider(endpoint))
  expect(endpoint.requests).toEqual([
    {
      url: 'http://model.test/v1/chat/completions',
      headers: {
        authorization: 'Bearer key',
        'content-type': 'application/json',
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
      },
      body: {
        model: 'openrouter/auto',
        messages: [{ role: 'user', content: 'hi' }],
        stream: true,
        stream_options: { include_usage: true },
      },
    },
  ])
})

test('OpenRouter itself is asked for the cost too; others would refuse the field', async () => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  await collect(new OpenRouterProvider({ apiKey: 'key', fetch: endpoint.fetch }))
  expect(endpoint.requests[0]).toMatchObject({
    url: 'https://openrouter.ai/api/v1/chat/completions',
    body: { usage: { include: true } },
  })
})

test('parameters are sent by the names of the endpoint; extra fields are passed on and override nothing', async () => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  const messages: ChatMessage[] = [
    { role: 'system', content: 'Be brief' },
    { role: 'tool', content: '4', tool_call_id: 'call_1' },
  ]
  const provider = fakeProvider(endpoint, { model: 'a/b', headers: { 'X-Title': 'test' } })
  const params: ProviderParams = {
    model: 'c/d',
    temperature: 0,
    maxTokens: 5,
    stop: ['END'],
    tools: [{ type: 'function' }],
    extra: { top_p: 0.5, stream: false, model: 'e/f' },
  }
  for await (const _ of provider.generateStream(messages, params));
  expect(endpoint.requests[0]?.headers).toMatchObject({ 'x-title': 'test' })
  expect(endpoint.requests[0]?.body).toEqual({
    top_p: 0.5,
    model: 'c/d',
    messages,
    temperature: 0,
    max_tokens: 5,
    stop: ['END'],
    tools: [{ type: 'function' }],
    stream: true,
    stream_options: { include_usage: true },
  })
})

test('a query of the base URL stays, slashes at its end do not', async () => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  await collect(fakeProvider(endpoint, { baseURL: 'http://model.test/openai//?api-version=1#x' }))
  expect(endpoint.requests[0]?.url).toBe('http://model.test/openai/chat/completions?api-version=1')
})

test.each([
  ['baseURL', 'nonsense'],
  ['baseURL', 'ftp://model.test'],
  ['baseURL', 'https://user:secret-password@model.test'],
  ['idleTimeoutMs', -1],
  ['firstTokenTimeoutMs', Number.POSITIVE_INFINITY],
  ['fetch', 'fetch'],
  ['clock', {}],
  ['headers', { 'Transfer-Encoding': 'secret-password' }],
  ['headers', { 'content-length': '1' }],
  ['headers', { Host: 'model.test' }],
])('an option that is invalid is refused when the provider is made: %s', (name, value) => {
  const make = (): unknown => new OpenRouterProvider({ [name]: value })
  expect(make).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ option: name }) }),
  )
  expect(make).not.toThrow('secret-password')
})

test.each<[what: string, input: unknown, params: object | null]>([
  ['no messages', [], {}],
  ['an input that is none', undefined, {}],
  ['a model without a name', 'hi', { model: '' }],
  ['a temperature that is no number', 'hi', { temperature: Number.NaN }],
  ['half a token', 'hi', { maxTokens: 0.5 }],
  ['a time that is none', 'hi', { idleTimeoutMs: -1 }],
  ['what is no JSON', 'hi', { extra: { big: 1n } }],
  ['parameters that are none', 'hi', null],
])('%s gives 4000, and nothing is sent', async (_, input, params) => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  const events = []
  for await (const event of fakeProvider(endpoint).generateStream(input as string, params as ProviderParams)) {
    events.push(event)
  }
  expect(events).toMatchObject([{ eventId: 1_000_000_001, type: 'error', data: { code: 4000, retryable: false } }])
  expect(endpoint.requests).toEqual([])
})

test('nothing is sent before the first event is asked for', async () => {
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  fakeProvider(endpoint).generateStream('hi')
  await idle()
  expect(endpoint.requests).toEqual([])
})

test('the answer of generate is its text, why it stopped, who gave it and what it used', async () => {
  const chunks = [message('Grü'), message('ße', 'stop'), usageMessage(3, 2, { cost: 0.5 }), DONE]
  expect(await fakeProvider(fakeEndpoint({ chunks })).generate('hi')).toEqual({
    text: 'Grüße',
    model: 'm',
    finishReason: 'stop',
    usage: { promptTokens: 3, completionTokens: 2, totalTokens: 5, model: 'm', cost: 0.5 },
  })
})

test('generate rejects with the code, its name, and the usage that was reported', async () => {
  const chunks = [message('half'), usageMessage(3, 2)]
  const failing = fakeProvider(fakeEndpoint({ chunks })).generate('hi')
  await expect(failing).rejects.toBeInstanceOf(ProviderError)
  await expect(failing).rejects.toMatchObject({
    code: 'UNEXPECTED_STREAM_END',
    retryable: true,
    streamError: { code: 3002 },
    usage: { totalTokens: 5 },
  })
})

test('the figures of a stream are reported once, before its last event', async () => {
  const clock = new FakeClock()
  const endpoint = fakeEndpoint({ ending: 'stay' })
  const told: StreamMetrics[] = []
  const events: string[] = []
  const reading = (async () => {
    const params = { onStreamMetrics: (metrics: StreamMetrics) => void told.push(metrics) }
    for await (const { type } of fakeProvider(endpoint, { clock }).generateStream('hi', params)) {
      events.push(`${type} ${told.length}`)
    }
  })()
  const chunks = [': wait\n\n', message('a'), message('b', 'stop'), DONE]
  for (const [at, chunk] of chunks.entries()) {
    await clock.run(10 * (at + 1))
    endpoint.send(chunk)
  }
  await reading
  expect(events).toEqual(['content 0', 'content 0', 'done 1'])
  const bytes = chunks.join('').length
  expect(told).toEqual([{ firstTokenMs: 30, maxInterChunkMs: 40, totalMs: 100, chunkCount: 4, bytes }])
})

test('figures of failed and cancelled streams are reported too, and errors of listeners are ignored', async () => {
  const told: StreamMetrics[] = []
  const onStreamMetrics = (metrics: StreamMetrics): void => {
    told.push(metrics)
    throw new Error('no')
  }
  await collect(fakeProvider(fakeEndpoint({ status: 500 })), { onStreamMetrics })
  const provider = fakeProvider(fakeEndpoint({ chunks: ANSWER }))
  for await (const event of provider.generateStream('hi', { onStreamMetrics })) if (event.type === 'content') break
  await collect(new OpenRouterProvider({ apiKey: '' }), { onStreamMetrics })
  expect(told).toMatchObject([{ chunkCount: 0 }, { chunkCount: 1 }, { chunkCount: 0, totalMs: expect.any(Number) }])
})

test('a body whose last message has come is read to its end, so that its connection can be used again', async () => {
  const clock = new FakeClock()
  const endpoint = fakeEndpoint({ chunks: ANSWER })
  await collect(fakeProvider(endpoint, { clock }))
  await idle()
  expect([endpoint.cancelCount, clock.timerCount]).toEqual([0, 0])
})

test('a body that does not end after its last message is given up', async () => {
  const clock = new FakeClock()
  const endpoint = fakeEndpoint({ chunks: ANSWER, ending: 'stay' })
  expect((await collect(fakeProvider(endpoint, { clock }))).at(-1)?.type).toBe('done')
  await clock.run(1000)
  expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
})
