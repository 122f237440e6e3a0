import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { readAll, readRest, readSome, start, wide } from './iterator-rig.ts'

test('a slow reader holds new starts at its bound and only there, and they continue when it reads', async () => {
  const { tool, execution, clock, warnings } = start(wide(40), { maxConcurrency: 1, buffer: { maxEvents: 10 } })
  const iterator = execution[Symbol.asyncIterator]()
  const read = await readSome(iterator, 1)
  await tool.succeedAll()
  // Each task has two events; one that runs is never held back, so one task may pass the bound.
  const startedAtBound = tool.started.length
  expect([startedAtBound >= 5, startedAtBound <= 6]).toEqual([true, true])
  expect(warnings).toHaveLength(1)
  expect(clock.timerCount).toBeGreaterThan(0)
  read.push(...(await readSome(iterator, 2)))
  await tool.succeedAll()
  expect(tool.started.length).toBe(startedAtBound)
  read.push(...(await readSome(iterator, 5)))
  await tool.succeedAll()
  expect(tool.started.length).toBeGreaterThan(startedAtBound)
  for (;;) {
    const more = await readSome(iterator, 3)
    if (more.length === 0) break
    read.push(...more)
    await tool.succeedAll()
  }
  expect(read.map(({ id }) => id)).toEqual(Array.from({ length: 82 }, (_, i) => `x.${i + 1}`))
  expect([(await execution.result).status, clock.timerCount]).toEqual(['success', 0])
})

test('at the bound running tasks continue, and their events are kept', async () => {
  const { tool, execution } = start(wide(3), { maxConcurrency: 2, buffer: { maxEvents: 2 } })
  const iterator = execution[Symbol.asyncIterator]()
  const read = await readSome(iterator, 1)
  const [a, b] = await tool.nextCalls('t0', 't1')
  for (let i = 0; i < 20; i++) {
    a.context.reportProgress({ progress: i })
    await idle()
  }
  a.succeed()
  b.succeed()
  await tool.idle()
  expect(tool.started).toEqual(['t0', 't1'])
  read.push(...(await readSome(iterator, 25)).slice(0, 24))
  await tool.succeedAll()
  read.push(...(await readRest(iterator)))
  const kinds = read.map(({ type }) => type)
  expect(kinds.filter(type => type === 'task_complete')).toHaveLength(3)
  expect(kinds.at(-1)).toBe('execution_complete')
})

test('a reader that takes nothing for the stall time is reported once, and the execution continues', async () => {
  const { tool, execution, clock } = start(wide(40), {
    maxConcurrency: 1,
    buffer: { maxEvents: 4, stallTimeoutMs: 5000 },
  })
  const iterator = execution[Symbol.asyncIterator]()
  await readSome(iterator, 1)
  await tool.succeedAll()
  await clock.run(4999)
  await tool.succeedAll()
  expect(tool.started.length).toBeLessThan(5)
  await clock.run(1)
  await tool.succeedAll()
  expect((await execution.result).successCount).toBe(40)
  await expect(iterator.next()).rejects.toMatchObject({ code: 'READER_STALLED' })
  expect([await iterator.next(), clock.timerCount]).toEqual([{ value: undefined, done: true }, 0])
})

test('under "disconnect" a fast reader survives bursts of instant tasks far beyond the bound', async () => {
  const tasks = Array.from({ length: 500 }, (_, i) => ({ id: `t${i}`, tool: 'instant' }))
  const { execution } = start({ tasks }, { buffer: { maxEvents: 20, policy: 'disconnect' } })
  expect(await readAll(execution)).toHaveLength(1002)
  expect((await execution.result).status).toBe('success')
})

test('under "disconnect" a reader at its bound is reported, and the execution continues', async () => {
  const { tool, execution } = start(wide(40), { buffer: { maxEvents: 4, policy: 'disconnect' } })
  const iterator = execution[Symbol.asyncIterator]()
  await iterator.next()
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
  await expect(iterator.next()).rejects.toMatchObject({ code: 'READER_OVERFLOWED' })
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('one stalled iterator does not take events from another, and one hold is enough', async () => {
  const { tool, execution, clock } = start(wide(30), {
    maxConcurrency: 1,
    buffer: { maxEvents: 4, stallTimeoutMs: 100 },
  })
  const stalled = execution[Symbol.asyncIterator]()
  await stalled.next()
  const all = readAll(execution)
  await tool.succeedAll()
  expect(tool.started.length).toBeLessThan(5)
  await clock.run(100)
  await tool.succeedAll()
  expect(await all).toHaveLength(62)
  await expect(stalled.next()).rejects.toMatchObject({ code: 'READER_STALLED' })
})
