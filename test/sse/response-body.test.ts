import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import type { SSEEvent } from '../../src/index.ts'
import type { Format } from '../../src/sse/formats.ts'
import { idle } from '../support/fake-clock.ts'
import { COMMENT, deferred, entries, entry, frames, rig, startedRig, timestamp } from './body-rig.ts'

test('the first bytes are there at once, and nothing is taken before the reader asks for more', async () => {
  const { source, read } = rig()
  source.push(entry(1))
  await idle()
  expect(await read()).toBe(COMMENT)
  await idle()
  expect(source.taken).toBe(0)
  expect(await read()).toBe(frames(1, 1))
  await idle()
  expect(source.taken).toBe(1)
})

test('pending entries form one chunk', async () => {
  const { source, read } = await startedRig()
  source.push(...entries(1, 50))
  expect(await read()).toBe(frames(1, 50))
  source.push(...entries(51, 60))
  source.end()
  expect([await read(), await read()]).toEqual([frames(51, 60), undefined])
})

test('a chunk holds about as much as it may', async () => {
  const { source, read } = await startedRig({ maxChunkBytes: entry(1).weight * 3 })
  source.push(...entries(1, 7))
  source.end()
  expect([await read(), await read(), await read(), await read()]).toEqual([
    frames(1, 3),
    frames(4, 6),
    frames(7, 7),
    undefined,
  ])
})

test('a reader that waits gets an entry as soon as there is one, and the end as soon as it comes', async () => {
  const { source, clock, read } = await startedRig()
  const first = read()
  await idle()
  source.push(entry(1))
  expect(await first).toBe(frames(1, 1))
  const end = read()
  await idle()
  source.end()
  expect(await end).toBeUndefined()
  expect({ closed: source.closed, callback: source.callback, timers: clock.timerCount }).toEqual({
    closed: 1,
    callback: undefined,
    timers: 0,
  })
})

test('a source that has ended before it is read is an empty stream', async () => {
  const { source, read } = await startedRig()
  source.end()
  expect(await read()).toBeUndefined()
})

test('a comment follows after each heartbeat time of silence', async () => {
  const { source, clock, read } = await startedRig()
  for (let beat = 0; beat < 3; beat++) {
    let chunk: string | undefined
    const reading = read().then(text => (chunk = text))
    await clock.run(7999)
    expect(chunk).toBeUndefined()
    await clock.run(1)
    await reading
    expect(chunk).toBe(COMMENT)
  }
  source.push(entry(1))
  expect(await read()).toBe(frames(1, 1))
  // The stall time: the reader has not asked again.
  expect(clock.timerCount).toBe(1)
})

test('a call back without anything new does not put off the heartbeat', async () => {
  const { source, clock, read } = await startedRig({ heartbeatMs: 100 })
  const reading = read()
  await clock.run(60)
  source.push()
  await clock.run(39)
  expect(clock.nextTimerMs).toBe(1)
  clock.advance(1)
  expect(await reading).toBe(COMMENT)
})

test('entries from a store are waited for, with heartbeats meanwhile', async () => {
  const { source, clock, read } = await startedRig()
  const { promise, resolve } = deferred()
  source.next = () => promise
  const beat = read()
  await clock.run(8000)
  expect(await beat).toBe(COMMENT)
  const reading = read()
  resolve(entries(1, 3))
  expect(await reading).toBe(frames(1, 3))
  expect(source.taken).toBe(1)
})

test('entries that arrive during a read of the store are not missed, even if the store had none', async () => {
  const { source, read } = await startedRig()
  const { promise, resolve } = deferred()
  source.next = () => promise
  const reading = read()
  await idle()
  source.push(entry(1))
  await idle()
  resolve([])
  expect(await reading).toBe(frames(1, 1))
})

test('a store that had nothing is not asked again until the source calls back', async () => {
  const { source, read } = await startedRig()
  source.next = () => Promise.resolve([])
  const reading = read()
  await idle()
  expect(source.taken).toBe(1)
  source.push(entry(1))
  expect(await reading).toBe(frames(1, 1))
})

const withoutTheSecond: Format = ({ id }) => (id === 'x.2' ? '' : `data: ${id?.slice(2)}\n\n`)

test('another format makes the frames, and an entry it has none for makes no chunk', async () => {
  const { source, read } = await startedRig({ format: withoutTheSecond })
  source.push(entry(1), entry(2), entry(3))
  expect(await read()).toBe('data: 1\n\ndata: 3\n\n')
  source.push(entry(2))
  const reading = read()
  await idle()
  source.push(entry(4))
  expect(await reading).toBe('data: 4\n\n')
})

test('a format gets the event as a reader in this process does: its id, and its output as a plain value', async () => {
  const got: SSEEvent[] = []
  const format: Format = event => {
    got.push(event)
    return 'data: 1\n\n'
  }
  const { source, read } = await startedRig({ format })
  const cost = { attempts: 1, executionTimeMs: 1, waitMs: 0 }
  const data = { executionId: 'x', timestamp, taskId: 'a', tool: 'work', status: 'success', ...cost } as const
  source.push(new LogEntry(7, 'task_complete', { ...data, output: JsonValue.from({ list: [1] }) }))
  await read()
  expect(got).toEqual([{ type: 'task_complete', data: { ...data, output: { list: [1] } }, id: 'x.7' }])
})
