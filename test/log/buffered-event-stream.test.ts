import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SSEEvent, TokenEvent } from '../../src/events/events.ts'
import { BufferedEventStream } from '../../src/log/buffered-event-stream.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { info, infosOf, numbers, open, progress, progressOf, textOf, token } from './buffer-rig.ts'
import { FakeSink } from './sinks.ts'

test('events arrive in order, and closing closes the stream behind', async () => {
  const sink = new FakeSink()
  const { writer, clock } = open(sink)
  for (let i = 0; i < 3000; i++) await writer.write(info(i))
  await writer.close()
  expect([numbers(sink.events), sink.isClosed]).toEqual([Array.from({ length: 3000 }, (_, i) => i), true])
  expect(clock.timerCount).toBe(0)
})

test('writes settle while the buffer has room, wait at its bound of events, and continue when half is free', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { write } = open(sink, { maxEvents: 4 })
  // One is with the sink, four are in the buffer.
  const writes = Array.from({ length: 8 }, (_, i) => write(info(i)))
  const countSettled = (): number => writes.filter(({ isSettled }) => isSettled).length
  await idle()
  expect(countSettled()).toBe(5)
  sink.take()
  await idle()
  expect(countSettled()).toBe(5)
  sink.take()
  await idle()
  expect(countSettled()).toBe(7)
  sink.release()
  await idle()
  expect([numbers(sink.events), countSettled()]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], 8])
})

test('writes wait at the bound of bytes', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { write } = open(sink, { maxBytes: 2500 })
  const writes = Array.from({ length: 6 }, (_, i) => write(info(i, 1000)))
  await idle()
  expect(writes.filter(({ isSettled }) => isSettled)).toHaveLength(4)
  sink.release()
  await idle()
  expect(numbers(sink.events)).toEqual([0, 1, 2, 3, 4, 5])
})

test('an event larger than the bound of bytes passes', async () => {
  const sink = new FakeSink()
  const { writer } = open(sink, { maxBytes: 10 })
  for (let i = 0; i < 3; i++) await writer.write(info(i, 1000))
  await writer.close()
  expect(numbers(sink.events)).toEqual([0, 1, 2])
})

test('a reader that takes nothing for the stall time counts as gone, and both sides are notified', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { clock, stream, write } = open(sink, { maxEvents: 2, stallTimeoutMs: 1000 })
  const writes = Array.from({ length: 5 }, (_, i) => write(info(i)))
  await idle()
  const flushed = stream.flush().catch((error: unknown) => error)
  await clock.run(999)
  expect(writes.map(({ isSettled }) => isSettled)).toEqual([true, true, true, false, false])
  await clock.run(1)
  await idle()
  const stalled = expect.objectContaining({ code: 'READER_STALLED' })
  expect(writes[4]).toEqual({ isSettled: true, error: stalled })
  expect([await flushed, await stream.flush().catch((error: unknown) => error)]).toEqual([stalled, stalled])
  sink.release()
  await idle()
  expect([sink.abortReason, clock.timerCount]).toEqual([{ reason: stalled }, 0])
})

test('a reader that takes one event in each stall time is not gone', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { clock, write } = open(sink, { maxEvents: 2, stallTimeoutMs: 1000 })
  const writes = Array.from({ length: 10 }, (_, i) => write(info(i)))
  for (let i = 0; i < 10; i++) {
    await clock.run(900)
    sink.take()
    await idle()
  }
  expect([numbers(sink.events), clock.timerCount]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0])
  expect(writes).toEqual(writes.map(() => ({ isSettled: true })))
})

test('below its bound a reader may take as long as it likes', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { clock, write } = open(sink, { maxEvents: 10, stallTimeoutMs: 1000 })
  for (let i = 0; i < 5; i++) write(info(i))
  await clock.run(1_000_000)
  expect(clock.timerCount).toBe(0)
  sink.release()
  await idle()
  expect(numbers(sink.events)).toEqual([0, 1, 2, 3, 4])
})

test('under "disconnect" a reader at its bound counts as gone', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { clock, write } = open(sink, { maxEvents: 2, policy: 'disconnect' })
  const writes = Array.from({ length: 6 }, (_, i) => write(info(i)))
  await idle()
  await idle()
  expect(writes[5]).toEqual({ isSettled: true, error: expect.objectContaining({ code: 'READER_OVERFLOWED' }) })
  sink.release()
  await idle()
  expect([sink.abortReason, clock.timerCount]).toEqual([
    { reason: expect.objectContaining({ code: 'READER_OVERFLOWED' }) },
    0,
  ])
})

test('under "disconnect" a reader that keeps up survives bursts far beyond the bound', async () => {
  const sink = new FakeSink()
  const { write, writer } = open(sink, { maxEvents: 2, policy: 'disconnect' })
  const count = 500
  for (let i = 0; i < count; i++) write(info(i))
  await writer.close()
  expect(numbers(sink.events)).toEqual(Array.from({ length: count }, (_, i) => i))
})

describe('at the bound', () => {
  test('tokens of one attempt are joined and superseded progress is replaced; nothing else is lost', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { write } = open(sink, { maxEvents: 2 })
    const given = [info(1), info(2), token('Hel'), token('lo '), token('wor'), token('ld')]
    const more = [token('b', 'b'), token('2', 'b', 2), progress(1), progress(2), progress(3), progress(1, 'b'), info(3)]
    const writes = [...given, ...more].map(write)
    await idle()
    for (let i = 0; i < 20; i++) {
      sink.take()
      await idle()
    }
    expect(writes.every(({ isSettled, error }) => isSettled && error === undefined)).toBe(true)
    const shown = sink.events.map(event => {
      if (event.type === 'token') return `${event.data.taskId}${event.data.attempt} ${event.data.text}`
      if (event.type === 'task_progress') return `${event.data.taskId} ${event.data.progress}`
      return (event.data as { message: string }).message
    })
    expect(shown).toEqual([
      '1',
      '2',
      'a1 Hello world',
      'b1 b',
      'b2 2',
      expect.stringMatching(/^a [123]$/),
      ...shown.slice(6),
    ])
    expect(shown.filter(text => /^a \d$/.test(text)).at(-1)).toBe('a 3')
    expect(shown.slice(-2)).toEqual(['b 1', '3'])
  })

  test('joined tokens have the id of the last, so that a resume repeats none', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { write } = open(sink, { maxEvents: 1 })
    for (const event of [info(1), token('a'), token('bb'), token('ccc')]) write(event)
    await idle()
    sink.release()
    await idle()
    expect(sink.events.slice(1)).toEqual([{ ...token('ccc'), data: { ...token('').data, text: 'abbccc' } }])
  })

  test('below it every token and every progress arrives by itself', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { write } = open(sink)
    const given = [token('a'), token('b'), progress(1), progress(2)]
    given.map(write)
    await idle()
    sink.release()
    await idle()
    expect(sink.events).toEqual(given)
  })

  test('joining has a bound too', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { write } = open(sink, { maxBytes: 10_000 })
    const writes = Array.from({ length: 50 }, () => write(token('x'.repeat(1000))))
    await idle()
    const settled = writes.filter(({ isSettled }) => isSettled).length
    expect([settled > 5, settled < 25]).toEqual([true, true])
    sink.release()
    await idle()
    const text = sink.events.map(event => (event as TokenEvent).data.text).join('')
    expect(text).toHaveLength(50_000)
  })
})

test('whatever the bounds and the pace, no text is lost and the order is kept', async () => {
  const scenario = fc.record({
    kinds: fc.array(fc.constantFrom('info', 'token a', 'token b', 'progress'), { maxLength: 60 }),
    pauses: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 10 }),
    maxEvents: fc.integer({ min: 1, max: 10 }),
    maxBytes: fc.integer({ min: 1, max: 1000 }),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async ({ kinds, pauses, maxEvents, maxBytes }) => {
      const got: SSEEvent[] = []
      const slow = new WritableStream<SSEEvent>({
        async write(event) {
          const pause = pauses[got.length % pauses.length] as number
          for (let turn = 0; turn < pause; turn++) await new Promise(resolve => setImmediate(resolve))
          got.push(event)
        },
      })
      const stream = new BufferedEventStream(slow, { maxEvents, maxBytes, clock: new FakeClock() })
      const writer = stream.getWriter()
      const given = kinds.map((kind, i) => {
        if (kind === 'info') return info(i)
        return kind === 'progress' ? progress(i) : token(`${i} `, kind.slice(-1))
      })
      for (const event of given) void writer.write(event)
      await writer.close()
      expect([textOf(got, 'a'), textOf(got, 'b'), infosOf(got)]).toEqual([
        textOf(given, 'a'),
        textOf(given, 'b'),
        infosOf(given),
      ])
      // Of progress each run of neighbours has at least its last, in order.
      const reported = progressOf(got)
      const last = progressOf(given.filter((event, i) => given[i + 1]?.type !== event.type))
      expect([last.filter(number => !reported.includes(number)), reported.toSorted((a, b) => a - b)]).toEqual([
        [],
        reported,
      ])
    }),
    { numRuns: 150 },
  )
})

test('flush settles when every event written so far has been delivered', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { stream, write } = open(sink, { maxEvents: 2 })
  let isFlushed = false
  for (let i = 0; i < 5; i++) write(info(i))
  const flushed = stream.flush().then(() => void (isFlushed = true))
  for (let i = 0; i < 5; i++) {
    await idle()
    expect(isFlushed).toBe(false)
    sink.take()
  }
  await flushed
  expect(numbers(sink.events)).toEqual([0, 1, 2, 3, 4])
  await stream.flush()
})

test('flush of writes that were not awaited, to a sink that accepts all', async () => {
  const sink = new FakeSink()
  const { stream, write } = open(sink)
  for (let i = 0; i < 5; i++) write(info(i))
  await stream.flush()
  expect(numbers(sink.events)).toEqual([0, 1, 2, 3, 4])
})
