import { describe, expect, test } from 'vitest'
import { type Execution, StreamingExecutor, type Tool } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { failing, value } from './example.ts'
import { isLanguageImplemented, SETTINGS } from './language-rig.ts'
import { runExample } from './lesson-rig.ts'

/** Tools of which `work` is in the hand of the test. */
function createControlled(): { readonly tool: ControlledTool; readonly executor: StreamingExecutor } {
  const tool = new ControlledTool()
  const never: Tool = { name: 'never', execute: () => new Promise(() => {}) }
  const fail: Tool = { name: 'fail', execute: () => Promise.reject(new Error('no')) }
  const quick: Tool = { name: 'quick', execute: () => 1 }
  return {
    tool,
    executor: new StreamingExecutor([{ name: 'work', execute: tool.execute }, never, fail, quick], { abortGraceMs: 1 }),
  }
}

const statuses = async (execution: Execution): Promise<Record<string, string>> =>
  Object.fromEntries((await execution.result).results.map(({ taskId, status, code }) => [taskId, code ?? status]))

// Skipped as long as the checks refuse the words of the language.
describe.skipIf(!isLanguageImplemented)('what is to run finally', () => {
  test('ends although it fails again and again', async () => {
    const last = failing('last', { retry: { maxAttempts: 3, initialDelayMs: 1 } })
    for (const setting of SETTINGS) {
      const { result, ends } = await runExample({ tasks: [value('a', 1)], finally: [last] }, setting)
      expect([result.status, ends.get('last')?.attempts, ends.get('last')?.code]).toEqual(['partial', 3, 'NO'])
    }
  })

  test('runs after a cancel, and reads the cancelled tasks', async () => {
    const { tool, executor } = createControlled()
    const last = { id: 'last', tool: 'work', arguments: { status: '$STATUS', a: '$STATUS[a]' } }
    const execution = executor.stream({ tasks: [{ id: 'a', tool: 'work' }], finally: [last] })
    const a = await tool.nextCall('a')
    execution.cancel()
    a.fail()
    const call = await tool.nextCall('last')
    expect(call.args).toEqual({ status: 'cancelled', a: 'cancelled' })
    expect(call.context.signal.aborted).toBe(false)
    call.succeed(1)
    expect(await statuses(execution)).toEqual({ a: 'CANCELLED', last: 'success' })
    expect((await execution.result).status).toBe('cancelled')
  })

  test('is ended by a second cancel', async () => {
    const { tool, executor } = createControlled()
    const last = { id: 'last', tool: 'work' }
    const after = { id: 'after', tool: 'work', dependsOn: ['last'] }
    const execution = executor.stream({ tasks: [{ id: 'a', tool: 'work' }], finally: [last, after] })
    const a = await tool.nextCall('a')
    execution.cancel()
    a.fail()
    const call = await tool.nextCall('last')
    execution.cancel()
    await tool.idle()
    expect(call.context.signal.aborted).toBe(true)
    call.fail()
    await execution.result
    expect(tool.started).toEqual(['a', 'last'])
  })

  test('is cut off by its time, however long its tools would take', async () => {
    const { executor } = createControlled()
    const execution = executor.stream({
      tasks: [{ id: 'a', tool: 'fail' }],
      finally: [{ id: 'last', tool: 'never' }],
      finallyTimeoutMs: 10,
    })
    expect(await statuses(execution)).toEqual({ a: 'TOOL_ERROR', last: 'FINALLY_TIMEOUT' })
  })

  test('runs after a timeout of the execution, and after a failure that ends it fast', async () => {
    const { tool, executor } = createControlled()
    const ending = [{ id: 'last', tool: 'quick' }]
    const timedOut = executor.stream({ tasks: [{ id: 'a', tool: 'never' }], finally: ending }, { timeoutMs: 5 })
    expect(await statuses(timedOut)).toMatchObject({ last: 'success' })
    expect((await timedOut.result).reason?.code).toBe('EXECUTION_TIMEOUT')
    const tasks = ['fail', 'work'].map(name => ({ id: name, tool: name }))
    const failed = executor.stream({ tasks, finally: ending }, { onTaskError: 'fail-fast' })
    const cut = await tool.nextCall('work')
    cut.fail()
    expect(await statuses(failed)).toMatchObject({ fail: 'TOOL_ERROR', last: 'success' })
  })

  test('begins after the end of a parent that a failure cut off as it started', async () => {
    const { executor } = createControlled()
    const tasks = [
      { id: 'a', tool: 'quick', forEach: '$INPUT' },
      { id: 'b', tool: 'quick', repeat: { maxTimes: 2 } },
    ]
    const execution = executor.stream(
      { tasks, finally: [{ id: 'last', tool: 'quick', repeat: { maxTimes: 1 } }] },
      { input: 'no list', onTaskError: 'fail-fast' },
    )
    const order: string[] = []
    for await (const { type, data } of execution) {
      if (type !== 'task_start' && type !== 'task_complete') continue
      // A turn of the event loop that ends in between keeps `b` from starting at all.
      if (data.taskId !== 'last[0]' && !(type === 'task_start' && data.taskId === 'b'))
        order.push(`${type} ${data.taskId}`)
    }
    expect(await statuses(execution)).toEqual({ a: 'INVALID_ITEMS', b: 'CANCELLED', last: 'success' })
    expect(order).toEqual(['task_complete a', 'task_complete b', 'task_start last', 'task_complete last'])
  })

  test('is decided once, although a task that started late delayed it', async () => {
    const { executor } = createControlled()
    const tasks = [
      { id: 'a', tool: 'quick', forEach: '$INPUT' },
      { id: 'b', tool: 'quick' },
      { id: 'c', tool: 'quick', dependsOn: ['a'] },
    ]
    const execution = executor.stream(
      { tasks, finally: [{ id: 'last', tool: 'quick', when: 'execution.status == "success"' }] },
      { input: 'no list', onTaskError: 'fail-fast', schedule: 'dataflow' },
    )
    let count = 0
    for await (const { type, data } of execution) if (type === 'task_complete' && data.taskId === 'last') count += 1
    expect(count).toBe(1)
  })
})
