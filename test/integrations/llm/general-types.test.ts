import { expect, test } from 'vitest'
import { fakeEndpoint, fakeProvider } from './stream-rig.ts'

// Some endpoints and proxies send a stream under a type that says nothing of it.

const piece = 'data: {"choices":[{"delta":{"content":"hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

test.each([
  ['text/plain', [piece]],
  ['text/plain; charset=utf-8', [piece]],
  ['Text/Plain', ['\n', 'd', 'at', `a:${piece.slice(5)}`]],
  ['text/plain', [`\uFEFF${piece}`]],
  ['text/plain', [`: OPENROUTER PROCESSING\n\n${piece}`]],
  ['application/octet-stream', [`event: message\n${piece}`]],
])('a stream of type %s that begins with %j is read', async (type, chunks) => {
  const endpoint = fakeEndpoint({ headers: { 'content-type': type }, chunks })
  expect(await fakeProvider(endpoint).generate('hi')).toMatchObject({ text: 'hello', finishReason: 'stop' })
})

test.each([
  ['text/plain', ['upstream connect error']],
  ['text/plain', ['database is down']],
  ['text/plain', ['dat', 'e']],
  ['text/plain', ['dat']],
  ['text/plain', []],
  ['text/plain', [' '.repeat(70_000), piece]],
  ['text/html', [piece]],
])('a body of type %s that begins otherwise is refused with its type: %#', async (type, chunks) => {
  const endpoint = fakeEndpoint({ headers: { 'content-type': type }, chunks })
  await expect(fakeProvider(endpoint).generate('hi')).rejects.toMatchObject({
    code: 'INVALID_SSE_FORMAT',
    message: `Expected an answer of type \`text/event-stream\`, got \`${type}\``,
  })
})
