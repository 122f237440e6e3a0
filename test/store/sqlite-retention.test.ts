import { afterEach, expect, test, vi } from 'vitest'
import type { SqliteConnection } from '../../src/store/sqlite/driver.ts'
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { makeEnd, makeEntries } from '../../src/testing/store-fixtures.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { begin, finish, listIds, makePath, openHere, readSeqs, watchDriver } from './sqlite-rig.ts'

const DAY_MS = 24 * 60 * 60 * 1000

afterEach(() => {
  vi.useRealTimers()
})

/** Resolves once nothing is left of what was removed. @returns how often the event loop turned meanwhile */
async function cleared(connection: SqliteConnection): Promise<number> {
  const left = connection.query('SELECT 1 FROM removals')
  let turns = 0
  for (; left().length > 0; turns++) await new Promise(resolve => setImmediate(resolve))
  return turns
}

async function openWatched(file?: string): Promise<{ store: SqliteStore; connection: SqliteConnection }> {
  const driver = await watchDriver()
  const store = await openHere(file, {}, { driver })
  return { store, connection: driver.connections.at(-1) as SqliteConnection }
}

test('a finished execution is kept for thirty days after its end and no longer', async () => {
  const clock = new FakeClock()
  const store = await openHere(makePath(), { clock })
  const lease = await begin(store, 'long')
  await finish(store, 'a')
  clock.advance(15 * DAY_MS)
  await store.append(lease, 1, [makeEnd('long', 1, 'success')])
  clock.advance(15 * DAY_MS - 1)
  expect([await store.sweep(), await listIds(store)]).toEqual([0, ['a', 'long']])
  clock.advance(1)
  expect([await store.sweep(), await listIds(store)]).toEqual([1, ['long']])
  expect([await store.get('a'), await readSeqs(store, 'a')]).toEqual([undefined, []])
})

test('beyond the count the earliest ended are removed first, and running ones stay', async () => {
  const clock = new FakeClock()
  const store = await openHere(makePath(), { clock, maxFinishedCount: 2 })
  await begin(store, 'runs')
  const late = await begin(store, 'late')
  for (const id of ['a', 'b', 'c']) {
    clock.advance(1)
    await finish(store, id)
  }
  clock.advance(1)
  await store.append(late, 1, [makeEnd('late', 1, 'error')])
  clock.advance(400 * DAY_MS)
  await finish(store, 'now')
  expect([await store.sweep(), await listIds(store)]).toEqual([4, ['now', 'runs']])
})

test('more than one transaction takes are removed in one sweep, and two sweeps at once are one', async () => {
  const store = await openHere(makePath(), { maxFinishedCount: 5 })
  await Promise.all(Array.from({ length: 250 }, (_, n) => finish(store, `execution ${n}`)))
  expect(await Promise.all([store.sweep(), store.sweep()])).toEqual([245, 245])
  expect((await listIds(store)).length).toBe(5)
})

test('a clock that is set back removes nothing', async () => {
  const clock = new FakeClock()
  const file = makePath()
  const ahead = await openHere(file, { clock, maxFinishedAgeMs: DAY_MS })
  clock.advance(365 * DAY_MS)
  await finish(ahead, 'a')
  await ahead.close()
  const store = await openHere(file, { clock: new FakeClock(), maxFinishedAgeMs: DAY_MS })
  expect([await store.sweep(), await listIds(store)]).toEqual([0, ['a']])
  await finish(store, 'b')
  expect(await listIds(store)).toEqual(['a', 'b'])
})

test('it sweeps by itself: when it is opened, a second after an end, and each minute', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] })
  const clock = new FakeClock()
  const file = makePath()
  const first = await openHere(file, { clock })
  for (const id of ['a', 'b', 'c']) {
    clock.advance(1)
    await finish(first, id)
  }
  await first.close()
  const store = await openHere(file, { clock, maxFinishedCount: 2, maxFinishedAgeMs: DAY_MS })
  expect(await listIds(store)).toEqual(['b', 'c'])
  clock.advance(1)
  await finish(store, 'd')
  vi.advanceTimersByTime(1000)
  expect(await listIds(store)).toEqual(['c', 'd'])
  clock.advance(DAY_MS)
  vi.advanceTimersByTime(60_000)
  expect(await listIds(store)).toEqual([])
  await store.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('a large execution disappears at once, and its rows are removed while the event loop turns', async () => {
  const { store, connection } = await openWatched()
  const lease = await begin(store, 'large', { idempotencyKey: 'k', workflow: '{}' })
  for (let seq = 1; seq <= 50_000; seq += 1000) await store.append(lease, seq, makeEntries('large', seq, 1000))
  for (let n = 0; n < 50; n++) await store.putOutput(lease, `task ${n}`, '1')
  const small = await begin(store, 'small')
  await store.append(small, 1, makeEntries('small', 1, 10))
  await store.putOutput(small, 'task', '1')
  expect(await store.delete('large')).toBe(true)
  const again = await begin(store, 'large', { idempotencyKey: 'k' })
  await store.append(again, 1, makeEntries('large', 1, 2))
  expect([await readSeqs(store, 'large'), await store.getOutput('large', 'task 1')]).toEqual([[1, 2], undefined])
  expect(await cleared(connection)).toBeGreaterThan(20)
  const counts = ['events', 'outputs', 'requests'].map(table => connection.query(`SELECT 1 FROM ${table}`)().length)
  expect(counts).toEqual([12, 1, 0])
  expect([await readSeqs(store, 'large'), (await readSeqs(store, 'small')).length]).toEqual([[1, 2], 10])
})

test('rows of a removed execution that remain at the end of the process are removed by the next', async () => {
  const file = makePath()
  const first = await openHere(file)
  const lease = await begin(first, 'large')
  await first.append(lease, 1, makeEntries('large', 1, 20_000))
  await first.delete('large')
  await first.close()
  const { store, connection } = await openWatched(file)
  const next = await begin(store, 'next')
  await store.append(next, 1, makeEntries('next', 1, 1))
  await cleared(connection)
  expect(connection.query('SELECT count(*) AS count FROM events')()).toEqual([expect.objectContaining({ count: 1 })])
  expect(await readSeqs(store, 'next')).toEqual([1])
})
