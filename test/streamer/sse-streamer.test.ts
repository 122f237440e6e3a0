import { expect, test } from 'vitest'
import { SSEStreamer, sseStreamer, type SSEStreamerOptions } from '../../src/streamer/sse-streamer.ts'
import type { StreamEvent } from '../../src/streamer/stream-event.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A streamer whose clock and log the test holds in its hand. */
function streamerRig(options: SSEStreamerOptions = {}): {
  streamer: SSEStreamer
  clock: FakeClock
  warnings: string[]
  events: StreamEvent[]
} {
  const clock = new FakeClock()
  const warnings: string[] = []
  const events: StreamEvent[] = []
  const streamer = new SSEStreamer({ clock, logger: { warn: message => void warnings.push(message) }, ...options })
  streamer.subscribe(event => void events.push(event))
  return { streamer, clock, warnings, events }
}

const typesOf = (events: readonly StreamEvent[]): string[] => events.map(({ type }) => type)

test('each token is an event of its own, delivered before the call returns', async () => {
  const { streamer, events, clock } = streamerRig()
  const sent = streamer.streamToken('Hel')
  expect(events).toEqual([{ type: 'token', data: 'Hel', timestamp: FakeClock.START }])
  clock.advance(5)
  await streamer.streamToken('lo')
  expect(events.at(-1)).toEqual({ type: 'token', data: 'lo', timestamp: FakeClock.START + 5 })
  await sent
})

test('every method is one event of its form', async () => {
  const { streamer, events } = streamerRig()
  const timestamp = FakeClock.START
  await streamer.streamInfo('hello')
  streamer.updateMetrics(120)
  streamer.updateMetrics(undefined, 40)
  await streamer.streamError(new TypeError('no'))
  await streamer.streamError('no')
  await streamer.streamComplete('done', { tokens: 7 })
  streamer.emit('stream-event', { type: 'custom', data: { any: 1 } })
  streamer.emit('stream-event', { type: 'token', data: 'relayed', timestamp: 5, streamId: 'else' })
  expect(events).toEqual([
    { type: 'info', data: { message: 'hello' }, timestamp },
    { type: 'metrics', data: { ttft: 120 }, timestamp },
    { type: 'metrics', data: { ttft: 120, tokensPerSec: 40 }, timestamp },
    { type: 'error', data: { message: 'no', stack: expect.stringContaining('TypeError: no') }, timestamp },
    { type: 'error', data: { message: 'no' }, timestamp },
    {
      type: 'complete',
      data: { response: 'done', metrics: { ttft: 0, totalTime: 0, tokens: 7, tokensPerSec: 0 } },
      timestamp,
    },
    { type: 'custom', data: { any: 1 }, timestamp },
    { type: 'token', data: 'relayed', timestamp: 5, streamId: 'else' },
  ])
})

test.each<[unknown, string]>([
  [5, '5'],
  [undefined, ''],
  [null, ''],
  [Symbol('x'), 'Symbol(x)'],
  [Object.create(null), ''],
])('a value that is not text is converted, and no promise rejects: %o', async (given, text) => {
  const { streamer, events } = streamerRig()
  await streamer.streamToken(given as string)
  await streamer.streamInfo(given as string)
  await streamer.streamComplete(given as string)
  expect(events.map(({ data }) => data)).toMatchObject([text, { message: text }, { response: text }])
})

test.each([null, undefined, {}, 5, new Error('')])('an error without text, %j, is reported as unknown', async error => {
  const { streamer, events } = streamerRig()
  await streamer.streamError(error)
  expect(events[0]?.data).toMatchObject({ message: 'Unknown error' })
})

test('missing metrics are taken from reported ones, or measured', async () => {
  const { streamer, events, clock } = streamerRig()
  streamer.clearMetrics()
  clock.advance(100)
  for (let token = 0; token < 5; token++) {
    await streamer.streamToken('x')
    clock.advance(50)
  }
  await streamer.streamComplete('xxxxx')
  expect(events.at(-1)?.data).toEqual({
    response: 'xxxxx',
    metrics: { ttft: 100, totalTime: 350, tokens: 5, tokensPerSec: 20 },
  })
  await streamer.streamToken('y')
  streamer.updateMetrics(7, Number.NaN)
  await streamer.streamComplete('y', { totalTime: 9, tokens: Number.POSITIVE_INFINITY })
  expect(events.at(-1)?.data).toMatchObject({ metrics: { ttft: 7, totalTime: 9, tokens: 1, tokensPerSec: 0 } })
})

test('clearMetrics discards reported values and restarts the measurement', async () => {
  const { streamer, events, clock } = streamerRig()
  streamer.updateMetrics(120, 40)
  await streamer.streamToken('x')
  clock.advance(1000)
  streamer.clearMetrics()
  clock.advance(10)
  await streamer.streamToken('x')
  streamer.updateMetrics(undefined, 5)
  expect(events.at(-1)?.data).toEqual({ tokensPerSec: 5 })
  await streamer.streamComplete('')
  expect(events.at(-1)?.data).toMatchObject({ metrics: { ttft: 10, totalTime: 10, tokens: 1, tokensPerSec: 5 } })
})

test('a listener hears the types it asked for', async () => {
  const { streamer } = streamerRig()
  const heard: StreamEvent[] = []
  streamer.subscribe(event => void heard.push(event), { types: ['token', 'complete'] })
  await streamer.streamToken('x')
  await streamer.streamInfo('not this')
  await streamer.streamComplete('x')
  expect(typesOf(heard)).toEqual(['token', 'complete'])
})

test('a listener that throws, rejects or modifies its event affects no other', async () => {
  const { streamer, events, warnings } = streamerRig()
  streamer.subscribe(() => {
    throw new Error('thrown')
  })
  streamer.subscribe(() => Promise.reject(new Error('rejected')))
  streamer.subscribe(event => {
    ;(event as { type: string }).type = 'forged'
  })
  streamer.subscribe(() => ({
    // oxlint-disable-next-line unicorn/no-thenable -- one that is wrong on purpose
    get then(): never {
      throw new Error('not even that')
    },
  }))
  const after: StreamEvent[] = []
  streamer.subscribe(event => void after.push(event))
  for (let token = 0; token < 3; token++) await streamer.streamToken('x')
  expect(typesOf(events)).toEqual(['token', 'token', 'token'])
  expect(after).toEqual(events)
  await new Promise(resolve => setImmediate(resolve))
  // Each once, though it failed three times.
  expect(warnings).toHaveLength(4)
})

test('a failing listener and a failing logger affect no other', async () => {
  const failing = (): never => {
    throw new Error('no')
  }
  const { streamer, events } = streamerRig({ logger: { warn: failing } })
  streamer.subscribe(failing)
  await streamer.streamToken('x')
  expect(events).toHaveLength(1)
})

test('a listener that never settles is not waited for', async () => {
  const { streamer, events } = streamerRig()
  streamer.subscribe(() => new Promise(() => {}))
  await streamer.streamToken('x')
  await streamer.streamToken('y')
  expect(events).toHaveLength(2)
})

test('a listener that is unsubscribed while an event is delivered is not called for it', async () => {
  const { streamer } = streamerRig()
  const heard: string[] = []
  const second = (): void => void heard.push('second')
  streamer.subscribe(() => {
    heard.push('first')
    streamer.unsubscribe(second)
  })
  streamer.subscribe(second)
  streamer.subscribe(() => void heard.push('third'))
  await streamer.streamToken('x')
  expect(heard).toEqual(['first', 'third'])
})

test('a listener that subscribes another, or itself again, while an event is delivered does not hear it again', async () => {
  const { streamer } = streamerRig()
  const heard: string[] = []
  const itself = (): void => {
    heard.push('itself')
    streamer.subscribe(itself)
    streamer.subscribe(() => void heard.push('new'))
  }
  streamer.subscribe(itself)
  await streamer.streamToken('x')
  expect(heard).toEqual(['itself'])
})

test('events that a listener emits follow the current event, for every listener', async () => {
  const { streamer } = streamerRig()
  const heard: unknown[] = []
  streamer.subscribe(event => {
    if (event.data === 'a') void streamer.streamToken('answer')
  })
  streamer.subscribe(event => void heard.push(event.data))
  await streamer.streamToken('a')
  await streamer.streamToken('b')
  expect(heard).toEqual(['a', 'answer', 'b'])
})

test('listeners that answer themselves for ever are stopped, and the next event is delivered', async () => {
  const { streamer, events, warnings } = streamerRig()
  const answer = (): void => void streamer.streamInfo('again')
  streamer.subscribe(answer)
  await streamer.streamToken('x')
  expect(events).toHaveLength(10_000)
  expect(warnings).toHaveLength(1)
  streamer.unsubscribe(answer)
  await streamer.streamToken('y')
  expect(events.at(-1)?.data).toBe('y')
})

test('a listener takes its own place, and what ends an earlier subscription leaves a later one alone', async () => {
  const { streamer } = streamerRig()
  const heard: StreamEvent[] = []
  const listener = (event: StreamEvent): void => void heard.push(event)
  const endFirst = streamer.subscribe(listener, { types: ['info'] })
  const endSecond = streamer.subscribe(listener, { types: ['token'] })
  endFirst()
  await streamer.streamInfo('x')
  await streamer.streamToken('x')
  expect(typesOf(heard)).toEqual(['token'])
  endSecond()
  endSecond()
  await streamer.streamToken('x')
  expect(heard).toHaveLength(1)
  expect(streamer.listenerCount).toBe(1)
})

test('fifty thousand listeners come and go: none costs a look at all others', async () => {
  const { streamer } = streamerRig()
  let heard = 0
  const listeners = Array.from({ length: 50_000 }, () => () => void (heard += 1))
  // Where each does, this takes far longer than a test may.
  for (const listener of listeners) streamer.subscribe(listener)
  await streamer.streamToken('x')
  for (const listener of listeners.toReversed()) streamer.unsubscribe(listener)
  await streamer.streamToken('y')
  expect([heard, streamer.listenerCount]).toEqual([50_000, 1])
})

test('on and off are subscribe and unsubscribe', async () => {
  const { streamer } = streamerRig()
  const heard: StreamEvent[] = []
  const listener = (event: StreamEvent): void => void heard.push(event)
  await streamer.on('stream-event', listener).streamToken('x')
  await streamer.off('stream-event', listener).streamToken('y')
  expect(heard).toHaveLength(1)
})

test('a stream is sent, heard and measured for itself', async () => {
  const { streamer, events, clock } = streamerRig()
  const [a, b] = [streamer.forStream('a'), streamer.forStream('b')]
  const heard: StreamEvent[] = []
  a.subscribe(event => void heard.push(event))
  clock.advance(10)
  await a.streamToken('1')
  clock.advance(10)
  await b.streamToken('2')
  // The same stream, wherever it is asked for.
  streamer.forStream('a').updateMetrics(undefined, 3)
  await streamer.streamToken('of none')
  await a.streamComplete('1')
  await b.streamComplete('2')
  a.emit('stream-event', { type: 'custom', data: 1, streamId: 'forged' })
  expect(heard.map(({ type, streamId }) => [type, streamId])).toEqual([
    ['token', 'a'],
    ['metrics', 'a'],
    ['complete', 'a'],
    ['custom', 'a'],
  ])
  const metricsOf = (id: string): unknown =>
    events.find(({ type, streamId }) => type === 'complete' && streamId === id)?.data
  expect(metricsOf('a')).toMatchObject({ metrics: { ttft: 10, totalTime: 20, tokens: 1, tokensPerSec: 3 } })
  expect(metricsOf('b')).toMatchObject({ metrics: { ttft: 20, totalTime: 20, tokens: 1, tokensPerSec: 0 } })
  expect(events.map(({ streamId }) => streamId)).toEqual(['a', 'b', 'a', undefined, 'a', 'b', 'a'])
})

test('unsubscribing on a stream ends it there, unsubscribing on the whole ends it everywhere', async () => {
  const { streamer } = streamerRig()
  const heard: unknown[] = []
  const listener = (event: StreamEvent): void => void heard.push(event.data)
  const [a, b] = [streamer.forStream('a'), streamer.forStream('b')]
  a.subscribe(listener)
  b.subscribe(listener)
  a.unsubscribe(listener)
  await a.streamToken('a')
  await b.streamToken('b')
  streamer.unsubscribe(listener)
  await b.streamToken('c')
  expect(heard).toEqual(['b'])
  expect(streamer.listenerCount).toBe(1)
})

test('streams that never end do not add up', async () => {
  const { streamer, events, clock } = streamerRig()
  const first = streamer.forStream('0')
  await first.streamToken('x')
  for (let stream = 1; stream <= 1000; stream++) streamer.forStream(`${stream}`)
  clock.advance(10)
  await first.streamComplete('x')
  // Its pace is forgotten; the stream itself goes on.
  expect(events.at(-1)?.data).toMatchObject({ metrics: { tokens: 0, totalTime: 0 } })
})

test('no history is kept unless it is asked for, and then the last events', async () => {
  const none = streamerRig().streamer
  await none.streamToken('x')
  expect(none.history).toEqual([])
  const { streamer } = streamerRig({ historySize: 3 })
  for (let token = 0; token < 10; token++) await streamer.forStream(token % 2 ? 'odd' : 'even').streamToken(`${token}`)
  expect(streamer.history.map(({ data }) => data)).toEqual(['7', '8', '9'])
  expect(streamer.forStream('even').history.map(({ data }) => data)).toEqual(['8'])
})

test('a thousand listeners are reported as a leak, once', () => {
  const { streamer, warnings } = streamerRig()
  for (let listener = 0; listener < 1100; listener++) streamer.subscribe(() => listener)
  expect(warnings).toEqual([expect.stringContaining('1000 listeners')])
})

test('the shared streamer is one of the kind', async () => {
  const heard: StreamEvent[] = []
  const unsubscribe = sseStreamer.subscribe(event => void heard.push(event))
  await sseStreamer.streamToken('x')
  unsubscribe()
  expect(heard).toMatchObject([{ type: 'token', data: 'x' }])
  expect(Math.abs(Date.now() - (heard[0]?.timestamp ?? 0))).toBeLessThan(60_000)
  expect(sseStreamer.listenerCount).toBe(0)
})

test.each<[option: string, wrong: () => unknown]>([
  ['historySize', () => new SSEStreamer({ historySize: -1 })],
  ['historySize', () => new SSEStreamer({ historySize: Number.POSITIVE_INFINITY })],
  ['logger', () => new SSEStreamer({ logger: {} as never })],
  ['clock', () => new SSEStreamer({ clock: {} as never })],
  ['listener', () => new SSEStreamer().subscribe('x' as never)],
  ['types', () => new SSEStreamer().subscribe(() => {}, { types: ['tokens' as never] })],
  ['types', () => new SSEStreamer().subscribe(() => {}, { types: 'token' as never })],
  ['name', () => new SSEStreamer().on('data' as never, () => {})],
  ['name', () => new SSEStreamer().off('data' as never, () => {})],
  ['name', () => new SSEStreamer().emit('data' as never, { type: 'token', data: '' })],
  ['event', () => new SSEStreamer().emit('stream-event', null as never)],
  ['event', () => new SSEStreamer().emit('stream-event', 'token' as never)],
  ['type', () => new SSEStreamer().emit('stream-event', { type: 'tokens' as never, data: '' })],
])('a wrong `%s` is refused', (option, wrong) => {
  expect(wrong).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`\`${option}\``) }),
  )
})

test('half of a character waits for the next token of its stream', async () => {
  const { streamer, events } = streamerRig()
  const one = streamer.forStream('one')
  const two = streamer.forStream('two')
  await one.streamToken('x \ud83d')
  await two.streamToken('\ud83d')
  await one.streamToken('\ude80')
  streamer.emit('stream-event', { type: 'token', data: '\ude80', streamId: 'two' })
  await one.streamToken('\ud83d')
  await one.streamComplete('\ud83d')
  await two.streamToken('\ude80')
  expect(events.map(({ type, data, streamId }) => [streamId, type, data])).toMatchObject([
    ['one', 'token', 'x '],
    ['one', 'token', '\u{1f680}'],
    ['two', 'token', '\u{1f680}'],
    ['one', 'token', '\ufffd'],
    ['one', 'complete', { response: '\ufffd' }],
    ['two', 'token', '\ufffd'],
  ])
})
