import { expect, test } from 'vitest'
import { collect, DONE, fakeEndpoint, fakeProvider, message, readChunks, usageMessage } from './stream-rig.ts'

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const EXPECTED = 'Expected the answer to have text, a finish reason or usage, got'
const chunk = (delta: unknown): string => data({ choices: [{ index: 0, delta, finish_reason: null }] })

test.each([
  ['only [DONE]', [DONE], 'nothing'],
  ['comments and [DONE]', [': ping\n\n', DONE], 'nothing'],
  ['a detail', [data({ detail: 'Model is loading' }), DONE], '`{"detail":"Model is loading"}`'],
  ['a detail without [DONE]', [data({ detail: 'no' })], '`{"detail":"no"}`'],
  ['a message of a gateway', [data({ message: 'no such route' }), DONE], '`{"message":"no such route"}`'],
  ['empty choices', [data({ choices: [] }), data({ choices: [] }), DONE], '`{"choices":[]}`'],
  ['a detail behind a role', [chunk({ role: 'assistant' }), data({ detail: 'x' }), DONE], '`{"detail":"x"}`'],
  [
    'only empty deltas',
    [chunk({ content: '' }), DONE],
    '`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}`',
  ],
  ['usage that says nothing', [data({ choices: [], usage: {} }), DONE], '`{"choices":[],"usage":{}}`'],
  ['an error that is none', [data({ error: '' }), DONE], '`{"error":""}`'],
])('a stream of %s is an error that quotes the received text', async (_, chunks, got) => {
  expect(await readChunks(chunks)).toMatchObject([
    { type: 'error', data: { code: 2002, retryable: false, message: `${EXPECTED} ${got}` } },
  ])
})

test.each([
  ['a finish reason', [message('', 'stop'), DONE], ['done']],
  ['a finish reason, without [DONE]', [message('', 'stop')], ['done']],
  ['usage', [usageMessage(1, 0), DONE], ['usage', 'done']],
  ['white space', [message(' '), DONE], ['content', 'done']],
  ['a detail, and text', [data({ detail: 'warming up' }), message('a'), DONE], ['content', 'done']],
])('%s alone is an answer', async (_, chunks, types) => {
  expect((await readChunks(chunks)).map(({ type }) => type)).toEqual(types)
})

test.each([
  ['of text', { error: 'overloaded' }, 'overloaded'],
  ['with a detail', { error: { detail: 'overloaded' } }, 'overloaded'],
])('an error %s is that error', async (_, body, said) => {
  expect(await readChunks([data(body), DONE])).toMatchObject([
    { type: 'error', data: { code: 2000, message: `The provider ended the answer with an error: ${said}` } },
  ])
})

test('a stream that breaks off before its first text is cut short, not empty', async () => {
  expect(await readChunks([chunk({ role: 'assistant' })])).toMatchObject([{ data: { code: 3002, retryable: true } }])
  const lost = await readChunks([data({ detail: 'x' })], Object.assign(new Error(), { code: 'ECONNRESET' }))
  expect(lost).toMatchObject([{ data: { code: 1002 } }])
})

test('a quotation is bounded, in one line, and contains no key', async () => {
  const detail = `bad key sk-or-v1-0123456789abcdef and key-of-the-test\n${'👋'.repeat(600)}`
  const endpoint = fakeEndpoint({ chunks: [data({ detail }), DONE] })
  const events = await collect(fakeProvider(endpoint, { apiKey: 'key-of-the-test' }))
  const [event] = events
  const said = event?.type === 'error' ? event.data.message : ''
  expect(said.startsWith(`${EXPECTED} \`{"detail":"bad key [redacted] and [redacted]\\n👋`)).toBe(true)
  expect(said.at(-3)).toBe('\udc4b')
  expect(said.length).toBeLessThan(600)
})

const JSON_TYPE = { 'content-type': 'application/json' }

test.each([
  ['without choices', { detail: 'Not here' }, '`{"detail":"Not here"}`'],
  ['with empty choices', { choices: [] }, '`{"choices":[]}`'],
])('a whole answer %s is an error that quotes it', async (_, body, got) => {
  const endpoint = fakeEndpoint({ headers: JSON_TYPE, chunks: [JSON.stringify(body)] })
  await expect(fakeProvider(endpoint).generate('hi')).rejects.toMatchObject({
    code: 'PROVIDER_INVALID_RESPONSE',
    message: `Expected the answer to have a message, got ${got}`,
  })
})

test('a whole answer with an empty message and nothing else is an error', async () => {
  const chunks = [JSON.stringify({ choices: [{ message: { content: '' } }] })]
  await expect(fakeProvider(fakeEndpoint({ headers: JSON_TYPE, chunks })).generate('hi')).rejects.toMatchObject({
    code: 'PROVIDER_INVALID_RESPONSE',
  })
})

test('a whole answer where a stream was asked for reports its detail', async () => {
  const endpoint = fakeEndpoint({ headers: JSON_TYPE, chunks: ['{"detail":"Method not supported"}'] })
  expect(await collect(fakeProvider(endpoint))).toMatchObject([
    { data: { code: 3000, message: expect.stringContaining('`application/json`: Method not supported') as string } },
  ])
})
