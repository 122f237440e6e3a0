import { describe, expect, test } from 'vitest'
import type { SSEEvent } from '../../src/events/events.ts'
import { BufferedEventStream } from '../../src/log/buffered-event-stream.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { info, numbers, open } from './buffer-rig.ts'
import { FakeSink } from './sinks.ts'

test('aborting discards what is buffered and aborts the downstream with the reason', async () => {
  const sink = new FakeSink()
  const { writer, clock } = open(sink)
  await writer.write(info(1))
  await writer.abort('enough')
  expect([sink.abortReason, sink.isClosed, clock.timerCount]).toEqual([{ reason: 'enough' }, false, 0])
})

test('aborting ends a write that waits for room', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { writer, write, clock } = open(sink, { maxEvents: 1 })
  const writes = Array.from({ length: 4 }, (_, i) => write(info(i)))
  await idle()
  let isAborted = false
  void writer.abort('enough').then(() => void (isAborted = true))
  await idle()
  const isAbortedAtOnce = isAborted
  sink.release()
  await idle()
  expect([isAbortedAtOnce, writes.every(({ isSettled }) => isSettled), clock.timerCount]).toEqual([true, true, 0])
  expect(sink.abortReason).toEqual({ reason: 'enough' })
})

test('aborting ends a close that waits for a stream that never reads', async () => {
  const sink = new FakeSink({ isHeld: true })
  const { writer, write } = open(sink)
  for (let i = 0; i < 3; i++) write(info(i))
  const closed = writer.close().catch((reason: unknown) => reason)
  await idle()
  let isAborted = false
  writer.abort('enough').then(
    () => void (isAborted = true),
    () => void (isAborted = true),
  )
  await idle()
  expect(isAborted).toBe(true)
  await closed
})

describe('a downstream that', () => {
  const reasons: [string, unknown][] = [
    ['undefined', undefined],
    ['a string', 'bye'],
    ['an Error', new Error('broken')],
    ['an AbortError', new DOMException('gone', 'AbortError')],
  ]
  for (const [name, reason] of reasons) {
    test(`errors with ${name} errors this one, and ends writes that wait`, async () => {
      const sink = new FakeSink({ isHeld: true })
      const { stream, write, writer, clock } = open(sink, { maxEvents: 1 })
      const writes = Array.from({ length: 4 }, (_, i) => write(info(i)))
      await idle()
      const flushed = stream.flush().then(
        () => 'flushed',
        () => 'failed',
      )
      await idle()
      sink.error(reason)
      await idle()
      expect(writes.every(({ isSettled }) => isSettled)).toBe(true)
      const late = await writer.write(info(9)).catch((error: unknown) => ({ error }))
      expect(late).toEqual({ error: reason ?? expect.objectContaining({ code: 'STREAM_CLOSED' }) })
      expect([await flushed, clock.timerCount]).toEqual(['failed', 0])
    })
  }

  test('was cancelled before its first read errors this one', async () => {
    const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>()
    await readable.cancel('never mind')
    const stream = new BufferedEventStream(writable, { clock: new FakeClock() })
    const writer = stream.getWriter()
    await idle()
    const errors = [writer.write(info(1)), writer.closed, writer.ready, stream.flush()]
    expect((await Promise.allSettled(errors)).map(({ status }) => status)).toEqual(errors.map(() => 'rejected'))
  })

  test('closes late is waited for', async () => {
    let finish: (() => void) | undefined
    const sink = new FakeSink({
      close: () =>
        new Promise<void>(resolve => {
          finish = resolve
        }),
    })
    const { writer } = open(sink)
    await writer.write(info(1))
    let isClosed = false
    const closed = writer.close().then(() => void (isClosed = true))
    await idle()
    expect(isClosed).toBe(false)
    finish?.()
    await closed
  })

  test('throws on close makes the close reject with that', async () => {
    const sink = new FakeSink({ close: () => Promise.reject(new Error('disk full')) })
    const { writer } = open(sink)
    await writer.write(info(1))
    await expect(writer.close()).rejects.toThrow('disk full')
  })
})

test('a locked stream is refused, and an unlocked one is locked', async () => {
  const sink = new FakeSink()
  const writer = sink.stream.getWriter()
  expect(() => new BufferedEventStream(sink.stream)).toThrow(expect.objectContaining({ code: 'STREAM_LOCKED' }))
  writer.releaseLock()
  const stream = new BufferedEventStream(sink.stream)
  expect(sink.stream.locked).toBe(true)
  stream.getWriter()
  expect(() => stream.getWriter()).toThrow(TypeError)
})

test('it is a WritableStream that others may pipe into', async () => {
  const sink = new FakeSink()
  const source = new ReadableStream<SSEEvent>({
    start(controller) {
      for (let i = 0; i < 50; i++) controller.enqueue(info(i))
      controller.close()
    },
  })
  await source.pipeTo(new BufferedEventStream(sink.stream, { maxEvents: 3, clock: new FakeClock() }))
  expect([numbers(sink.events), sink.isClosed]).toEqual([Array.from({ length: 50 }, (_, i) => i), true])
})

test('the logger is notified of the bound, with the count', async () => {
  const sink = new FakeSink({ isHeld: true })
  const lines: unknown[] = []
  const logger = { debug() {}, warn: (...line: unknown[]) => void lines.push(line) }
  const { write } = open(sink, { maxEvents: 4, logger })
  for (let i = 0; i < 8; i++) write(info(i))
  await idle()
  expect(lines).toEqual([['A reader has reached its bound', { waitingEvents: 4, policy: 'block' }]])
  sink.release()
  await idle()
})

test('options that are not what they should be are refused', () => {
  const wrong = [
    { maxEvents: 0 },
    { maxEvents: 1.5 },
    { maxEvents: Number.POSITIVE_INFINITY },
    { maxBytes: 0 },
    { maxBytes: Number.NaN },
    { stallTimeoutMs: -1 },
    { policy: 'drop' as 'block' },
  ]
  for (const options of wrong) {
    expect(() => new BufferedEventStream(new FakeSink().stream, options)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(Object.keys(options)[0] as string),
      }),
    )
  }
})
