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

test.each([64 * KIB, 64 * KIB + 1, 300 * KIB, 9 * MIB])(
  'a line of %i bytes is read, however it is cut, and so is the usage after it',
  async bytes => {
    const line = lineOf(bytes)
    const rest = [message('', 'stop'), usageMessage(1, 2), DONE]
    for (const chunks of [[line], halves(line), cut(line, 1021)]) {
      const events = await readChunks([message('before'), ...chunks, ...rest])
      expect(events.map(({ type }) => type)).toEqual(['content', 'content', 'usage', 'done'])
      expect(byteLength(textOf(events))).toBe(bytes + 2 - byteLength(message('')) + 'before'.length)
    }
  },
)

test('a line of reasoning, of a comment or of an unknown field may be as long', async () => {
  for (const start of [':', 'event: ', 'x: ', 'data: {"choices":[{"delta":{"reasoning_details":"']) {
    const end = start.startsWith('data') ? '"}}]}\n\n' : '\n\n'
    const events = await readChunks([start, 'x'.repeat(2 * MIB), end, message('a', 'stop'), DONE])
    expect([start, events.map(({ type }) => type)]).toEqual([start, ['content', 'done']])
  }
})

test('a line that does not end is given up at the bound of the response, and its usage is kept', async () => {
  for (const start of [':', 'data: ', '']) {
    const endpoint = fakeEndpoint({
      chunks: [usageMessage(1, 2), start, ...new Array<string>(21).fill('x'.repeat(MIB / 2))],
      ending: 'stay',
    })
    expect(await collect(fakeProvider(endpoint))).toMatchObject([
      { type: 'usage', data: { totalTokens: 3 } },
      { type: 'error', data: { code: 2002 } },
    ])
    expect(endpoint.cancelCount).toBe(1)
  }
})

test.each(['\n', '\r', '\r\n'])('long lines are read however lines end: %j', async end => {
  const line = lineOf(200 * KIB).trimEnd()
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
])('over 10 MiB of %s give 2002, and no more than that is reported', async (_, piece) => {
  const line = Buffer.from(piece)
  const chunk = Buffer.alloc(line.length * Math.ceil(MIB / line.length), line)
  const endpoint = fakeEndpoint({ chunks: new Array<Buffer>(11).fill(chunk), ending: 'stay' })
  const events = await collect(fakeProvider(endpoint))
  expect(events.at(-1)).toMatchObject({ type: 'error', data: { code: 2002 } })
  expect(byteLength(textOf(events))).toBeLessThanOrEqual(10 * MIB)
  expect(endpoint.cancelCount).toBe(1)
})

test('tokens count with their text alone: an hour of them is not a mistake', async () => {
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

function cut(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}
