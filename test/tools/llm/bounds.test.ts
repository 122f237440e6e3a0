import { expect, test } from 'vitest'
import { collect, DONE, fakeEndpoint, fakeProvider, message, readChunks, textOf, usageMessage } from './stream-rig.ts'

const KIB = 1024
const MIB = 1024 * KIB
const byteLength = (text: string): number => Buffer.byteLength(text)

/** A message whose line is so long, without its end; its text is of two bytes a character, as far as they fit. */
function lineOf(bytes: number): string {
  const room = bytes - byteLength(message('')) + 2
  return message('ü'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2))
}

/** A comment, so that what comes after it has reached so many bytes. */
function fill(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, `:${'x'.repeat(1022)}\n`)
  body[bytes - 1] = 0x0a
  return body
}

test('a line of 64 KiB in UTF-8 is read, one of a byte more gives 3000 after the text before it', async () => {
  const longest = lineOf(64 * KIB)
  expect(byteLength(longest)).toBe(64 * KIB + 2)
  expect(byteLength(textOf(await readChunks([longest, DONE])))).toBe(byteLength(longest) - byteLength(message('')))

  const longer = lineOf(64 * KIB + 1)
  expect(longer.length).toBeLessThan(40 * KIB)
  for (const chunks of [[message('before') + longer], [message('before'), ...halves(longer)]]) {
    expect(await readChunks([...chunks, DONE])).toMatchObject([
      { type: 'content', data: 'before' },
      { type: 'error', data: { code: 3000, retryable: false } },
    ])
  }
})

test('a line that does not end is given up at its bound, whatever it is, and its usage is kept', async () => {
  for (const start of [':', 'data: ', '']) {
    const endpoint = fakeEndpoint({
      chunks: [usageMessage(1, 2), start, ...new Array<string>(64).fill('ü'.repeat(512)), 'x'.repeat(10)],
      ending: 'stay',
    })
    expect(await collect(fakeProvider(endpoint))).toMatchObject([
      { type: 'usage', data: { totalTokens: 3 } },
      { type: 'error', data: { code: 3000 } },
    ])
    expect(endpoint.cancelCount).toBe(1)
  }
})

test.each(['\n', '\r', '\r\n'])('the bound of a line is that of one line, however lines end: %j', async end => {
  const line = lineOf(64 * KIB).trimEnd()
  const body = `${line}${end}${end}${line}${end}${end}`
  for (const chunks of [[body], halves(body)]) {
    expect((await readChunks([...chunks, DONE])).map(({ type }) => type)).toEqual(['content', 'content', 'done'])
  }
})

test('a message of many lines may be longer than one line', async () => {
  const piece = 'x'.repeat(50 * KIB)
  const data = ['{"choices":[{"delta":{"content":"a"}}],', `"x":"${piece}",`, `"y":"${piece}"}`]
  const events = await readChunks([data.map(line => `data: ${line}\n`).join(''), '\n', DONE])
  expect(events).toMatchObject([{ type: 'content', data: 'a' }, { type: 'done' }])
})

test('a response of 10 MiB in UTF-8 is read, one of a byte more gives 2002 after its text', async () => {
  const text = lineOf(60 * KIB)
  for (const [more, ending] of [
    [0, { type: 'done' }],
    [1, { type: 'error', data: { code: 2002, retryable: false } }],
  ] as const) {
    const body = [text, fill(10 * MIB + more - byteLength(text) - byteLength(DONE)), DONE]
    for (const chunks of [body, [Buffer.concat(body.map(part => Buffer.from(part)))]]) {
      expect(await readChunks(chunks)).toMatchObject([{ type: 'content' }, ending])
    }
  }
})

test.each([
  ['text', message('ü'.repeat(5000))],
  ['pieces of text that are longer than a token', message('x'.repeat(33))],
  ['comments', `:${'x'.repeat(60_000)}\n\n`],
  ['comments without text', ':\n'.repeat(1000)],
  ['messages that say nothing', 'data: {"x":1}\n\n'.repeat(100)],
  ['messages without data', 'id: 1\n\n'.repeat(1000)],
  ['reasoning', `data: {"choices":[{"delta":{"reasoning":"${'x'.repeat(60_000)}"}}]}\n\n`],
])('over 10 MiB of %s give 2002, and no more than that is told', async (_, piece) => {
  const line = Buffer.from(piece)
  const chunk = Buffer.alloc(line.length * Math.ceil(MIB / line.length), line)
  const endpoint = fakeEndpoint({ chunks: new Array<Buffer>(11).fill(chunk), ending: 'stay' })
  const events = await collect(fakeProvider(endpoint))
  expect(events.at(-1)).toMatchObject({ type: 'error', data: { code: 2002 } })
  expect(byteLength(textOf(events))).toBeLessThanOrEqual(10 * MIB)
  expect(endpoint.cancelCount).toBe(1)
})

test('tokens count with their text alone: an hour of them is no mistake', async () => {
  const line = message('token')
  const chunk = line.repeat(1000)
  const count = 180
  expect(count * chunk.length).toBeGreaterThan(10 * MIB)
  const endpoint = fakeEndpoint({ chunks: [...new Array<string>(count).fill(chunk), message('', 'stop'), DONE] })
  const events = await collect(fakeProvider(endpoint))
  expect([events.at(-1)?.type, textOf(events).length]).toEqual(['done', count * 5000])
})

test.each([
  [16 * KIB, 'done'],
  [16 * KIB + 1, 'error'],
])('a token whose message has %i characters, with its log probabilities: %s', async (chars, ending) => {
  const body = (more: string): string => `{"choices":[{"delta":{"content":"t"},"logprobs":"${more}"}]}`
  const line = `data: ${body('x'.repeat(chars - body('').length))}\n\n`
  const count = 700
  expect(count * line.length).toBeGreaterThan(10 * MIB)
  const endpoint = fakeEndpoint({ chunks: [...new Array<string>(count).fill(line), message('', 'stop'), DONE] })
  expect((await collect(fakeProvider(endpoint))).at(-1)).toMatchObject({ type: ending })
})

function halves(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const middle = Math.floor(bytes.length / 2)
  return [bytes.subarray(0, middle), bytes.subarray(middle)]
}
