import { expect, test } from 'vitest'
import { createLimit, StreamingExecutor, type Tool } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { rig } from '../support/rig.ts'
import { fan, workflow } from '../support/workflows.ts'

/** A tool whose calls end at once, and the times of their beginnings since the start, ms. */
function timed(clock: FakeClock, more: Partial<Tool>): { tool: Omit<Tool, 'name'>; times: number[] } {
  const times: number[] = []
  return { tool: { execute: () => void times.push(clock.now() - 1000), ...more }, times }
}

test('the calls of a tool with a rate begin as its bucket allows', async () => {
  const clock = new FakeClock()
  const { tool, times } = timed(clock, { rate: { max: 2, perMs: 100 } })
  const execution = new StreamingExecutor({ work: tool }, { clock }).stream(fan(5))
  await clock.run(1000)
  expect(times).toEqual([0, 0, 50, 100, 150])
  expect([(await execution.result).status, clock.timerCount]).toEqual(['success', 0])
})

test('a rate counts over executions, which take turns; a higher priority goes first', async () => {
  const clock = new FakeClock()
  const order: string[] = []
  const execute: Tool['execute'] = (_, { executionId }) => void order.push(executionId)
  const executor = new StreamingExecutor({ work: { execute, rate: { max: 1, perMs: 10 } } }, { clock })
  const executions = (['a', 'b', 'urgent'] as const).map(id =>
    executor.stream(fan(3), { createId: () => id, priority: id === 'urgent' ? 10 : 0 }),
  )
  await clock.run(200)
  expect(order).toEqual(['a', 'urgent', 'urgent', 'urgent', 'a', 'b', 'a', 'b', 'b'])
  await Promise.all(executions.map(each => each.result))
})

test('among executions that wait for a limit the higher priority goes first', async () => {
  const tool = new ControlledTool()
  const executor = new StreamingExecutor({ work: { execute: tool.execute, limit: 1 } })
  const executions = [0, -5, 5].map(priority =>
    executor.stream(workflow({ id: `p${priority}`, tool: 'work' }), { priority }),
  )
  await tool.succeedAll()
  await Promise.all(executions.map(each => each.result))
  expect(tool.started).toEqual(['p0', 'p5', 'p-5'])
})

test('a task takes its token when it has a slot: tokens are not saved up behind a full execution', async () => {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const tools = { work: { execute: tool.execute, rate: { max: 1, perMs: 100 } }, slow: { execute: tool.execute } }
  const executor = new StreamingExecutor(tools, { clock, maxConcurrency: 1 })
  const full = executor.stream(workflow({ id: 'slow', tool: 'slow' }, { id: 'a', tool: 'work' }))
  await tool.idle()
  const other = executor.stream(workflow({ id: 'b', tool: 'work' }))
  await tool.idle()
  expect(tool.started).toEqual(['slow', 'b'])
  await clock.run(100)
  const [slow, b] = await tool.nextCalls('slow', 'b')
  slow?.succeed()
  b?.succeed()
  await tool.succeedAll()
  await Promise.all([full.result, other.result])
  expect(tool.started).toEqual(['slow', 'b', 'a'])
})

test('an execution that ends while it waits for a rate leaves no timer', async () => {
  const clock = new FakeClock()
  const { tool, times } = timed(clock, { rate: { max: 1, perMs: 60_000 } })
  const execution = new StreamingExecutor({ work: tool }, { clock }).stream(fan(3))
  await clock.run(10)
  execution.cancel()
  expect((await execution.result).status).toBe('cancelled')
  expect([times, clock.timerCount]).toEqual([[0], 0])
})

test('a `Retry-After` pauses all calls of a tool with a rate', async () => {
  const clock = new FakeClock()
  let isRefused = false
  const { tool, times } = timed(clock, { rate: { max: 10, perMs: 10 }, retry: { maxAttempts: 2, initialDelayMs: 1 } })
  const execute = (args: Record<string, unknown>, context: Parameters<Tool['execute']>[1]): unknown => {
    const result = tool.execute(args, context)
    if (isRefused) return result
    isRefused = true
    throw Object.assign(new Error('slow down'), { retryAfterMs: 500 })
  }
  const executor = new StreamingExecutor(
    { work: { ...tool, execute } },
    { clock, maxConcurrency: 1, random: () => 0.5 },
  )
  const execution = executor.stream(fan(3))
  await clock.run(2000)
  expect(times).toEqual([0, 500, 500, 500])
  expect((await execution.result).status).toBe('success')
})

test('a rate and a shared limit hold together', async () => {
  const limit = createLimit(1)
  const tools = { work: { limit, rate: { max: 2, perMs: 20 } }, other: { limit } }
  const document = workflow('a', { id: 'x', tool: 'other' }, 'b', { id: 'y', tool: 'other' }, 'c')
  const { tool, execution, clock } = rig(document, { tools })
  for (let round = 0; round < 20; round++) {
    await tool.idle()
    expect(tool.runningCount).toBeLessThanOrEqual(1)
    tool.takeFirst()?.succeed()
    await clock.run(10)
  }
  expect([(await execution.result).status, tool.started.length]).toEqual(['success', 5])
})
