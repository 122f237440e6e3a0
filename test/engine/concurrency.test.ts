import { expect, test } from 'vitest'
import { createLimit } from '../../src/index.ts'
import { rig } from '../support/rig.ts'
import { fan, task, workflow } from '../support/workflows.ts'

test.each([1, 2, 3, 8])('at most %i tasks run at once, and as many as that do', async maxConcurrency => {
  for (const schedule of ['layers', 'dataflow'] as const) {
    const { tool, execution } = rig(fan(20), { maxConcurrency, schedule })
    while (tool.started.length < 20) {
      await tool.idle()
      expect(tool.runningCount).toBe(Math.min(maxConcurrency, 20))
      tool.takeFirst()?.succeed()
    }
    await tool.succeedAll()
    await execution.result
    expect([tool.peakCount, tool.started.length]).toEqual([maxConcurrency, 20])
  }
})

test('by default at most 64 tasks run at once, and with Infinity all of them', async () => {
  const some = rig(fan(100))
  const all = rig(fan(100), { maxConcurrency: Number.POSITIVE_INFINITY })
  await some.tool.idle()
  expect([some.tool.runningCount, all.tool.runningCount]).toEqual([64, 100])
  some.execution.cancel()
  all.execution.cancel()
  for (const { tool } of [some, all]) for (const call of tool.takeAll()) call.succeed()
  await Promise.all([some.execution.result, all.execution.result])
})

test('a tool with a number as its limit runs so many calls at once', async () => {
  const { tool, execution } = rig(fan(7), { tools: { work: { limit: 3 } } })
  while (tool.started.length < 7) {
    await tool.idle()
    expect(tool.runningCount).toBe(3)
    tool.takeFirst()?.succeed()
  }
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
  expect([tool.peakCount, tool.started]).toEqual([3, ['t0', 't1', 't2', 't3', 't4', 't5', 't6']])
})

test('a limit that two tools and two executions share counts all of their calls', async () => {
  const tools = { work: { limit: createLimit(2) } }
  const both = { work: tools.work, other: tools.work }
  const document = workflow('a', { id: 'b', tool: 'other' }, 'c', { id: 'd', tool: 'other' })
  const rigs = [rig(document, { tools: both }), rig(document, { tools: both })]
  let peak = 0
  for (let round = 0; round < 20; round++) {
    for (const { tool } of rigs) await tool.idle()
    peak = Math.max(peak, rigs[0]!.tool.runningCount + rigs[1]!.tool.runningCount)
    for (const { tool } of rigs) for (const call of tool.takeAll()) call.succeed()
  }
  const results = await Promise.all(rigs.map(each => each.execution.result))
  expect([peak, ...results.map(result => result.status)]).toEqual([2, 'success', 'success'])
})

test('a task that waits for a limit holds no slot, and keeps its position', async () => {
  const document = workflow('a', 'b', { id: 'free', tool: 'other' }, 'c', { id: 'free2', tool: 'other' })
  const { tool, execution } = rig(document, { maxConcurrency: 2, tools: { work: { limit: 1 } } })
  const [a, free] = await tool.nextCalls('a', 'free')
  await tool.idle()
  expect(tool.started).toEqual(['a', 'free'])
  // The slot is for the first task that can use it: the permit is taken.
  free.succeed()
  const free2 = await tool.nextCall('free2')
  a.succeed()
  ;(await tool.nextCall('b')).succeed()
  ;(await tool.nextCall('c')).succeed()
  free2.succeed()
  await execution.result
  expect(tool.started).toEqual(['a', 'free', 'free2', 'b', 'c'])
})

test('of two slots and a limit of 1 the limited tasks go ahead of those after them', async () => {
  const document = workflow(
    { id: 'r1', tool: 'limited' },
    { id: 'r2', tool: 'limited' },
    ...['f1', 'f2', 'f3'].map(id => ({ id, tool: 'other' })),
  )
  const { tool, execution } = rig(document, { maxConcurrency: 2, tools: { limited: { limit: 1 } } })
  const [r1, f1] = await tool.nextCalls('r1', 'f1')
  r1.succeed()
  const r2 = await tool.nextCall('r2')
  await tool.idle()
  expect(tool.started).toEqual(['r1', 'f1', 'r2'])
  f1.succeed()
  ;(await tool.nextCall('f2')).succeed()
  r2.succeed()
  ;(await tool.nextCall('f3')).succeed()
  await execution.result
  expect(tool.started).toEqual(['r1', 'f1', 'r2', 'f2', 'f3'])
})

test('a task that has its permit goes ahead of those that need none', async () => {
  const document = workflow('first', { id: 'limited', tool: 'limited' }, 'second', 'third')
  const { tool, execution } = rig(document, { maxConcurrency: 1, tools: { limited: { limit: 1 } } })
  await tool.succeedAll()
  await execution.result
  expect(tool.started).toEqual(['first', 'limited', 'second', 'third'])
})

test('a cancelled execution gives its permits back, also those it was still waiting for', async () => {
  const tools = { work: { limit: createLimit(1) } }
  const first = rig(fan(3), { tools })
  const holder = await first.tool.nextCall('t0')
  const second = rig(fan(3), { tools })
  const third = rig(fan(1), { tools })
  await second.tool.idle()
  second.execution.cancel()
  expect(await second.execution.result).toMatchObject({ cancelledCount: 3, status: 'cancelled' })
  first.execution.cancel()
  holder.succeed()
  await first.execution.result
  ;(await third.tool.nextCall('t0')).succeed()
  expect((await third.execution.result).status).toBe('success')
})

test('an execution with many waiting tasks does not shut another one out of a shared limit', async () => {
  const tools = { work: { limit: createLimit(1) } }
  const many = rig(fan(50), { tools })
  await many.tool.idle()
  const one = rig(fan(1), { tools })
  for (let round = 0; round < 3; round++) {
    await many.tool.idle()
    for (const call of many.tool.takeAll()) call.succeed()
  }
  expect(one.tool.started).toEqual(['t0'])
  many.execution.cancel()
  for (const call of [...one.tool.takeAll(), ...many.tool.takeAll()]) call.succeed()
  await Promise.all([one.execution.result, many.execution.result])
})

test('the time that a task waits for its limit is none of its own', async () => {
  const document = workflow('a', task('b', [], { timeoutMs: 100 }))
  const { tool, execution, clock } = rig(document, { tools: { work: { limit: 1 } } })
  const a = await tool.nextCall('a')
  await clock.run(500)
  a.succeed()
  const b = await tool.nextCall('b')
  await clock.run(50)
  b.succeed()
  const { results } = await execution.result
  expect(results).toEqual([
    { taskId: 'a', tool: 'work', status: 'success', output: null, attempts: 1, executionTimeMs: 500, waitMs: 0 },
    { taskId: 'b', tool: 'work', status: 'success', output: null, attempts: 1, executionTimeMs: 50, waitMs: 500 },
  ])
})
