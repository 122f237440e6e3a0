import { assert, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { SSE_EVENTS, type SSEEvent } from '../../src/events/events.ts'
import { JsonValue } from '../../src/events/json-value.ts'
import { LogEntry, NOT_LOGGED } from '../../src/events/log-entry.ts'
import { decodeEvent } from '../../src/sse/decode.ts'
import { encode, encodeComment, encodeEntry, encodeMessage, type MessageFields } from '../../src/sse/encode.ts'
import { parse } from '../../src/sse/parse.ts'
import { anyEvent, anyText, EVERY_EVENT } from './events.ts'

const timestamp = '2026-01-01T00:00:00.000Z'

test('an event is its id, its type, one line of JSON and a blank line', () => {
  const data = { executionId: 'x', timestamp, taskId: 'a', attempt: 1, text: 'one\ntwo' }
  expect(encode({ type: 'token', data, id: 'x.3' })).toBe(
    `id: x.3\nevent: token\ndata: {"executionId":"x","timestamp":"${timestamp}","taskId":"a","attempt":1,"text":"one\\ntwo"}\n\n`,
  )
})

test('an event without an id has no id line', () => {
  const data = { executionId: 'x', timestamp, error: 'no', code: 'STORE_FAILED' }
  expect(encode({ type: 'error', data })).toBe(`event: error\ndata: ${JSON.stringify(data)}\n\n`)
})

test('the sample events cover the whole union', () => {
  expect(EVERY_EVENT.map(event => event.type).sort()).toEqual(Object.values(SSE_EVENTS).sort())
})

test.each(EVERY_EVENT.map(event => [event.type, event] as const))(
  'a decoded %s event equals the encoded one',
  (_, event) => {
    expect(parse(encode(event)).map(decodeEvent)).toEqual([event])
  },
)

test('any event survives the wire, whatever text it holds', () => {
  assert(
    property(anyEvent, event => {
      expect(parse(encode(event)).map(decodeEvent)).toEqual([event])
    }),
  )
})

test('an event is four lines, whatever text it holds', () => {
  assert(property(anyEvent, event => encode({ ...event, id: 'x.1' }).match(/\r\n|\r|\n/g)?.length === 4))
})

test('an entry of the log is encoded as its event is', () => {
  const output = JsonValue.from({ a: ['b', '\n'] })
  const cost = { attempts: 1, executionTimeMs: 1, waitMs: 0 }
  const task = { taskId: 'a', tool: 't', status: 'success', output, ...cost } as const
  const entry = new LogEntry(5, 'task_complete', { executionId: 'x', timestamp, ...task })
  expect(encodeEntry(entry)).toBe(encode(entry.toEvent()))
})

test('an entry that is not in the log gets no id', () => {
  const data = { executionId: 'x', timestamp, error: 'no', code: 'STORE_FAILED' }
  expect(encodeEntry(new LogEntry(NOT_LOGGED, 'error', data))).toBe(encode({ type: 'error', data }))
})

test('an output over 64 KiB is reported by size, preview and path', () => {
  const output = 'x'.repeat(70_000)
  const task = { taskId: 'a/b', tool: 't', status: 'success', attempts: 1, executionTimeMs: 1, waitMs: 0 } as const
  const data = { executionId: 'x', timestamp, ...task }
  const [event] = parse(encode({ type: 'task_complete', data: { ...data, output }, id: 'x.1' })).map(decodeEvent)
  expect(event).toEqual({
    type: 'task_complete',
    data: {
      ...data,
      outputBytes: 70_002,
      outputPreview: `"${'x'.repeat(1023)}`,
      outputPath: '/executions/x/tasks/a%2Fb/output',
    },
    id: 'x.1',
  })
})

const REFUSED_EVENTS: readonly (readonly [string, object])[] = [
  ['a type with a line break', { type: 'a\ndata: forged', data: {} }],
  ['an empty type', { type: '', data: {} }],
  ['an id with a line break', { type: 'token', data: {}, id: '1\rdata: forged' }],
  ['data that is undefined', { type: 'token' }],
  ['data with a BigInt', { type: 'token', data: { text: 1n } }],
  ['an output with a function', { type: 'task_complete', data: { output: { run: () => 1 } } }],
]

test.each(REFUSED_EVENTS)('an event with %s is refused', (_, event) => {
  expect(() => encode(event as unknown as SSEEvent)).toThrow(expect.objectContaining({ code: 'INVALID_EVENT' }))
})

const ENCODED: readonly (readonly [MessageFields, string])[] = [
  [{ data: 'x' }, 'data: x\n\n'],
  [{ data: '' }, 'data: \n\n'],
  [{ data: ' x' }, 'data:  x\n\n'],
  [{ data: 'a\r\nb\rc\nd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
  [{ data: '\n' }, 'data: \ndata: \n\n'],
  [{ event: 'e', data: 'x' }, 'event: e\ndata: x\n\n'],
  [{ id: '' }, 'id: \n\n'],
  [{ id: 'é 1' }, 'id: é 1\n\n'],
  [{ retry: 0 }, 'retry: 0\n\n'],
  [{ retry: 3000, id: '7', event: 'e', data: 'x' }, 'retry: 3000\nid: 7\nevent: e\ndata: x\n\n'],
]

test.each(ENCODED)('the message %j is %j', (fields, frame) => {
  expect(encodeMessage(fields)).toBe(frame)
})

const REFUSED: readonly MessageFields[] = [
  { event: '', data: 'x' },
  { event: 'a\nb', data: 'x' },
  { event: 'a\rb', data: 'x' },
  { event: 'ā', data: 'x' },
  { event: '😀', data: 'x' },
  { event: 'never dispatched' },
  { id: 'a\nb' },
  { id: 'a\rb' },
  { id: 'a\0b' },
  { id: 'a\u0007b' },
  { id: 'a\u007fb' },
  { id: 'ā' },
  { id: '\ud800' },
  { id: ' a' },
  { id: 'a ' },
  { id: ' ' },
  { retry: -1 },
  { retry: 1.5 },
  { retry: 1e21 },
  { retry: Number.NaN },
  { retry: Number.POSITIVE_INFINITY },
  { retry: '1\ndata: forged' as unknown as number },
]

test.each(REFUSED)('the message %j is refused', fields => {
  expect(() => encodeMessage(fields)).toThrow(expect.objectContaining({ code: 'INVALID_EVENT' }))
})

test('a message that is not refused arrives as it was sent', () => {
  const fields = record({ event: anyText, id: anyText, data: anyText })
  assert(
    property(fields, ({ event, id, data }) => {
      let frame: string
      try {
        frame = encodeMessage({ event, id, data })
      } catch {
        return
      }
      const lines = data.replace(/\r\n|\r/g, '\n')
      expect(parse(frame)).toEqual([{ event, id, data: lines, lastEventId: id }])
    }),
  )
})

test('a refusal cuts the value it shows', () => {
  expect(() => encodeMessage({ id: '\n'.repeat(1000) })).toThrow(/^Expected an event id .{0,120}$/)
})

test('a comment begins each of its lines with a colon', () => {
  expect([encodeComment(''), encodeComment('a\r\nb\rdata: c')]).toEqual([':\n\n', ': a\n: b\n: data: c\n\n'])
  expect(parse(encodeComment('a\ndata: b'))).toEqual([])
})
