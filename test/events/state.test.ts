// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { expect, test } from 'vitest'
import { applyEvent, createState, type ExecutionState, type SSEEvent } from '../../src/index.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { rig } from '../support/rig.ts'
import { diamond, task, workflow } from '../support/workflows.ts'

const about = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }

function fold(events: readonly SSEEvent[], state: ExecutionState = createState('x')): ExecutionState {
  for (const event of events) applyEvent(state, event, Number(event.id?.split('.')[1] ?? 0))
  return state
}

/** The events of an execution in which much happens. */
async function eventfulEvents(): Promise<readonly SSEEvent[]> {
  const document = {
    name: 'eventful',
    ...workflow('a', task('b', [], { retry: { maxAttempts: 2, initialDelayMs: 1 } }), task('c', ['a'])),
  }
  const { tool, execution, events, clock } = rig(document)
  const [a, b] = await tool.nextCalls('a', 'b')
  a.context.reportProgress({ progress: 1, total: 2, message: 'half' })
  a.context.emitToken('t')
  b.context.reportProgress({ progress: 1 })
  b.fail()
  await clock.run(1)
  const again = await tool.nextCall('b')
  again.context.reportUsage({ totalTokensIn: 4 })
  a.fail(Object.assign(new Error('no'), { code: 'E' }))
  again.succeed({ out: 1 })
  await execution.result
  return events
}

test('folded events are the state of the execution and its result', async () => {
  const { tasks, ...rest } = fold(await eventfulEvents())
  expect(rest).toEqual({
    executionId: 'x',
    name: 'eventful',
    seq: 14,
    status: 'partial',
    schedule: 'layers',
    counts: { totalTasks: 3, successCount: 1, errorCount: 1, skippedCount: 1, cancelledCount: 0 },
    tokenUsage: { totalTokensIn: 4, totalTokensOut: 0 },
    totals: { totalExecutionTimeMs: 1, speedup: 1, criticalPathMs: 1, parallelizationLayers: 2 },
  })
  expect(
    [...tasks.values()].map(({ taskId, layer, status, tool, attempts }) => [taskId, layer, status, tool, attempts]),
  ).toEqual([
    ['a', 0, 'error', 'work', 1],
    ['b', 0, 'success', 'work', 2],
    ['c', 1, 'skipped', 'work', 0],
  ])
  expect([...tasks.values()].map(({ result }) => result)).toMatchObject([
    { status: 'error', error: 'no', code: 'E', attempts: 1, executionTimeMs: 1, waitMs: 0 },
    { status: 'success', output: { out: 1 }, attempts: 2, executionTimeMs: 0, waitMs: 1 },
    { status: 'skipped', code: 'DEPENDENCY_FAILED', causedBy: 'a', attempts: 0, executionTimeMs: 0, waitMs: 0 },
  ])
})

test('a snapshot of any moment and the events after it give the same tasks and counts', async () => {
  const events = await eventfulEvents()
  const whole = fold(events)
  for (let cut = 0; cut <= events.length; cut++) {
    const snapshot = toSnapshot(fold(events.slice(0, cut)), about.timestamp, (_, output) => ({ output }))
    const state = fold([{ type: 'snapshot', data: snapshot }], createState('other'))
    expect(state.seq).toBe(cut)
    fold(events.slice(cut), state)
    const shown = ({ tasks, counts, status, seq, tokenUsage }: ExecutionState): unknown => ({
      // What only the event said is not in a snapshot.
      tasks: Array.from(tasks.values(), ({ result, ...rest }) => ({
        ...rest,
        result: result && { ...result, executionId: undefined, timestamp: undefined },
      })),
      counts,
      status,
      seq,
      tokenUsage,
    })
    expect(shown(state)).toEqual(shown(whole))
  }
})

test('a task is running from its start to its end, also between two attempts', () => {
  const start: SSEEvent = {
    type: 'execution_start',
    data: { ...about, totalTasks: 1, layers: [['a']], schedule: 'dataflow' },
  }
  const state = fold([start])
  const statuses = [state.tasks.get('a')?.status]
  const steps: SSEEvent[] = [
    { type: 'task_start', data: { ...about, taskId: 'a', tool: 'w', layer: 0, attempt: 1 } },
    { type: 'task_progress', data: { ...about, taskId: 'a', attempt: 1, progress: 5 } },
    { type: 'task_retry', data: { ...about, taskId: 'a', attempt: 1, delayMs: 5, error: 'no', code: 'E' } },
    { type: 'task_start', data: { ...about, taskId: 'a', tool: 'w', layer: 0, attempt: 2 } },
  ]
  for (const step of steps) {
    applyEvent(state, step, 0)
    statuses.push(state.tasks.get('a')?.status)
  }
  expect(statuses).toEqual(['pending', 'running', 'running', 'running', 'running'])
  expect(state.tasks.get('a')).toMatchObject({ attempts: 2 })
  expect(state.tasks.get('a')?.progress).toBeUndefined()
  expect(state.seq).toBe(0)
})

test('types, tasks and fields that are not known change nothing', () => {
  const { tasks, ...rest } = fold([
    {
      type: 'execution_start',
      data: { ...about, totalTasks: 1, layers: [['a']], schedule: 'layers', colour: 'red' } as never,
    },
    { type: 'comet', data: { ...about, taskId: 'a' } } as never,
    { type: 'task_start', data: { ...about, taskId: 'nobody', tool: 'w', layer: 0, attempt: 1 } },
    {
      type: 'task_complete',
      data: { ...about, taskId: 'nobody', tool: 'w', status: 'success', attempts: 1, executionTimeMs: 1, waitMs: 0 },
    },
    { type: 'task_retry', data: { ...about, taskId: 'nobody', attempt: 1, delayMs: 1, error: 'e', code: 'E' } },
    { type: 'task_progress', data: { ...about, taskId: 'nobody', attempt: 1, progress: 1 } },
    { type: 'info', data: { ...about, level: 'info', message: 'm' } },
    { type: 'error', data: { ...about, error: 'lost', code: 'STORE_FAILED' } },
  ])
  expect([...tasks.keys()]).toEqual(['a'])
  expect(rest).toMatchObject({ status: 'running', counts: { totalTasks: 1, successCount: 0 }, seq: 0 })
})

test('an output that was too large for the wire is known by its reference', () => {
  const state = fold([
    { type: 'execution_start', data: { ...about, totalTasks: 1, layers: [['a']], schedule: 'layers' } },
    {
      type: 'task_complete',
      data: {
        ...about,
        taskId: 'a',
        tool: 'w',
        status: 'success',
        attempts: 1,
        executionTimeMs: 1,
        waitMs: 0,
        outputBytes: 70_000,
        outputPreview: '"xx',
        outputPath: '/p',
      },
    },
  ])
  expect(state.tasks.get('a')?.result).toMatchObject({ outputBytes: 70_000, outputPreview: '"xx', outputPath: '/p' })
  expect(state.tasks.get('a')?.result?.output).toBeUndefined()
})

test('the state of a live execution is what its events so far fold to', async () => {
  const { tool, execution, events } = rig(diamond('a', ['b', 'c'], 'd'))
  const seen: (string | undefined)[] = []
  for (const id of ['a', 'b', 'c', 'd']) {
    const call = await tool.nextCall(id)
    seen.push(fold(events).tasks.get(id)?.status)
    call.succeed()
    await tool.idle()
    seen.push(fold(events).tasks.get(id)?.status)
  }
  await execution.result
  expect(seen).toEqual(Array.from({ length: 4 }, () => ['running', 'success']).flat())
})
