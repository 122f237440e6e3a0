import { expect, test } from 'vitest'
import { decodeEvent } from '../../src/sse/decode.ts'
import { parse } from '../../src/sse/parse.ts'

test('a type that is not known is no event, whatever its data', () => {
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
