import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { compileWorkflow, ParallelExecutor } from '../../src/index.ts'
import { endings, outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { chain, diamond, task, workflow } from '../support/workflows.ts'

test('an execution whose signal is aborted already starts no task and ends cancelled', async () => {
  const { tool, execution, events, clock } = rig(diamond('a', ['b', 'c'], 'd'), {
    signal: AbortSignal.abort('changed my mind'),
    timeoutMs: 1000,
  })
  const result = await execution.result
  expect(tool.started).toEqual([])
  expect(outline(events)).toEqual([
    'execution_start',
    'execution_stopping',
    'task_complete a cancelled',
    'task_complete b cancelled',
    'task_complete c cancelled',
    'task_complete d cancelled',
    'execution_complete cancelled',
  ])
  expect(result.reason).toEqual({ code: 'CANCELLED', message: 'changed my mind' })
  expect(clock.timerCount).toBe(0)
})

test('an abort mid-way reaches the tools that run, and everything else is cancelled at once', async () => {
  const controller = new AbortController()
  const { tool, execution, events } = rig(workflow('a', 'b', task('c', ['a']), task('d', ['c'])), {
    signal: controller.signal,
  })
  const [a, b] = await tool.nextCalls('a', 'b')
  a.succeed(1)
  await tool.idle()
  controller.abort(new Error('the user pressed stop'))
  expect(b.context.signal.aborted).toBe(true)
  await tool.idle()
  expect(outline(events).slice(-2)).toEqual(['task_complete c cancelled', 'task_complete d cancelled'])
  b.succeed('late')
  const result = await execution.result
  expect(endings(result)).toEqual(['a success', 'b cancelled', 'c cancelled', 'd cancelled'])
  expect([result.status, result.reason]).toEqual(['cancelled', { code: 'CANCELLED', message: 'the user pressed stop' }])
  expect(result.errors).toEqual([])
})

test('the signal of a context that is first read after the abort is aborted', async () => {
  const { tool, execution } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  execution.cancel('stop')
  expect([a.context.signal.aborted, (a.context.signal.reason as Error).message]).toEqual([true, 'stop'])
  a.succeed()
  await execution.result
})

test('a task whose start was recorded but whose tool was not called yet ends cancelled without a call', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b'), {
    tools: {
      work: {
        execute: (_, { taskId }) => {
          if (taskId === 'a') execution.cancel()
          tool.started.push(taskId)
          return 1
        },
      },
    },
  })
  const result = await execution.result
  expect(tool.started).toEqual(['a'])
  expect(endings(result)).toEqual(['a cancelled', 'b cancelled'])
  expect(outline(events).filter(line => line.startsWith('task_complete'))).toHaveLength(2)
})

test('cancelling twice keeps the first reason, and cancelling after the end does nothing', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  execution.cancel('first')
  execution.cancel('second')
  a.fail()
  const result = await execution.result
  const before = outline(events)
  execution.cancel('third')
  await tool.idle()
  expect(result.reason).toEqual({ code: 'CANCELLED', message: 'first' })
  expect([outline(events), await execution.result]).toEqual([before, result])
})

test('an abort after all tasks have succeeded leaves the result a success without a reason', async () => {
  const controller = new AbortController()
  const { tool, execution } = rig(workflow('a'), { signal: controller.signal })
  ;(await tool.nextCall('a')).succeed()
  const result = await execution.result
  controller.abort()
  expect([result.status, result.reason]).toEqual(['success', undefined])
  const empty = rig({ tasks: [] }, { signal: controller.signal })
  expect(await empty.execution.result).toMatchObject({ status: 'success', totalTasks: 0, speedup: 0 })
})

test('a cancellation during the delay before the next attempt ends the task at once', async () => {
  const { tool, execution, clock } = rig(workflow(task('a', [], { retry: { maxAttempts: 2 } })))
  ;(await tool.nextCall('a')).fail()
  await tool.idle()
  expect(clock.nextTimerMs).toBe(1000)
  execution.cancel()
  expect(endings(await execution.result)).toEqual(['a cancelled'])
  expect([tool.started, clock.timerCount]).toEqual([['a'], 0])
})

test('an abort without a message of its own is reported as cancelled', async () => {
  for (const reason of [undefined, '', new DOMException('This operation was aborted', 'AbortError'), { odd: true }]) {
    const controller = new AbortController()
    controller.abort(reason)
    const { execution } = rig(workflow('a'), { signal: controller.signal })
    expect((await execution.result).reason).toEqual({ code: 'CANCELLED', message: 'Cancelled' })
  }
})

test('ten thousand executions share one signal without a warning and leave no listener on it', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const { signal } = new AbortController()
  const executor = new ParallelExecutor({ work: () => new Promise(resolve => setImmediate(resolve)) })
  const plan = compileWorkflow(chain(1), { work: () => new Promise(resolve => setImmediate(resolve)) })
  const results = await Promise.all(Array.from({ length: 10_000 }, () => executor.execute(plan, { signal })))
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', note)
  expect(results.every(result => result.status === 'success')).toBe(true)
  expect([warnings, getEventListeners(signal, 'abort').length]).toEqual([[], 0])
})

test('a thousand parallel tasks of one execution put one listener on its signal', async () => {
  const { signal } = new AbortController()
  const document = workflow(...Array.from({ length: 1000 }, (_, index) => `t${index}`))
  const { tool, execution } = rig(document, { signal, maxConcurrency: 1000 })
  await tool.idle()
  expect([tool.runningCount, getEventListeners(signal, 'abort').length]).toEqual([1000, 1])
  for (const call of tool.takeAll()) call.succeed()
  await execution.result
  expect(getEventListeners(signal, 'abort').length).toBe(0)
})

test('an abort of a shared signal cancels every execution on it, and one that has ended stays as it is', async () => {
  const controller = new AbortController()
  const rigs = Array.from({ length: 5 }, () => rig(workflow('a', task('b', ['a'])), { signal: controller.signal }))
  const calls = await Promise.all(rigs.map(({ tool }) => tool.nextCall('a')))
  calls[0]?.succeed()
  ;(await rigs[0]!.tool.nextCall('b')).succeed()
  await rigs[0]!.execution.result
  controller.abort()
  for (const { context } of calls.slice(1)) expect(context.signal.aborted).toBe(true)
  for (const call of calls.slice(1)) call.fail()
  const results = await Promise.all(rigs.map(({ execution }) => execution.result))
  expect(results.map(({ status }) => status)).toEqual(['success', 'cancelled', 'cancelled', 'cancelled', 'cancelled'])
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})
