import { expect, test } from 'vitest'
import { LogEntry } from '../../src/events/log-entry.ts'
import type { ExecutionStore } from '../../src/store/execution-store.ts'
import { createMemoryStore } from '../../src/store/memory-store.ts'
import type { Lease } from '../../src/log/event-log.ts'
import { makeEnd } from '../../src/testing/store-fixtures.ts'
import { FakeClock } from '../support/fake-clock.ts'

const HOUR_MS = 60 * 60 * 1000

function entry(executionId: string, seq: number, type: 'info' | 'execution_complete', size = 0): LogEntry {
  if (type === 'execution_complete') return makeEnd(executionId, seq, 'success')
  const message = 'x'.repeat(size)
  return new LogEntry(seq, type, { executionId, timestamp: '2026-01-01T00:00:00.000Z', level: 'info', message })
}

async function begin(
  store: ExecutionStore,
  executionId: string,
  more: { idempotencyKey?: string } = {},
): Promise<Lease> {
  await store.create({ executionId, createdAt: '2026-01-01T00:00:00.000Z', ...more })
  return store.claim(executionId)
}

async function finish(store: ExecutionStore, executionId: string, size = 0): Promise<Lease> {
  const lease = await begin(store, executionId)
  await store.append(lease, 1, [entry(executionId, 1, 'info', size), entry(executionId, 2, 'execution_complete')])
  return lease
}

async function listIds(store: ExecutionStore): Promise<string[]> {
  return (await store.list({ limit: 10_000 })).map(({ executionId }) => executionId)
}

test('a finished execution is kept for an hour and no longer', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock })
  await finish(store, 'a')
  clock.advance(HOUR_MS / 2)
  await finish(store, 'b')
  clock.advance(HOUR_MS / 2 - 1)
  expect([await store.sweep(), await listIds(store)]).toEqual([0, ['a', 'b']])
  clock.advance(1)
  expect([await store.sweep(), await listIds(store)]).toEqual([1, ['b']])
  expect([await store.get('a'), await store.read('a', 0, 10)]).toEqual([undefined, []])
})

test('an execution that runs is kept, however old', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxFinishedCount: 1, maxFinishedBytes: 1 })
  const lease = await begin(store, 'runs')
  await store.append(lease, 1, [entry('runs', 1, 'info')])
  clock.advance(100 * HOUR_MS)
  await finish(store, 'a')
  await finish(store, 'b')
  expect([await store.sweep(), await listIds(store)]).toEqual([0, ['b', 'runs']])
  await store.append(lease, 2, [entry('runs', 2, 'info')])
  expect((await store.read('runs', 0, 10)).map(({ seq }) => seq)).toEqual([1, 2])
})

test('its age counts from its end, not from its beginning', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxFinishedAgeMs: 1000 })
  const lease = await begin(store, 'long')
  clock.advance(5000)
  await store.append(lease, 1, [entry('long', 1, 'execution_complete')])
  clock.advance(999)
  expect(await listIds(store)).toEqual(['long'])
  clock.advance(1)
  expect(await listIds(store)).toEqual([])
})

test('beyond the count those that finished first go first', async () => {
  const store = createMemoryStore({ clock: new FakeClock(), maxFinishedCount: 2 })
  const late = await begin(store, 'late')
  for (const id of ['a', 'b']) await finish(store, id)
  await store.append(late, 1, [entry('late', 1, 'execution_complete')])
  expect(await listIds(store)).toEqual(['b', 'late'])
})

test('beyond the bytes those that finished first go first, outputs counted', async () => {
  const store = createMemoryStore({ clock: new FakeClock(), maxFinishedBytes: 100_000 })
  for (const id of ['a', 'b', 'c']) await finish(store, id, 30_000)
  expect(await listIds(store)).toEqual(['a', 'b', 'c'])
  const lease = await begin(store, 'd')
  await store.putOutput(lease, 'task', 'x'.repeat(40_000))
  await store.append(lease, 1, [entry('d', 1, 'execution_complete')])
  expect(await listIds(store)).toEqual(['c', 'd'])
})

test('tasks that were added count, though their events are forgotten', async () => {
  const store = createMemoryStore({ clock: new FakeClock(), maxFinishedBytes: 100_000, maxTailEvents: 1 })
  const lease = await begin(store, 'grown')
  const tasks = Array.from({ length: 500 }, (_, index) => ({
    taskId: `a[${index}]`,
    tool: 't',
    layer: 0,
    dependsOn: [],
  }))
  const data = { executionId: 'grown', timestamp: '2026-01-01T00:00:00.000Z', parentId: 'a', tasks, totalTasks: 501 }
  await store.append(lease, 1, [entry('grown', 1, 'info'), new LogEntry(2, 'tasks_added', data)])
  await store.append(lease, 3, [entry('grown', 3, 'execution_complete')])
  await finish(store, 'a')
  expect(await listIds(store)).toEqual(['a'])
})

test('outputs written after the end count, until they are evicted', async () => {
  const store = createMemoryStore({ clock: new FakeClock(), maxFinishedBytes: 100_000 })
  for (let round = 0; round < 5; round++) {
    const lease = await finish(store, `written after ${round}`)
    await store.putOutput(lease, 'task', 'x'.repeat(60_000))
    await store.append(lease, 3, [entry(lease.executionId, 3, 'info', 30_000)])
    await store.delete(lease.executionId)
  }
  for (const id of ['a', 'b', 'c', 'd']) await finish(store, id, 30_000)
  expect(await listIds(store)).toEqual(['b', 'c', 'd'])
})

test('an execution that is forgotten frees its idempotency key', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxFinishedAgeMs: 1000 })
  const lease = await begin(store, 'first', { idempotencyKey: 'k' })
  await store.append(lease, 1, [entry('first', 1, 'execution_complete')])
  const again = { executionId: 'second', idempotencyKey: 'k', createdAt: '2026-01-01T00:00:00.000Z' }
  expect(await store.create(again)).toMatchObject({ executionId: 'first', status: 'success' })
  clock.advance(1000)
  expect(await store.create(again)).toBeUndefined()
})

test('of a long log the newest entries are kept', async () => {
  const store = createMemoryStore({ maxTailEvents: 3 })
  const lease = await begin(store, 'a')
  for (let seq = 1; seq <= 5; seq++) await store.append(lease, seq, [entry('a', seq, 'info')])
  expect((await store.read('a', 2, 10)).map(({ seq }) => seq)).toEqual([3, 4, 5])
  expect(await store.read('a', 1, 10)).toEqual([])
})

test('an option that is undefined has its default', async () => {
  const names = ['maxFinishedAgeMs', 'maxFinishedCount', 'maxFinishedBytes', 'maxTailEvents', 'maxTailBytes', 'clock']
  const store = createMemoryStore(Object.fromEntries(names.map(name => [name, undefined])))
  for (const id of ['a', 'b']) await finish(store, id, 30_000)
  expect([await listIds(store), (await store.read('a', 0, 10)).map(({ seq }) => seq)]).toEqual([
    ['a', 'b'],
    [1, 2],
  ])
})

test.each([
  ['maxFinishedCount', '5'],
  ['maxFinishedCount', -1],
  ['maxFinishedAgeMs', Number.NaN],
  ['maxFinishedAgeMs', null],
  ['maxFinishedBytes', 5n],
  ['maxTailEvents', 0],
  ['maxTailEvents', '10'],
  ['maxTailBytes', Number.NaN],
  ['maxTailByte', 5],
  ['toString', 5],
])('the option %s is refused as %s, by its name', (option, value) => {
  expect(() => createMemoryStore({ [option]: value })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ option }) }),
  )
})

test('executions are listed by their time, then their id, whatever the order in which they were created', async () => {
  const store = createMemoryStore()
  const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`
  const records = [
    { executionId: 'c', createdAt: at(2) },
    { executionId: 'b', createdAt: at(1) },
    { executionId: 'd', createdAt: at(1) },
    { executionId: 'a', createdAt: at(2) },
    { executionId: 'e', createdAt: at(0) },
  ]
  for (const record of records) await store.create(record)
  expect(await listIds(store)).toEqual(['e', 'b', 'd', 'a', 'c'])
})

test('a page begins after the last of the page before, also when that one is gone meanwhile', async () => {
  const store = createMemoryStore()
  const createdAt = '2026-01-01T00:00:00.000Z'
  for (const executionId of ['a', 'b', 'c', 'd', 'e']) await store.create({ executionId, createdAt })
  const page = await store.list({ limit: 2 })
  const last = page.at(-1)
  await store.delete('b')
  await store.create({ executionId: 'ab', createdAt })
  const rest = await store.list({ limit: 2, ...(last && { after: last }) })
  expect([page, rest].map(some => some.map(({ executionId }) => executionId))).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})
