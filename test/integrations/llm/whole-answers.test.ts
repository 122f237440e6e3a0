import { describe, expect, test } from 'vitest'
import { collect, fakeEndpoint, fakeProvider } from './stream-rig.ts'

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cost: 0 }
const told = { promptTokens: 1, completionTokens: 2, totalTokens: 3, model: 'm', cost: 0 }

const whole = (body: unknown, status = 200): ReturnType<typeof fakeEndpoint> =>
  fakeEndpoint({ status, headers: JSON_TYPE, chunks: [typeof body === 'string' ? body : JSON.stringify(body)] })

test('generate takes an answer that comes whole', async () => {
  const choices = [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'length' }]
  expect(await fakeProvider(whole({ model: 'm', choices, usage })).generate('hi')).toEqual({
    text: 'hello',
    model: 'm',
    finishReason: 'length',
    usage: told,
  })
})

test.each<[what: string, choices: unknown[], text: string]>([
  ['null as its content', [{ message: { content: null, refusal: 'no' }, finish_reason: 'stop' }], ''],
  ['content in parts', [{ message: { content: [{ type: 'text', text: 'a' }, { text: 'b' }] } }], 'ab'],
  [
    'its first choice last',
    [
      { index: 1, message: { content: 'b' } },
      { index: 0, message: { content: 'a' } },
    ],
    'a',
  ],
  ['text instead of a message, as text completions have it', [{ text: 'a', finish_reason: 'stop' }], 'a'],
  ['reasoning beside it', [{ message: { content: 'a', reasoning: 'hm', reasoning_content: 'hm' } }], 'a'],
  ['an error that is none', [{ message: { content: 'a' }, error: null }], 'a'],
])('generate takes an answer that comes whole with %s', async (_, choices, text) => {
  expect(await fakeProvider(whole({ choices, error: null })).generate('hi')).toMatchObject({ text })
})

describe('generate rejects, with the usage that was reported, when an answer that comes whole', () => {
  const message = { content: 'half' }
  test.each<[how: string, body: object, code: string, retryable: boolean]>([
    ['has no message', { choices: [] }, 'PROVIDER_INVALID_RESPONSE', false],
    ['has an error beside its usage', { error: { code: 429 } }, 'PROVIDER_RATE_LIMIT', true],
    ['has an error that is a text', { error: 'no' }, 'PROVIDER_UNAVAILABLE', true],
    ['has an error beside its message', { choices: [{ message }], error: { code: 502 } }, 'PROVIDER_UNAVAILABLE', true],
    ['finished by an error', { choices: [{ message, finish_reason: 'error' }] }, 'PROVIDER_UNAVAILABLE', true],
    ['has an error in its choice', { choices: [{ message, error: { code: 402 } }] }, 'INSUFFICIENT_QUOTA', false],
  ])('%s', async (_, body, code, retryable) => {
    const failing = fakeProvider(whole({ model: 'm', ...body, usage })).generate('hi')
    await expect(failing).rejects.toMatchObject({ name: 'ProviderError', code, retryable, usage: told })
  })
})

test.each([
  ['is cut', '{"choices":', 'MALFORMED_JSON', true],
  ['is no object', '[1]', 'PROVIDER_INVALID_RESPONSE', false],
  ['is empty', '', 'MALFORMED_JSON', true],
  ['is over 10 MiB', ' '.repeat(10 * 1024 * 1024 + 1), 'PROVIDER_INVALID_RESPONSE', false],
])('generate rejects when an answer that comes whole %s', async (_, body, code, retryable) => {
  await expect(fakeProvider(whole(body)).generate('hi')).rejects.toMatchObject({ code, retryable })
})

test('an answer that comes whole where a stream was asked for gives 3000, and its usage is kept', async () => {
  const choices = [{ message: { content: 'hello' }, finish_reason: 'stop' }]
  expect(await collect(fakeProvider(whole({ model: 'm', choices, usage })))).toMatchObject([
    { type: 'usage', data: told },
    { type: 'error', data: { code: 3000, retryable: false } },
  ])
})

test('usage that an error response reports is kept', async () => {
  const error = { code: 429, message: 'slow down' }
  expect(await collect(fakeProvider(whole({ error, model: 'm', usage }, 429)))).toMatchObject([
    { type: 'usage', data: told },
    { type: 'error', data: { code: 2001, retryable: true } },
  ])
})
