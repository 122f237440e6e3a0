import { describe, expect, test } from 'vitest'
import type { SSEEvent } from '../../src/index.ts'
import { FakeSink } from '../log/sinks.ts'
import { idle } from '../support/fake-clock.ts'
import { fan } from '../support/workflows.ts'
import { DONE, finish, start } from './sink-rig.ts'

/** Takes events until the one with this number, which it rejects. */
function failingAt(number: number, reason: unknown): WritableStream<SSEEvent> {
  let count = 0
  return new WritableStream({
    write() {
      count += 1
      return count === number ? Promise.reject(reason) : Promise.resolve()
    },
  })
}

describe('the result is right and nothing is left, whatever a sink does:', () => {
  const boom = new Error('boom')
  const cases: [
    name: string,
    delivery: string,
    make: () => WritableStream<SSEEvent>,
    during?: (sink: unknown) => void,
  ][] = [
    ['never writes', 'failed', () => new WritableStream({ write: () => new Promise(() => {}) })],
    ['never starts', 'failed', () => new WritableStream({ start: () => new Promise(() => {}) })],
    ['asks for nothing', 'failed', () => new TransformStream<SSEEvent, SSEEvent>().writable],
    [
      'throws',
      'failed',
      () =>
        new WritableStream({
          write() {
            throw boom
          },
        }),
    ],
    ['rejects', 'failed', () => new WritableStream({ write: () => Promise.reject(boom) })],
    ['rejects later', 'failed', () => new WritableStream({ write: () => idle().then(() => Promise.reject(boom)) })],
    ['rejects at the third event', 'failed', () => failingAt(3, boom)],
    ['rejects at the last event', 'failed', () => failingAt(8, boom)],
    ['rejects with an AbortError', 'cancelled', () => failingAt(3, new DOMException('gone', 'AbortError'))],
    ['rejects with undefined', 'cancelled', () => failingAt(3, undefined)],
    ['fails to start', 'failed', () => new WritableStream({ start: () => Promise.reject(boom) })],
    ['never closes', 'complete', () => new FakeSink({ close: () => new Promise<void>(() => {}) }).stream],
    ['throws on close', 'failed', () => new FakeSink({ close: () => Promise.reject(boom) }).stream],
    [
      'throws on abort',
      'failed',
      () => new WritableStream({ write: () => new Promise(() => {}), abort: () => Promise.reject(boom) }),
    ],
  ]
  for (const [name, delivery, make] of cases) {
    for (const preventClose of [false, true]) {
      test(`it ${name}${preventClose ? ', and is left open' : ''}`, async () => {
        const stream = make()
        const result = await finish(start(fan(3), stream, { preventClose }))
        // A sink that is not closed cannot throw on it.
        const expected = name === 'throws on close' && preventClose ? 'complete' : delivery
        expect(result).toMatchObject({ ...DONE, delivery: expected })
        if (preventClose) expect(stream.locked).toBe(false)
      })
    }
  }
})

describe('every ending leaves no timer', () => {
  for (const [name, close] of [
    ['a close that throws', () => Promise.reject(new Error('boom'))],
    ['a close that hangs', () => new Promise<void>(() => {})],
  ] as const) {
    test(name, async () => {
      const started = start(fan(3), new FakeSink({ close }).stream)
      await finish(started).catch(() => {})
      expect(started.clock.timerCount).toBe(0)
    })
  }

  test('a sink that never reads', async () => {
    const started = start(fan(3), new FakeSink({ isHeld: true }).stream)
    expect((await finish(started)).delivery).toBe('failed')
    expect(started.clock.timerCount).toBe(0)
  })
})

describe('a reader that leaves', () => {
  const reasons: [name: string, reason: unknown][] = [
    ['undefined', undefined],
    ['a string', 'bye'],
    ['an AbortError', new DOMException('gone', 'AbortError')],
    ['an Error', new Error('left')],
  ]
  for (const [name, reason] of reasons) {
    for (const moment of ['before the first read', 'while it waits', 'mid-way'] as const) {
      // Where a write is under way, a reader that cancels with an Error and a sink that throws it look alike.
      const delivery = name === 'an Error' && moment !== 'while it waits' ? 'failed' : 'cancelled'
      test(`${moment}, with ${name}, is reported as ${delivery} and touches nothing`, async () => {
        const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>(undefined, { highWaterMark: 100 })
        const reader = readable.getReader()
        if (moment === 'before the first read') await reader.cancel(reason)
        const started = start(fan(3), writable)
        if (moment === 'mid-way') for (let i = 0; i < 3; i++) await reader.read()
        const pending =
          moment === 'while it waits' ? [reader.read(), reader.read(), reader.read(), reader.read(), reader.read()] : []
        await idle()
        if (moment !== 'before the first read') await reader.cancel(reason)
        await Promise.all(pending)
        expect(await finish(started)).toMatchObject({ ...DONE, delivery })
        expect([started.clock.timerCount, started.tool.started]).toEqual([0, ['t0', 't1', 't2']])
      })
    }
  }

  test('under onSinkClosed "cancel" cancels the execution with DISCONNECTED', async () => {
    const sink = new FakeSink()
    const started = start(fan(3), sink.stream, { onSinkClosed: 'cancel' })
    const calls = await started.tool.nextCalls('t0', 't1', 't2')
    sink.error(undefined)
    await started.tool.idle()
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true, true])
    for (const call of calls) call.fail()
    expect(await started.run).toMatchObject({
      status: 'cancelled',
      reason: { code: 'DISCONNECTED' },
      cancelledCount: 3,
      delivery: 'cancelled',
    })
    expect(started.clock.timerCount).toBe(0)
  })

  test('before the start, under onSinkClosed "cancel", cancels all tasks', async () => {
    const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>()
    await readable.cancel()
    const started = start(fan(3), writable, { onSinkClosed: 'cancel' })
    await started.tool.succeedAll()
    await started.clock.run(2000)
    expect(await started.run).toMatchObject({
      status: 'cancelled',
      reason: { code: 'DISCONNECTED' },
      delivery: 'cancelled',
    })
  })

  test('after the end cancels nothing', async () => {
    const sink = new FakeSink({ isHeld: true })
    const started = start(fan(3), sink.stream, { onSinkClosed: 'cancel' })
    await started.tool.succeedAll()
    sink.error(undefined)
    await started.clock.run(2000)
    expect(await started.run).toMatchObject({ ...DONE, delivery: 'cancelled' })
  })
})
