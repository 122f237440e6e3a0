import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/errors.ts'
import { idle } from '../support/fake-clock.ts'
import { deferred, entry, frames, rig, startedRig, timestamp } from './body-rig.ts'

test('a cancel releases the source and ends the read that waits', async () => {
  let cancelled = 0
  const { source, clock, reader, read } = await startedRig({
    onClose: how => void (how === 'left' && (cancelled += 1)),
  })
  const reading = read()
  await idle()
  expect(clock.timerCount).toBeGreaterThan(0)
  await reader.cancel()
  expect(await reading).toBeUndefined()
  await idle()
  expect({ closed: source.closed, callback: source.callback, timers: clock.timerCount, cancelled }).toEqual({
    closed: 1,
    callback: undefined,
    timers: 0,
    cancelled: 1,
  })
})

test('a reader may leave in the very turn in which its entries come', async () => {
  const errors: unknown[] = []
  const { source, reader, read } = await startedRig({ onError: error => void errors.push(error) })
  const reading = read()
  await idle()
  source.push(entry(1))
  await reader.cancel()
  expect(await reading).toBe(frames(1, 1))
  await idle()
  expect({ closed: source.closed, errors }).toEqual({ closed: 1, errors: [] })
})

test('a store that fails after the reader has left has no effect', async () => {
  const errors: unknown[] = []
  const { source, reader, read } = await startedRig({ onError: error => void errors.push(error) })
  const { promise, reject } = deferred()
  source.next = () => promise
  const reading = read()
  await idle()
  await reader.cancel()
  reject(new Error('too late'))
  expect(await reading).toBeUndefined()
  await idle()
  expect(errors).toEqual([])
})

test.each([
  [
    'throws',
    () => {
      throw new Error('secret')
    },
    'INTERNAL_ERROR',
  ],
  ['rejects', () => Promise.reject(new Error('secret')), 'INTERNAL_ERROR'],
  [
    'rejects with an error of dagstream',
    () => Promise.reject(new DagstreamError('STORE_FAILED', 'secret')),
    'STORE_FAILED',
  ],
] as const)('a source that %s ends the stream with an error event that keeps the text', async (_, next, code) => {
  const errors: unknown[] = []
  const { source, clock, read } = await startedRig({ onError: error => void errors.push(error) })
  source.next = next
  const error = 'The event stream was interrupted; resume it from the last event id'
  expect([await read(), await read()]).toEqual([
    `event: error\ndata: ${JSON.stringify({ executionId: 'x', timestamp, error, code })}\n\n`,
    undefined,
  ])
  expect(errors).toEqual([expect.objectContaining({ message: 'secret' })])
  expect({ closed: source.closed, timers: clock.timerCount }).toEqual({ closed: 1, timers: 0 })
})

test('a reader that leaves a chunk and does not come back for the stall time is disconnected', async () => {
  let cancelled = 0
  const { source, clock, reader, read } = await startedRig({
    stallTimeoutMs: 1000,
    onClose: how => void (how === 'left' && (cancelled += 1)),
  })
  source.push(entry(1))
  expect(await read()).toBe(frames(1, 1))
  source.push(entry(2))
  await clock.run(999)
  expect({ closed: source.closed, cancelled }).toEqual({ closed: 0, cancelled: 0 })
  await clock.run(1)
  await expect(read()).rejects.toMatchObject({ code: 'READER_STALLED' })
  await clock.run(60_000)
  await reader.cancel().catch(() => {})
  expect({ closed: source.closed, callback: source.callback, timers: clock.timerCount, cancelled }).toEqual({
    closed: 1,
    callback: undefined,
    timers: 0,
    cancelled: 1,
  })
})

test('a reader that never reads the first comment is disconnected too', async () => {
  const { source, clock, reader } = rig()
  await clock.run(29_999)
  expect(source.closed).toBe(0)
  await clock.run(1)
  await expect(reader.closed).rejects.toMatchObject({ code: 'READER_STALLED' })
  expect([source.closed, source.taken, clock.timerCount]).toEqual([1, 0, 0])
})

test('a reader that waits for data is never disconnected, however long there is none', async () => {
  const { source, clock, read } = await startedRig({ stallTimeoutMs: 1000, heartbeatMs: 600_000 })
  const { promise, resolve } = deferred()
  source.next = () => promise
  const reading = read()
  await clock.run(599_000)
  resolve([entry(1)])
  expect([await reading, source.closed]).toEqual([frames(1, 1), 0])
})

test('each chunk that a reader comes back for gives it the whole stall time again', async () => {
  const { source, clock, read } = await startedRig({ stallTimeoutMs: 1000 })
  for (let seq = 1; seq <= 5; seq++) {
    source.push(entry(seq))
    expect(await read()).toBe(frames(seq, seq))
    await clock.run(999)
  }
  source.end()
  expect([await read(), source.closed, clock.timerCount]).toEqual([undefined, 1, 0])
})
