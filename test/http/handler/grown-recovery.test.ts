import { expect, test } from 'vitest'
import { applyEvent, createState, type DAGStructure, type ExecutionResult, type SSEEvent } from '../../../src/index.ts'
import { leaveAfter, readKept } from '../../support/crash.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { handlerRig, readMessages } from './handler-rig.ts'

// An execution that grows, cut off after each of its events, and continued by another process on the same store.

const GROWING: DAGStructure = {
  tasks: [
    {
      id: 'each',
      forEach: ['a', 'b'],
      concurrency: 1,
      workflow: {
        tasks: [
          { id: 'first', tool: 'work', arguments: { of: '$INPUT.of' } },
          { id: 'last', tool: 'work', dependsOn: ['first'] },
        ],
      },
      arguments: { of: '$ITEM' },
    },
    { id: 'rounds', tool: 'work', repeat: { maxTimes: 2 }, arguments: { before: '$PREVIOUS' } },
    { id: 'kept', tool: 'fail', optional: true, default: 'none' },
  ],
  finally: [{ id: 'end', tool: 'work', arguments: { status: '$STATUS' } }],
  output: { each: '$OUTPUT[each]', kept: '$OUTPUT[kept]' },
}

const tools = {
  work: (args: unknown, { taskId }: { taskId: string }): unknown => ({ taskId, args }),
  fail: (): never => {
    throw new Error('no')
  },
}

/** A result without what a crash changes: attempts and times. */
function outline(result: ExecutionResult): unknown {
  const changing = new Set(['attempts', 'executionTimeMs', 'waitMs', 'speedup', 'criticalPathMs'])
  return JSON.parse(JSON.stringify(result, (key, value: unknown) => (changing.has(key) ? undefined : value))) as unknown
}

test('at each event a crash costs nothing: one stream, one state, one result', async () => {
  const clock = new FakeClock()
  const first = handlerRig({ tools, clock })
  const whole = (await (await first.create(GROWING)).json()) as ExecutionResult
  expect(whole).toMatchObject({ status: 'success', toleratedCount: 1, output: { kept: 'none' } })
  const kept = await readKept(first.store, 'x1')
  for (let count = 1; count < kept.entries.length; count++) {
    const store = await leaveAfter(kept, count)
    const found = await store.get('x1')
    const second = handlerRig({ tools, clock, store: { ...store, interrupted: () => [found as never] } })
    const messages = await readMessages(await second.get('/executions/x1/events'))
    expect(messages.map(({ id }) => id)).toEqual(messages.map((_, at) => `x1.${at + 1}`))
    const state = createState('x1')
    for (const { event, data } of messages) applyEvent(state, { type: event, data: JSON.parse(data) } as SSEEvent, 0)
    const { result } = (await (await second.get('/executions/x1')).json()) as { result: ExecutionResult }
    expect([count, outline(result)]).toEqual([count, outline(whole)])
    const { totalTasks, successCount, errorCount, skippedCount, cancelledCount, toleratedCount } = result
    expect(state.counts).toEqual({
      totalTasks,
      successCount,
      errorCount,
      skippedCount,
      cancelledCount,
      toleratedCount,
    })
    expect(state.output).toEqual(result.output)
  }
})
