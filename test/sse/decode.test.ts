import { assert, property } from 'fast-check'
import { expect, test } from 'vitest'
import { decode, decodeEvent } from '../../src/sse/decode.ts'
import { encode } from '../../src/sse/encode.ts'
import { parse } from '../../src/sse/parse.ts'
import { anyEvent, EVERY_EVENT } from './events.ts'

test('a type that is not known is not an event, whatever its data', () => {
  expect(parse('event: later\ndata: {\n\ndata: x\n\nevent: toString\ndata: {}\n\n').map(decodeEvent)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('an event does not take over the id of an earlier one', () => {
  expect(parse('id: x.1\nevent: token\ndata: {}\n\nevent: error\ndata: {}\n\n').map(decodeEvent)).toEqual([
    { type: 'token', data: {}, id: 'x.1' },
    { type: 'error', data: {} },
  ])
})

test.each(['', '{', 'null', '[]', '1', '"x"'])('data %j of a known type is refused', data => {
  const [message] = parse(`event: token\ndata: ${data}\n\n`)
  expect(() => message && decodeEvent(message)).toThrow(
    expect.objectContaining({ code: 'INVALID_SSE', details: { event: 'token' } }),
  )
})

test.each(EVERY_EVENT.map(event => [event.type, event] as const))(
  'decode is the inverse of encode for %s',
  (_, event) => {
    expect(decode(encode(event))).toEqual(event)
  },
)

test('decode is the inverse of encode for any event', () => {
  assert(
    property(anyEvent, event => {
      expect(decode(encode(event))).toEqual(event)
    }),
  )
})

test('decode gives the first event of a text, and nothing for a text without one', () => {
  const [first, second] = EVERY_EVENT.map(encode)
  expect(decode(`:\n\n${first}${second}`)).toEqual(EVERY_EVENT[0])
  expect(['', ':\n\n', 'event: token\ndata: {}\n', 'event: later\ndata: {}\n\n'].map(decode)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
