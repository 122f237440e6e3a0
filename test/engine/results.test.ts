import { expect, test } from 'vitest'
import { calculateSpeedup } from '../../src/engine/execution-result.ts'
import { ParallelExecutor } from '../../src/index.ts'
import { counts } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { diamond, fan, task, workflow } from '../support/workflows.ts'

test('a result is whole: every field, results in document order', async () => {
  const { tool, execution, events, clock } = rig(diamond('a', ['b', 'c'], 'd'))
  const a = await tool.nextCall('a')
  await clock.run(10)
  a.succeed({ n: 1 })
  const [b, c] = await tool.nextCalls('b', 'c')
  await clock.run(20)
  c.fail(Object.assign(new Error('no'), { code: 'E_NO' }))
  await clock.run(10)
  b.succeed('b')
  const result = await execution.result
  expect(result).toEqual({
    executionId: 'x',
    status: 'partial',
    results: [
      { taskId: 'a', tool: 'work', status: 'success', output: { n: 1 }, attempts: 1, executionTimeMs: 10, waitMs: 0 },
      { taskId: 'b', tool: 'work', status: 'success', output: 'b', attempts: 1, executionTimeMs: 30, waitMs: 0 },
      {
        taskId: 'c',
        tool: 'work',
        status: 'error',
        error: 'no',
        code: 'E_NO',
        attempts: 1,
        executionTimeMs: 20,
        waitMs: 0,
      },
      {
        taskId: 'd',
        tool: 'work',
        status: 'skipped',
        error: 'Skipped: task `c` did not succeed',
        code: 'DEPENDENCY_FAILED',
        causedBy: 'c',
        attempts: 0,
        executionTimeMs: 0,
        waitMs: 0,
      },
    ],
    errors: [{ taskId: 'c', error: 'no', code: 'E_NO', status: 'error' }],
    executionTimeMs: 40,
    parallelizationLayers: 3,
    totalTasks: 4,
    successCount: 2,
    errorCount: 1,
    skippedCount: 1,
    cancelledCount: 0,
    speedup: 1.5,
    criticalPathMs: 40,
  })
  expect(events.at(-1)).toEqual({
    type: 'execution_complete',
    id: `x.${events.length}`,
    data: {
      executionId: 'x',
      timestamp: '2026-01-01T00:00:00.040Z',
      status: 'partial',
      totalTasks: 4,
      successCount: 2,
      errorCount: 1,
      skippedCount: 1,
      cancelledCount: 0,
      totalExecutionTimeMs: 40,
      speedup: 1.5,
      criticalPathMs: 40,
      parallelizationLayers: 3,
    },
  })
  const completions = events.filter(({ type }) => type === 'task_complete').map(({ data }) => data)
  expect(completions).toHaveLength(4)
  for (const each of result.results) {
    expect(completions).toContainEqual({ executionId: 'x', timestamp: expect.any(String), ...each })
  }
})

test.each<[string, (succeed: () => void, fail: () => void, cancel: () => void) => void, string, number[]]>([
  ['all succeeded', succeed => (succeed(), succeed(), succeed()), 'success', [3, 3, 0, 0, 0]],
  ['none succeeded', (_, fail) => (fail(), fail(), fail()), 'error', [3, 0, 3, 0, 0]],
  ['some succeeded', (succeed, fail) => (succeed(), fail(), succeed()), 'partial', [3, 2, 1, 0, 0]],
  ['some were cancelled', (succeed, _, cancel) => (succeed(), cancel()), 'cancelled', [3, 1, 0, 0, 2]],
  ['all but the cancelled failed', (_, fail, cancel) => (fail(), fail(), cancel()), 'cancelled', [3, 0, 2, 0, 1]],
])('when %s the status says so and the counts add up', async (_, act, status, expected) => {
  const { tool, execution } = rig(fan(3))
  const calls = [...(await tool.nextCalls('t0', 't1', 't2'))]
  const steps: (() => void)[] = []
  act(
    () => steps.push(() => calls.shift()?.succeed()),
    () => steps.push(() => calls.shift()?.fail()),
    () => steps.push(() => execution.cancel()),
  )
  for (const step of steps) {
    step()
    await tool.idle()
  }
  for (const call of calls) call.succeed()
  const result = await execution.result
  expect([result.status, Object.values(counts(result))]).toEqual([status, expected])
  expect(result.reason !== undefined).toBe(status === 'cancelled')
})

test('an empty workflow is legal, succeeds and ends at once', async () => {
  const { execution, events } = rig({ tasks: [] })
  expect(await execution.result).toEqual({
    executionId: 'x',
    status: 'success',
    results: [],
    errors: [],
    executionTimeMs: 0,
    parallelizationLayers: 0,
    totalTasks: 0,
    successCount: 0,
    errorCount: 0,
    skippedCount: 0,
    cancelledCount: 0,
    speedup: 0,
    criticalPathMs: 0,
  })
  expect(events.map(({ type }) => type)).toEqual(['execution_start', 'execution_complete'])
})

test('speedup is 0 with no tasks, 1 at zero wall time, and finite always', () => {
  expect(calculateSpeedup([], 5)).toBe(0)
  expect(calculateSpeedup([0, 0], 0)).toBe(1)
  expect(calculateSpeedup([5], 0)).toBe(1)
  expect(calculateSpeedup([10, 20, 30], 30)).toBe(2)
  expect(calculateSpeedup([0], 30)).toBe(0)
  const executor = new ParallelExecutor({})
  const results = [10, 20].map(executionTimeMs => ({ executionTimeMs })) as never
  expect(executor.calculateSpeedup({ results, executionTimeMs: 15 })).toBe(2)
})

test('the critical path is the longest path of measured times, whatever the barrier cost', async () => {
  const document = workflow('slow', 'fast', task('afterFast', ['fast']))
  const { tool, execution, clock } = rig(document)
  const [slow, fast] = await tool.nextCalls('slow', 'fast')
  await clock.run(10)
  fast.succeed()
  await clock.run(40)
  slow.succeed()
  const afterFast = await tool.nextCall('afterFast')
  await clock.run(30)
  afterFast.succeed()
  const { criticalPathMs, executionTimeMs, speedup } = await execution.result
  expect({ criticalPathMs, executionTimeMs, speedup }).toEqual({
    criticalPathMs: 50,
    executionTimeMs: 80,
    speedup: 1.125,
  })
})

test('the time of a task is that of all its attempts, and the rest since it was ready is its wait', async () => {
  const { tool, execution, clock } = rig(
    workflow('first', task('a', ['first'], { retry: { maxAttempts: 2, initialDelayMs: 100 } })),
  )
  const first = await tool.nextCall('first')
  await clock.run(7)
  first.succeed()
  const attempt1 = await tool.nextCall('a')
  await clock.run(5)
  attempt1.fail()
  await tool.idle()
  await clock.run(100)
  const attempt2 = await tool.nextCall('a')
  await clock.run(6)
  attempt2.succeed()
  expect((await execution.result).results[1]).toMatchObject({ attempts: 2, executionTimeMs: 11, waitMs: 100 })
})
