import { describe, expect, test } from 'vitest'
import { type DAGStructure, type SSEEvent, StreamingExecutor, type TaskResult } from '../../src/index.ts'
import { collectEvents, rig } from '../support/rig.ts'
import { readEnds } from './agreement.ts'

const QUICK = { quick: { execute: () => 1 }, echo: { execute: (args: unknown) => args } }

/** The output of each task that succeeded, the code of each other one. */
function readEndings(events: readonly SSEEvent[]): Record<string, unknown> {
  const ends: ReadonlyMap<string, TaskResult> = readEnds(events)
  return Object.fromEntries(
    Array.from(ends, ([id, { status, output, code }]) => [id, status === 'success' ? output : code]),
  )
}

describe('the time of `finally`', () => {
  test('cuts off parents with their children, under one code', async () => {
    const { tool, execution, events, clock } = rig(
      {
        tasks: [{ id: 'a', tool: 'quick' }],
        finally: [
          { id: 'nested', workflow: { tasks: [{ id: 'x', tool: 'work' }] } },
          { id: 'each', tool: 'work', forEach: [1, 2, 3], concurrency: 2 },
          { id: 'rounds', tool: 'work', repeat: { maxTimes: 3 }, optional: true },
        ],
        finallyTimeoutMs: 100,
      },
      { tools: QUICK },
    )
    await tool.nextCalls('nested/x', 'each[0]', 'each[1]', 'rounds[0]')
    await clock.run(100)
    await clock.run(2000)
    const { status, results } = await execution.result
    expect([status, results.at(-1)?.optional]).toEqual(['partial', undefined])
    const { a, ...last } = readEndings(events)
    expect(a).toBe(1)
    expect(Object.keys(last)).toHaveLength(7)
    expect(new Set(Object.values(last))).toEqual(new Set(['FINALLY_TIMEOUT']))
  })
})

describe('a cancel', () => {
  const FAILING: DAGStructure = {
    tasks: [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work' },
    ],
    finally: [{ id: 'last', tool: 'work' }],
  }

  test('while a failure ends the execution leaves `finally` to run, and a second one ends it', async () => {
    for (const isRepeated of [false, true]) {
      const { tool, execution, events } = rig(FAILING, { onTaskError: 'fail-fast' })
      const [a, b] = await tool.nextCalls('a', 'b')
      a.fail()
      await tool.idle()
      execution.cancel()
      if (isRepeated) execution.cancel()
      b.fail()
      await tool.succeedAll(1)
      expect((await execution.result).status).toBe('error')
      expect(readEndings(events)).toEqual({ a: 'TOOL_ERROR', b: 'CANCELLED', last: isRepeated ? 'CANCELLED' : 1 })
    }
  })

  test('while a time limit ends the execution leaves `finally` to run', async () => {
    const { tool, execution, events, clock } = rig(FAILING, { timeoutMs: 100 })
    const calls = await tool.nextCalls('a', 'b')
    await clock.run(100)
    execution.cancel()
    for (const call of calls) call.fail()
    await tool.succeedAll(1)
    expect((await execution.result).reason?.code).toBe('EXECUTION_TIMEOUT')
    expect(readEndings(events)).toMatchObject({ last: 1 })
  })

  test('is the status that `finally` of a sub-workflow sees', async () => {
    const { tool, execution, events } = rig(
      {
        tasks: [
          {
            id: 'nested',
            workflow: {
              tasks: [
                { id: 'done', tool: 'quick' },
                { id: 'cut', tool: 'work' },
              ],
              finally: [{ id: 'last', tool: 'echo', arguments: { status: '$STATUS' } }],
            },
          },
        ],
      },
      { tools: QUICK },
    )
    const cut = await tool.nextCall('nested/cut')
    execution.cancel()
    cut.fail()
    await execution.result
    expect(readEndings(events)).toMatchObject({ 'nested/last': { status: 'cancelled' }, nested: 'CANCELLED' })
  })
})

test('items that a failed fan-out never made take no room from the next one', async () => {
  const tools = { fail: () => Promise.reject(new Error('no')), quick: () => 1 }
  const execution = new StreamingExecutor(tools, { maxItems: 100_000 }).stream(
    {
      tasks: [
        { id: 'a', tool: 'fail', forEach: '$INPUT', concurrency: 1, retry: { maxAttempts: 1 } },
        { id: 'b', tool: 'fail', forEach: '$INPUT', concurrency: 1, runOn: 'failure', dependsOn: ['a'] },
      ],
    },
    { input: Array.from({ length: 60_000 }, (_, index) => index) },
  )
  const events = collectEvents(execution)
  expect((await execution.result).totalTasks).toBe(4)
  expect(readEndings(events)).toMatchObject({ a: 'ITEMS_FAILED', b: 'ITEMS_FAILED' })
})
