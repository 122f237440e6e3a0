import { expect, test } from 'vitest'
import { counts, endings, outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { chain, diamond, task, workflow } from '../support/workflows.ts'

test('when a task fails its descendants are skipped at once, in document order, caused by the root', async () => {
  const document = workflow(
    'root',
    'other',
    task('deep', ['late', 'middle']),
    task('middle', ['root']),
    task('late', ['other', 'middle']),
    task('fine', ['other']),
  )
  const { tool, execution, events } = rig(document, { schedule: 'dataflow' })
  const [root, other] = await tool.nextCalls('root', 'other')
  root.fail(new Error('the page is gone'))
  await tool.idle()
  expect(outline(events).slice(3)).toEqual([
    'task_complete root error TOOL_ERROR',
    'task_complete deep skipped',
    'task_complete middle skipped',
    'task_complete late skipped',
  ])
  other.succeed()
  ;(await tool.nextCall('fine')).succeed()
  const result = await execution.result
  expect(result.results[2]).toEqual({
    taskId: 'deep',
    tool: 'work',
    status: 'skipped',
    error: 'Skipped: task `root` did not succeed',
    code: 'DEPENDENCY_FAILED',
    causedBy: 'root',
    attempts: 0,
    executionTimeMs: 0,
    waitMs: 0,
  })
  expect(result.errors).toEqual([{ taskId: 'root', error: 'the page is gone', code: 'TOOL_ERROR', status: 'error' }])
  expect(tool.started).toEqual(['root', 'other', 'fine'])
})

test('a task with two failed ancestors is skipped once, because of the one that failed first', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b', task('c', ['a', 'b'])))
  const [a, b] = await tool.nextCalls('a', 'b')
  b.fail()
  a.fail()
  const result = await execution.result
  expect(endings(result)).toEqual(['a error TOOL_ERROR', 'b error TOOL_ERROR', 'c skipped by b'])
  expect(outline(events).filter(line => line.includes(' c '))).toEqual(['task_complete c skipped'])
})

test('a skipped task names the first root, however long the chain to it', async () => {
  const { tool, execution } = rig(chain(1000))
  ;(await tool.nextCall('t0')).fail(new Error('x'.repeat(1000)))
  const { results } = await execution.result
  expect(new Set(results.slice(1).map(({ status, causedBy, error }) => `${status} ${causedBy} ${error}`))).toEqual(
    new Set(['skipped t0 Skipped: task `t0` did not succeed']),
  )
})

test('fail-fast starts nothing more, aborts and awaits running tasks, and settles every task', async () => {
  const document = workflow('a', 'b', 'c', task('after', ['a']), task('skipped', ['b']), task('last', ['skipped']))
  const { tool, execution, events } = rig(document, { onTaskError: 'fail-fast', maxConcurrency: 2 })
  const [a, b] = await tool.nextCalls('a', 'b')
  const { signal } = a.context
  b.fail(new Error('broken'))
  await tool.idle()
  expect([signal.aborted, (signal.reason as Error).message]).toEqual([true, 'Cancelled: task `b` failed'])
  expect(outline(events).slice(3)).toEqual([
    'task_complete b error TOOL_ERROR',
    'task_complete skipped skipped',
    'task_complete last skipped',
    'task_complete c cancelled',
    'task_complete after cancelled',
  ])
  a.succeed('too late')
  const result = await execution.result
  expect(endings(result)).toEqual([
    'a cancelled',
    'b error TOOL_ERROR',
    'c cancelled',
    'after cancelled',
    'skipped skipped by b',
    'last skipped by b',
  ])
  expect(result.reason).toBeUndefined()
  expect([tool.started, result.status]).toEqual([['a', 'b'], 'error'])
})

test('fail-fast keeps successes: the execution is partial, and cancelled tasks name the cause', async () => {
  const { tool, execution } = rig(diamond('a', ['b', 'c'], 'd'), { onTaskError: 'fail-fast' })
  ;(await tool.nextCall('a')).succeed()
  const [b, c] = await tool.nextCalls('b', 'c')
  b.fail()
  await tool.idle()
  c.fail(new Error('this came after the abort'))
  const result = await execution.result
  expect(counts(result)).toEqual({ totalTasks: 4, successCount: 1, errorCount: 1, skippedCount: 1, cancelledCount: 1 })
  expect(result.status).toBe('partial')
  expect(result.results[2]).toMatchObject({ error: 'Cancelled: task `b` failed', code: 'CANCELLED', attempts: 1 })
})

test('fail-fast takes a second failure of the same moment as cancelled or failed, and ends', async () => {
  const { tool, execution } = rig(workflow('a', 'b', 'c'), { onTaskError: 'fail-fast' })
  const calls = await tool.nextCalls('a', 'b', 'c')
  for (const call of calls) call.fail()
  const result = await execution.result
  expect(result.errorCount + result.cancelledCount).toBe(3)
  expect(result.errorCount).toBeGreaterThan(0)
})

test('fail-fast ends a task that waits for its next attempt at once', async () => {
  const { tool, execution, clock } = rig(workflow(task('a', [], { retry: { maxAttempts: 3 } }), 'b'), {
    onTaskError: 'fail-fast',
  })
  const [a, b] = await tool.nextCalls('a', 'b')
  a.fail()
  await tool.idle()
  b.fail()
  expect(endings(await execution.result)).toEqual(['a cancelled', 'b error TOOL_ERROR'])
  expect(clock.timerCount).toBe(0)
})
