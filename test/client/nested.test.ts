import { applyEvent, createState, type ExecutionState, type SSEEvent } from 'dagstream/client'
import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure } from '../../src/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { collect } from './client-rig.ts'
import { handlerRig } from './handler-rig.ts'

// The client against the handler itself: executions that grow, over connections that break and logs that are trimmed.

const GROWING: DAGStructure = {
  name: 'growing',
  tasks: [
    {
      id: 'each',
      forEach: [1, 2],
      concurrency: 1,
      workflow: {
        tasks: [
          { id: 'first', tool: 'work', arguments: { n: '$INPUT.n' } },
          { id: 'last', tool: 'work', dependsOn: ['first'] },
        ],
      },
      arguments: { n: '$ITEM' },
    },
    { id: 'rounds', tool: 'work', repeat: { maxTimes: 2 }, dependsOn: ['each'] },
    { id: 'kept', tool: 'work', dependsOn: ['each'], optional: true },
  ],
  finally: [{ id: 'end', tool: 'work' }],
  output: { each: '$OUTPUT[each]' },
}

const CALLS = [
  'each[0]/first',
  'each[0]/last',
  'each[1]/first',
  'each[1]/last',
  'rounds[0]',
  'kept',
  'rounds[1]',
  'end',
]

function fold(events: readonly SSEEvent[]): ExecutionState {
  const state = createState('')
  for (const event of events) applyEvent(state, event, Number(event.id?.split('.')[1] ?? 0))
  return state
}

/** A snapshot has no timestamps of the events before it. */
function show({ tasks, ...rest }: ExecutionState): unknown {
  const shown = Array.from(tasks.values(), ({ result, ...task }) => {
    const { executionId: _, timestamp: __, ...known } = { executionId: '', timestamp: '', ...result }
    return { ...task, result: known }
  })
  return { ...rest, tasks: shown }
}

test('a connection that breaks at every call of a growing execution loses no event and runs nothing twice', async () => {
  const { tool, call, client, pass, cut } = handlerRig()
  const run = client.stream(GROWING)
  const events: SSEEvent[] = []
  const reading = (async () => {
    for await (const event of run) events.push(event)
  })()
  for (const id of CALLS) {
    const next = await call(id)
    cut()
    await pass(15_000)
    if (id === 'kept') next.fail()
    else next.succeed({ of: id })
  }
  await reading
  expect(tool.started.toSorted()).toEqual(CALLS.toSorted())
  expect(events.map(({ id }) => Number(id?.split('.')[1]))).toEqual(events.map((_, at) => at + 1))
  const result = await run.result
  const { counts, output, tasks, totals } = fold(events)
  const { totalTasks, successCount, errorCount, skippedCount, cancelledCount, toleratedCount } = result
  expect(counts).toEqual({ totalTasks, successCount, errorCount, skippedCount, cancelledCount, toleratedCount })
  expect([counts.totalTasks, counts.toleratedCount, result.status]).toEqual([12, 1, 'success'])
  expect(output).toEqual(result.output)
  expect(totals?.totalExecutionTimeMs).toBe(result.executionTimeMs)
  expect(tasks.get('each[1]/last')).toMatchObject({ parentId: 'each[1]', held: true, status: 'success' })
  expect(tasks.get('each')).toMatchObject({ itemCount: 2 })
})

test('a reader whose position is trimmed has, after its snapshot, the state of one that saw every event', async () => {
  const clock = new FakeClock()
  const tools = { work: ({ n }: { n?: number }, { taskId }: { taskId: string }): unknown => ({ n: n ?? 0, taskId }) }
  const whole = handlerRig({ clock, tools, store: createMemoryStore({ clock }) })
  const events = await collect(whole.client.stream(GROWING))
  const store = createMemoryStore({ clock, maxTailEvents: 3 })
  const first = handlerRig({ clock, tools, store })
  const { executionId } = await first.client.execute(GROWING)
  const other = handlerRig({ clock, tools, store })
  for (const after of ['1', '9', '999999']) {
    const trimmed = await collect(other.client.subscribe(executionId, { after: `${executionId}.${after}` }))
    expect([trimmed[0]?.type, trimmed.length]).toEqual(['snapshot', after === '999999' ? 1 : 2])
    const expected = { ...fold(events), executionId }
    expect(show(fold(trimmed))).toEqual(show(expected))
  }
})
