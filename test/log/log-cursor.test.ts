import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { createState } from '../../src/events/execution-state.ts'
import { applyEvent } from '../../src/events/state.ts'
import { idle } from '../support/fake-clock.ts'
import { appendEnd, appendTokens, FakeStorage, follow, openLog, show, takeAll, TIMESTAMP, tokens } from './log-rig.ts'

test('replay joins live without a gap or a duplicate at every cut', async () => {
  const size = 12
  for (let opened = 0; opened <= size; opened++) {
    for (let after = 0; after <= opened; after++) {
      const log = openLog()
      await appendTokens(log, opened)
      const followed = follow(log.open(after))
      for (let seq = opened; seq < size; seq++) await appendTokens(log, 1)
      await appendEnd(log)
      expect(show(await followed)).toEqual([...tokens(after + 1, size), `execution_complete:${size + 1}`])
    }
  }
})

test('whatever the batches, chunks, tails and stores, a resumed reader gets each entry once', async () => {
  const scenario = fc.record({
    batches: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
    cuts: fc.array(fc.nat({ max: 20 }), { maxLength: 4 }),
    maxTailEvents: fc.integer({ min: 1, max: 30 }),
    maxBytes: fc.integer({ min: 1, max: 5000 }),
    isLater: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async ({ batches, cuts, maxTailEvents, maxBytes, isLater }) => {
      const storage = new FakeStorage()
      storage.isLater = isLater
      const log = openLog(storage, { maxTailEvents })
      const append = async (): Promise<void> => {
        for (const count of batches) {
          const appended = appendTokens(log, count)
          storage.settle()
          await appended
          if (count % 2 === 0) await idle()
        }
        const appended = appendEnd(log)
        storage.settle()
        await appended
      }
      const appended = append()
      const got: string[] = []
      for (const cut of cuts) {
        // Takes at most `cut` entries, leaves, and comes back where it was.
        const cursor = log.open(got.length)
        let wanted = cut
        while (wanted > 0 && !cursor.done) {
          const entries = await cursor.take(1)
          if (entries.length === 0) break
          got.push(...show(entries.slice(0, wanted)))
          wanted -= entries.length
        }
        cursor.close()
      }
      got.push(...show(await follow(log.open(got.length), maxBytes)))
      await appended
      const size = batches.reduce((sum, count) => sum + count, 0)
      expect(got).toEqual([...tokens(1, size), `execution_complete:${size + 1}`])
    }),
    { numRuns: 200 },
  )
})

test('a place that memory and store have let go of gets a snapshot, then the tail', async () => {
  const log = openLog({ append() {}, read: () => [] }, { maxTailEvents: 3 })
  await appendTokens(log, 10)
  const cursor = log.open(4)
  const [snapshot] = await cursor.take(1000)
  expect(snapshot?.toEvent()).toEqual({
    type: 'snapshot',
    id: 'x.10',
    data: {
      executionId: 'x',
      timestamp: expect.any(String),
      seq: 10,
      status: 'pending',
      tasks: [],
      counts: { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 },
    },
  })
  await appendTokens(log, 2)
  await appendEnd(log)
  expect([show(await takeAll(cursor)), cursor.done]).toEqual([['token:11', 'token:12', 'execution_complete:13'], true])
  expect(show(await takeAll(log.open(10)))).toEqual(['token:11', 'token:12', 'execution_complete:13'])
})

test('a cursor ahead of the log gets a snapshot, then the following entries', async () => {
  const log = openLog()
  await appendTokens(log, 2)
  const cursor = log.open(50)
  expect([cursor.done, show(await takeAll(cursor))]).toEqual([false, ['snapshot:2']])
  await appendTokens(log, 1)
  await appendEnd(log)
  expect(show(await takeAll(cursor))).toEqual(['token:3', 'execution_complete:4'])
})

test('a cursor ahead of a log that has ended is not done before its snapshot', async () => {
  const log = openLog()
  await appendTokens(log, 2)
  await appendEnd(log)
  const cursor = log.open(50)
  expect(cursor.done).toBe(false)
  expect([show(await takeAll(cursor)), cursor.done]).toEqual([['snapshot:3'], true])
})

test('a cursor ahead of an empty log gets a snapshot with an id', async () => {
  const cursor = openLog().open(5)
  const [snapshot] = await cursor.take(1000)
  expect(snapshot?.toEvent()).toMatchObject({ type: 'snapshot', id: 'x.0', data: { seq: 0, tasks: [] } })
})

test('a snapshot followed by the tail folds to the live state', async () => {
  const log = openLog({ append() {}, read: () => [] }, { maxTailEvents: 2 })
  const about = { executionId: 'x', timestamp: TIMESTAMP }
  const layers = [['a', '__proto__'], ['c']]
  const task = { executionTimeMs: 1, waitMs: 0, attempts: 1 }
  await log.append([
    log.entry('execution_start', { ...about, totalTasks: 3, layers, schedule: 'layers' }),
    log.entry('task_start', { ...about, taskId: 'a', tool: 't', layer: 0, attempt: 1 }),
    log.entry('task_complete', {
      ...about,
      taskId: 'a',
      tool: 't',
      status: 'error',
      error: 'no',
      code: 'E',
      ...task,
    }),
    log.entry('task_start', { ...about, taskId: '__proto__', tool: 't', layer: 0, attempt: 1 }),
  ])
  const cursor = log.open(0)
  const folded = createState('x')
  const fold = async (): Promise<void> => {
    for (const entry of await takeAll(cursor)) applyEvent(folded, entry.toEvent(), entry.seq)
  }
  await fold()
  await log.append([
    log.entry('task_start', { ...about, taskId: 'c', tool: 't', layer: 1, attempt: 1 }),
    log.entry('task_complete', { ...about, taskId: 'c', tool: 't', status: 'success', ...task }),
  ])
  await fold()
  expect([folded.seq, folded.status, folded.counts]).toEqual([6, 'running', log.state.counts])
  const [expected, found] = [log.state, folded].map(state => toSnapshot(state, TIMESTAMP, () => ({})))
  expect(found).toEqual(expected)
})

test('entries that memory has evicted are read from the store in pages', async () => {
  const storage = new FakeStorage()
  storage.isLater = true
  const log = openLog(storage, { maxTailEvents: 10 })
  const appended = appendTokens(log, 400)
  storage.settle()
  await appended
  expect(show(await takeAll(log.open(100), 1_000_000))).toEqual(tokens(101, 400))
  expect(storage.reads).toEqual([
    { afterSeq: 100, limit: 128 },
    { afterSeq: 228, limit: 128 },
    { afterSeq: 356, limit: 128 },
  ])
})

test('a failed read of the store notifies only the reader that takes', async () => {
  const storage = { append() {}, read: () => Promise.reject(new Error('disk')) }
  const log = openLog(storage, { maxTailEvents: 1 })
  await appendTokens(log, 3)
  const [behind, near] = [log.open(), log.open(2)]
  await expect(behind.take(1000)).rejects.toThrow('disk')
  expect(show(await takeAll(near))).toEqual(['token:3'])
})

test('a closed cursor returns nothing, wakes no reader and is no longer counted', async () => {
  const storage = new FakeStorage()
  storage.isLater = true
  const log = openLog(storage, { maxTailEvents: 1 })
  const appended = appendTokens(log, 5)
  storage.settle()
  await appended
  const cursor = log.open()
  let woken = 0
  const taken = cursor.take(1000)
  cursor.onReadable(() => void woken++)
  cursor.close()
  cursor.close()
  expect([await taken, await cursor.take(1000), cursor.done, log.cursorCount]).toEqual([[], [], true, 0])
  const again = appendTokens(log, 1)
  storage.settle()
  await again
  expect(woken).toBe(0)
})

test('a chunk is about as large as was asked for, and never empty while there is something', async () => {
  const log = openLog()
  await appendTokens(log, 100)
  const weight = (await log.open().take(1))[0]?.weight as number
  expect(show(await log.open().take(0.5))).toEqual(['token:1'])
  expect((await log.open().take(10 * weight)).length).toBeLessThanOrEqual(11)
  expect((await log.open().take(Number.POSITIVE_INFINITY)).length).toBe(100)
})

test('readers that come back together are given one snapshot, until there are further entries', async () => {
  const bounds = { maxTailEvents: 2 }
  const storage = Object.assign(new FakeStorage(), { read: () => [] })
  const log = openLog(storage, bounds)
  await appendTokens(log, 5)
  const [first] = await log.open(1).take(1000)
  const [second] = await log.open(2).take(1000)
  expect([first?.type, first === second]).toEqual(['snapshot', true])
  await appendTokens(log, 1)
  const [third] = await log.open(1).take(1000)
  expect([third?.type, third?.seq, JSON.parse(third?.json ?? '')]).toMatchObject(['snapshot', 6, { seq: 6 }])
})
