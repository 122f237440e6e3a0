import { expect, test } from 'vitest'
import { endings } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { diamond, fan, task, workflow } from '../support/workflows.ts'

test('an attempt that runs longer than its timeout is aborted and fails with TASK_TIMEOUT', async () => {
  const { tool, execution, clock } = rig(workflow(task('a', [], { timeoutMs: 100 })))
  const a = await tool.nextCall('a')
  const { signal } = a.context
  await clock.run(99)
  expect(signal.aborted).toBe(false)
  await clock.run(1)
  expect(signal.aborted).toBe(true)
  expect(signal.reason).toMatchObject({ code: 'TASK_TIMEOUT', message: expect.stringMatching(/`a`.*after 100 ms/) })
  await clock.run(20)
  a.fail(signal.reason)
  const { results, errors } = await execution.result
  expect(results).toEqual([
    {
      taskId: 'a',
      tool: 'work',
      status: 'error',
      error: 'Timed out after 100 ms',
      code: 'TASK_TIMEOUT',
      attempts: 1,
      executionTimeMs: 120,
      waitMs: 0,
    },
  ])
  expect(errors).toEqual([{ taskId: 'a', error: 'Timed out after 100 ms', code: 'TASK_TIMEOUT', status: 'error' }])
  expect(clock.timerCount).toBe(0)
})

test('the timeout of the task comes before that of its tool, and that before the option', async () => {
  const tools = { tooled: { timeoutMs: 200 }, endless: { timeoutMs: 0 } }
  const document = workflow(
    task('own', [], { tool: 'tooled', timeoutMs: 100 }),
    task('tool', [], { tool: 'tooled' }),
    task('option'),
    task('none', [], { timeoutMs: 0 }),
    task('toolNone', [], { tool: 'endless' }),
  )
  const { tool, execution, clock } = rig(document, { tools, taskTimeoutMs: 300 })
  const calls = await tool.nextCalls('own', 'tool', 'option', 'none', 'toolNone')
  const abortedAt: (number | undefined)[] = calls.map(() => undefined)
  const start = clock.now()
  calls.forEach(({ context }, index) =>
    context.signal.addEventListener('abort', () => {
      abortedAt[index] = clock.now() - start
    }),
  )
  await clock.run(1_000_000)
  expect(abortedAt).toEqual([100, 200, 300, undefined, undefined])
  for (const call of calls) call.succeed()
  await execution.result
})

test('by default an attempt may take 30 seconds', async () => {
  const { tool, execution, clock } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  await clock.run(29_999)
  expect(a.context.signal.aborted).toBe(false)
  await clock.run(1)
  expect(a.context.signal.aborted).toBe(true)
  a.fail()
  expect(endings(await execution.result)).toEqual(['a error TASK_TIMEOUT'])
})

test('after an abort a late value is discarded, and a late error too', async () => {
  const { tool, execution, clock } = rig(fan(2, { timeoutMs: 10 }))
  const [t0, t1] = await tool.nextCalls('t0', 't1')
  await clock.run(10)
  t0.succeed('late')
  t1.fail(new Error('late'))
  const { results } = await execution.result
  expect(results.map(({ output, error, code }) => ({ output, error, code }))).toEqual([
    { output: undefined, error: 'Timed out after 10 ms', code: 'TASK_TIMEOUT' },
    { output: undefined, error: 'Timed out after 10 ms', code: 'TASK_TIMEOUT' },
  ])
})

test('a cancellation after a timeout changes nothing about the task, nor the other way round', async () => {
  const first = rig(workflow(task('a', [], { timeoutMs: 10 })))
  const a = await first.tool.nextCall('a')
  await first.clock.run(10)
  first.execution.cancel()
  a.fail()
  expect(await first.execution.result).toMatchObject({
    status: 'error',
    errorCount: 1,
    errors: [{ code: 'TASK_TIMEOUT' }],
  })
  expect((await first.execution.result).reason).toBeUndefined()

  const second = rig(workflow(task('a', [], { timeoutMs: 10 })))
  const b = await second.tool.nextCall('a')
  second.execution.cancel('enough')
  await second.clock.run(50)
  b.fail()
  expect(await second.execution.result).toMatchObject({
    status: 'cancelled',
    reason: { code: 'CANCELLED', message: 'enough' },
    results: [{ status: 'cancelled', error: 'enough', code: 'CANCELLED', executionTimeMs: 50 }],
  })
})

test('a tool that does not settle within the grace is abandoned, its slot is freed and the execution ends', async () => {
  const { tool, execution, clock } = rig(workflow(task('deaf', [], { timeoutMs: 100 }), 'next'), { maxConcurrency: 1 })
  const deaf = await tool.nextCall('deaf')
  await clock.run(100 + 1999)
  expect(tool.started).toEqual(['deaf'])
  await clock.run(1)
  const next = await tool.nextCall('next')
  next.succeed()
  const { results } = await execution.result
  expect(results[0]).toEqual({
    taskId: 'deaf',
    tool: 'work',
    status: 'error',
    error: 'Timed out after 100 ms',
    code: 'TASK_TIMEOUT',
    attempts: 1,
    executionTimeMs: 2100,
    waitMs: 0,
    abandoned: true,
  })
  expect(clock.timerCount).toBe(0)
  deaf.succeed('much too late')
  await tool.idle()
})

test('an abandoned tool gives its permit back', async () => {
  const { tool, execution, clock } = rig(fan(2, { timeoutMs: 10 }), { tools: { work: { limit: 1 } }, abortGraceMs: 5 })
  await tool.nextCall('t0')
  await clock.run(15)
  ;(await tool.nextCall('t1')).succeed()
  expect(endings(await execution.result)).toEqual(['t0 error TASK_TIMEOUT', 't1 success'])
})

test('a grace of 0 abandons at once, and one as long as the timeout is a grace of its own', async () => {
  const none = rig(workflow(task('a', [], { timeoutMs: 10 })), { abortGraceMs: 0 })
  await none.tool.nextCall('a')
  await none.clock.run(10)
  expect((await none.execution.result).results[0]).toMatchObject({ abandoned: true, executionTimeMs: 10 })
  const same = rig(fan(3, { timeoutMs: 10 }), { abortGraceMs: 10 })
  await same.tool.nextCalls('t0', 't1', 't2')
  await same.clock.run(20)
  expect((await same.execution.result).results.map(each => [each.abandoned, each.executionTimeMs])).toEqual([
    [true, 20],
    [true, 20],
    [true, 20],
  ])
})

test('the timeout of the whole execution cancels unsettled tasks, with its reason', async () => {
  const { tool, execution, clock } = rig(diamond('a', ['b', 'c'], 'd'), { timeoutMs: 1000, taskTimeoutMs: 0 })
  ;(await tool.nextCall('a')).succeed()
  const [b, c] = await tool.nextCalls('b', 'c')
  b.succeed()
  await clock.run(1000)
  expect(c.context.signal.aborted).toBe(true)
  c.succeed()
  const result = await execution.result
  expect(endings(result)).toEqual(['a success', 'b success', 'c cancelled', 'd cancelled'])
  expect([result.status, result.reason, result.executionTimeMs]).toEqual([
    'cancelled',
    { code: 'EXECUTION_TIMEOUT', message: 'Timed out after 1000 ms' },
    1000,
  ])
  expect(clock.timerCount).toBe(0)
})

test('an execution that ends in time leaves no timer', async () => {
  const { tool, execution, clock } = rig(workflow('a'), { timeoutMs: 1000 })
  ;(await tool.nextCall('a')).succeed()
  await execution.result
  expect(clock.timerCount).toBe(0)
})

test('the timeout begins with the tool call, not with the wait for a slot', async () => {
  const { tool, execution, clock } = rig(fan(2, { timeoutMs: 100 }), { maxConcurrency: 1 })
  const t0 = await tool.nextCall('t0')
  await clock.run(90)
  t0.succeed()
  const t1 = await tool.nextCall('t1')
  await clock.run(90)
  t1.succeed()
  expect((await execution.result).results.map(each => [each.status, each.executionTimeMs, each.waitMs])).toEqual([
    ['success', 90, 0],
    ['success', 90, 90],
  ])
})
