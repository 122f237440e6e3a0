// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { expect, test } from 'vitest'
import { computeRetryDelay, mergeRetryPolicies } from '../../src/attempt/retry.ts'
import type { DAGTask } from '../../src/index.ts'
import { endings, outline } from '../support/outline.ts'
import { type Rig, rig } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

const retrying = (retry: DAGTask['retry'] = { maxAttempts: 5 }): DAGTask => task('a', [], { retry })

async function failures(each: Rig, count: number, error: () => unknown = () => new Error('no')): Promise<number[]> {
  const delays: number[] = []
  for (let attempt = 0; attempt < count; attempt++) {
    ;(await each.tool.nextCall('a')).fail(error())
    await each.tool.idle()
    const last = each.events.at(-1)
    if (last?.type !== 'task_retry') break
    delays.push(last.data.delayMs)
    await each.clock.run(last.data.delayMs)
  }
  return delays
}

test('a delay grows by its factor up to its cap', () => {
  const policy = mergeRetryPolicies({ maxAttempts: 9 }, undefined)
  expect(policy).toEqual({ maxAttempts: 9, initialDelayMs: 1000, factor: 2, maxDelayMs: 10_000, jitter: 0.1 })
  expect([1, 2, 3, 4, 5, 2000].map(attempt => computeRetryDelay(policy, attempt, undefined, 0.5))).toEqual([
    1000, 2000, 4000, 8000, 10_000, 10_000,
  ])
})

test('jitter varies a delay by its share both ways, never above the cap, and never below the delay that the tool requested', () => {
  const policy = mergeRetryPolicies({ jitter: 0.5, maxDelayMs: 1200 }, { jitter: 0, initialDelayMs: 800 })
  expect([0, 0.5, 1].map(random => computeRetryDelay(policy, 1, undefined, random))).toEqual([400, 800, 1200])
  expect(computeRetryDelay(policy, 2, undefined, 1)).toBe(1200)
  expect(computeRetryDelay(policy, 1, 5000, 0)).toBe(5000)
  expect(computeRetryDelay({ ...policy, initialDelayMs: 0, factor: 10 }, 400, undefined, 1)).toBe(0)
})

test("the policy of the task comes before its tool's, field by field", () => {
  expect(mergeRetryPolicies({ factor: 3 }, { factor: 4, maxAttempts: 2, jitter: 0 })).toEqual({
    maxAttempts: 2,
    initialDelayMs: 1000,
    factor: 3,
    maxDelayMs: 10_000,
    jitter: 0,
  })
})

test('a failed attempt is followed by another after its delay, and the task is reported once', async () => {
  const each = rig(workflow(retrying({ maxAttempts: 3 }), task('b', ['a'])))
  expect(await failures(each, 2)).toEqual([1000, 2000])
  ;(await each.tool.nextCall('a')).succeed('at last')
  ;(await each.tool.nextCall('b')).succeed()
  const { results } = await each.execution.result
  expect(results[0]).toEqual({
    taskId: 'a',
    tool: 'work',
    status: 'success',
    output: 'at last',
    attempts: 3,
    executionTimeMs: 0,
    waitMs: 3000,
  })
  expect(outline(each.events)).toEqual([
    'execution_start',
    'task_start a',
    'task_retry a',
    'task_start a 2',
    'task_retry a 2',
    'task_start a 3',
    'task_complete a success',
    'task_start b',
    'task_complete b success',
    'execution_complete success',
  ])
  expect(each.events[2]?.data).toEqual({
    executionId: 'x',
    timestamp: '2026-01-01T00:00:00.000Z',
    taskId: 'a',
    attempt: 1,
    delayMs: 1000,
    error: 'no',
    code: 'TOOL_ERROR',
    executionTimeMs: 0,
  })
})

test('after the last attempt the task fails with the error of that attempt', async () => {
  const each = rig(workflow(retrying({ maxAttempts: 2 })))
  let count = 0
  await failures(each, 2, () => new Error(`failure ${++count}`))
  const { results } = await each.execution.result
  expect(results[0]).toMatchObject({ status: 'error', error: 'failure 2', attempts: 2, code: 'TOOL_ERROR' })
})

test('without a policy there is one attempt, and a policy of the tool counts too', async () => {
  const none = rig(workflow('a'))
  expect(await failures(none, 2)).toEqual([])
  const tooled = rig(workflow('a'), { tools: { work: { retry: { maxAttempts: 2, initialDelayMs: 5 } } } })
  expect(await failures(tooled, 2)).toEqual([5])
  expect([
    (await none.execution.result).results[0]?.attempts,
    (await tooled.execution.result).results[0]?.attempts,
  ]).toEqual([1, 2])
})

test('an error that says it is not retryable fails the task at once', async () => {
  const each = rig(workflow(retrying()))
  expect(await failures(each, 1, () => Object.assign(new Error('quota'), { retryable: false, code: 'QUOTA' }))).toEqual(
    [],
  )
  expect((await each.execution.result).results[0]).toMatchObject({ error: 'quota', code: 'QUOTA', attempts: 1 })
})

test('an error that asks for a pause gets it, and for more than five minutes fails the task', async () => {
  const each = rig(workflow(retrying()))
  const asking = (retryAfterMs: number) => () => Object.assign(new Error('busy'), { retryAfterMs })
  expect(await failures(each, 1, asking(45_000))).toEqual([45_000])
  expect(await failures(each, 1, asking(300_000))).toEqual([300_000])
  expect(await failures(each, 1, asking(300_001))).toEqual([])
  expect((await each.execution.result).results[0]).toMatchObject({ status: 'error', error: 'busy', attempts: 3 })
})

test('while it waits for its next attempt a task holds no slot and no permit', async () => {
  const { tool, execution, clock } = rig(workflow(retrying(), 'b'), {
    maxConcurrency: 1,
    tools: { work: { limit: 1 } },
  })
  ;(await tool.nextCall('a')).fail()
  const b = await tool.nextCall('b')
  await clock.run(1500)
  expect(tool.started).toEqual(['a', 'b'])
  b.succeed()
  ;(await tool.nextCall('a')).succeed()
  expect((await execution.result).results.map(each => [each.attempts, each.waitMs])).toEqual([
    [2, 1500],
    [1, 0],
  ])
})

test('a timeout is retried once the tool has settled or been abandoned, with a fresh signal', async () => {
  const { tool, execution, clock } = rig(workflow(task('a', [], { timeoutMs: 10, retry: { maxAttempts: 2 } })))
  const first = await tool.nextCall('a')
  const { signal } = first.context
  await clock.run(1000)
  expect([signal.aborted, tool.started]).toEqual([true, ['a']])
  first.fail()
  await clock.run(1000)
  const second = await tool.nextCall('a')
  expect([second.context.attempt, second.context.signal.aborted]).toEqual([2, false])
  second.succeed()
  expect(endings(await execution.result)).toEqual(['a success'])
})

test('the output of an attempt that is not JSON is not retried', async () => {
  const { tool, execution } = rig(workflow(retrying()))
  ;(await tool.nextCall('a')).succeed(1n)
  expect((await execution.result).results[0]).toMatchObject({ code: 'OUTPUT_NOT_SERIALIZABLE', attempts: 1 })
})

test('under layers a layer waits for the attempts of its tasks', async () => {
  const { tool, execution, clock } = rig(workflow(retrying(), 'b', task('c', ['b'])))
  const [a, b] = await tool.nextCalls('a', 'b')
  b.succeed()
  a.fail()
  await tool.idle()
  expect(tool.started).toEqual(['a', 'b'])
  await clock.run(1000)
  ;(await tool.nextCall('a')).succeed()
  ;(await tool.nextCall('c')).succeed()
  expect((await execution.result).status).toBe('success')
})

test('the idempotency key is the same for every attempt, and the same task of another execution has another', async () => {
  const each = rig(workflow(retrying()))
  const first = await each.tool.nextCall('a')
  first.fail()
  await each.clock.run(1000)
  const second = await each.tool.nextCall('a')
  second.succeed()
  await each.execution.result
  expect([first.context.idempotencyKey, second.context.idempotencyKey]).toEqual(['x.a', 'x.a'])
  expect([first.context.attempt, second.context.attempt]).toEqual([1, 2])
})
