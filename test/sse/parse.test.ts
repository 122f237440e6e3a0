import { createParser as createPeer } from 'eventsource-parser'
import { array, assert, constantFrom, double, oneof, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createParser, type ParserOptions, parse, type SSEMessage } from '../../src/sse/parse.ts'

interface Told {
  readonly messages: { event: string; data: string; id: string | undefined }[]
  readonly comments: string[]
  readonly retries: number[]
}

function told(chunks: readonly string[], options: Partial<ParserOptions> = {}): Told {
  const result: Told = { messages: [], comments: [], retries: [] }
  const parser = createParser({
    onMessage: ({ event, data, id }) => result.messages.push({ event, data, id }),
    onComment: text => result.comments.push(text),
    onRetry: ms => result.retries.push(ms),
    ...options,
  })
  for (const chunk of chunks) parser.feed(chunk)
  return result
}

function toldByPeer(text: string): Told {
  const result: Told = { messages: [], comments: [], retries: [] }
  const parser = createPeer({
    onEvent: ({ event = 'message', data, id }) => result.messages.push({ event, data, id }),
    onComment: text => result.comments.push(text),
    onRetry: ms => result.retries.push(ms),
  })
  parser.feed(text)
  return result
}

/** Streams made of what matters to the grammar. */
const anyStream = array(
  oneof(
    { weight: 6, arbitrary: constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r') },
    {
      weight: 6,
      arbitrary: constantFrom('data: ', 'data:', 'data', 'id: ', 'id', 'event: ', 'event', 'retry: ', ':'),
    },
    { weight: 3, arbitrary: constantFrom('x', '  ', '{"a":1}', '12', '1a', '😀', 'dat', 'Data: ', 'é') },
  ),
  { maxLength: 40 },
).map(parts => parts.join(''))

function cutAt(text: string, places: readonly number[]): string[] {
  const edges = [0, ...places.map(place => Math.floor(place * text.length)).sort((a, b) => a - b), text.length]
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge))
}

test('a stream is read as eventsource-parser reads it', () => {
  // The peer only ends a line at a trailing CR once it has seen what follows; the blank lines let it.
  assert(
    property(anyStream, stream => {
      expect(told([`${stream}\n\n`])).toEqual(toldByPeer(`${stream}\n\n`))
    }),
    { numRuns: 2000 },
  )
})

test('it does not matter where a stream is cut', () => {
  const places = array(double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 })
  assert(
    property(anyStream, places, (stream, places) => {
      const whole = told([stream])
      expect(told(cutAt(stream, places))).toEqual(whole)
      expect(told(stream.split(''))).toEqual(whole)
    }),
    { numRuns: 1000 },
  )
})

test('a stream may be cut in two at every place', () => {
  const stream = 'id: 1\r\nevent: e\r\ndata: a\r\ndata: b\r\n\r\n: c\rretry: 5\r\rdata\n\ndata: d\n\n'
  const whole = told([stream])
  expect(whole).toEqual({
    messages: [
      { event: 'e', data: 'a\nb', id: '1' },
      { event: 'message', data: '', id: undefined },
      { event: 'message', data: 'd', id: undefined },
    ],
    comments: ['c'],
    retries: [5],
  })
  for (let at = 0; at <= stream.length; at++) expect(told([stream.slice(0, at), stream.slice(at)])).toEqual(whole)
})

test('a message is reported at its last CR, without waiting for an LF', () => {
  expect(told(['data: a\r\r']).messages).toHaveLength(1)
  expect(told(['data: a\r\r', '\n', '\n', 'data: b\n\n']).messages).toHaveLength(2)
})

test('the last event id stays until another one comes, and goes with an empty one', () => {
  const stream = 'id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid: 3\0\ndata: d\n\nid\ndata: e\n\n'
  expect(parse(stream)).toEqual([
    { event: 'message', data: 'a', id: '1', lastEventId: '1' },
    { event: 'message', data: 'b', lastEventId: '1' },
    { event: 'message', data: 'c', lastEventId: '2' },
    { event: 'message', data: 'd', lastEventId: '2' },
    { event: 'message', data: 'e', id: '', lastEventId: '' },
  ])
})

test('an incomplete message counts for nothing, nor does its id', () => {
  const messages: SSEMessage[] = []
  const parser = createParser({ onMessage: message => messages.push(message) })
  parser.feed('id: 1\ndata: a\n\nid: 2\nevent: e\ndata: lo')
  parser.reset()
  expect(parser.lastEventId).toBe('1')
  parser.feed('st\n\ndata: b\n\n')
  expect(messages).toEqual([
    { event: 'message', data: 'a', id: '1', lastEventId: '1' },
    { event: 'message', data: 'b', lastEventId: '1' },
  ])
})

test('only ASCII digits are a retry time', () => {
  const values = ['7', '', '-1', '1.5', '1e3', '٣', '  8', '9'.repeat(30), '0']
  expect(told(values.map(value => `retry:${value}\n`)).retries).toEqual([7, 0])
})

test('a byte order mark is the decoder’s to take off', () => {
  expect(parse('\ufeffdata: a\n\n')).toEqual([])
  expect(parse('data: \ufeffa\n\n')).toEqual([{ event: 'message', data: '\ufeffa', lastEventId: '' }])
})

test.each([
  ['an unfinished line', ['data: 12345']],
  ['an unfinished line in many pieces', 'data: 12345'.split('')],
  ['a finished line', ['data: 12345\n']],
  ['a comment', [':1234567890']],
  ['lines of data that add up', ['data:123\ndata:456\ndata:789\n']],
])('%s over the bound fails, and so does whatever follows', (_, chunks) => {
  const refused = expect.objectContaining({ code: 'INVALID_SSE', details: { maxMessageChars: 10 } })
  const parser = createParser({ onMessage: () => {}, maxMessageChars: 10 })
  expect(() => chunks.forEach(chunk => parser.feed(chunk))).toThrow(refused)
  expect(() => parser.feed('\n')).toThrow(refused)
  parser.reset()
  parser.feed('data: 1\n\n')
})

test('the bound is for one message, not for the stream', () => {
  expect(told(Array<string>(100).fill(':12345\ndata: 1\n\n'), { maxMessageChars: 10 }).messages).toHaveLength(100)
})

test('the default bound lets the largest start of an execution pass', () => {
  const layers = [Array.from({ length: 100_000 }, (_, index) => String(index).padStart(200, 'x'))]
  expect(parse(`event: execution_start\ndata: ${JSON.stringify({ layers })}\n\n`)).toHaveLength(1)
})

test('a line of megabytes may arrive a character at a time', () => {
  // Quadratic work would be 10^13 steps here and never end.
  const size = 5_000_000
  let length = 0
  const parser = createParser({ onMessage: message => (length = message.data.length) })
  parser.feed('data: ')
  for (let i = 0; i < size; i++) parser.feed('x')
  parser.feed('\n\n')
  expect(length).toBe(size)
})
