import { expect, test } from 'vitest'
import { collect, DONE, fakeEndpoint, fakeProvider, message, textOf } from './stream-rig.ts'

test('an answer may be streamed for longer than its bound is in bytes, as long as its text is within it', async () => {
  const line = message('token')
  const chunk = line.repeat(1000)
  const count = Math.ceil((11 * 1024 * 1024) / chunk.length)
  const endpoint = fakeEndpoint({ chunks: [...new Array<string>(count).fill(chunk), message('', 'stop'), DONE] })
  const events = await collect(fakeProvider(endpoint))
  expect([events.at(-1)?.type, textOf(events).length]).toEqual(['done', count * 5000])
})

test.each([
  ['comments', `:${'x'.repeat(60_000)}\n\n`],
  ['messages that say nothing', `data: {"x":"${'x'.repeat(60_000)}"}\n\n`],
  ['reasoning', `data: {"choices":[{"delta":{"reasoning":"${'x'.repeat(60_000)}"}}]}\n\n`],
])('over 10 MiB of %s give 2002', async (_, line) => {
  const endpoint = fakeEndpoint({ chunks: new Array<string>(200).fill(line), ending: 'stay' })
  expect(await collect(fakeProvider(endpoint))).toMatchObject([{ type: 'error', data: { code: 2002 } }])
  expect(endpoint.cancelCount).toBe(1)
})

test('a line of 64 KiB is read, a longer one gives 3000 after the text before it', async () => {
  const framing = message('').length - 2
  const longest = message('x'.repeat(64 * 1024 - framing))
  expect(textOf(await collect(fakeProvider(fakeEndpoint({ chunks: [longest, DONE] }))))).toHaveLength(
    64 * 1024 - framing,
  )
  const longer = message('x'.repeat(64 * 1024 - framing + 1))
  const events = await collect(fakeProvider(fakeEndpoint({ chunks: [`${message('before')}${longer}`] })))
  expect(events).toMatchObject([
    { type: 'content', data: 'before' },
    { type: 'error', data: { code: 3000 } },
  ])
})
