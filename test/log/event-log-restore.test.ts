import { expect, test } from 'vitest'
import { copyState, createState, type ExecutionState } from '../../src/events/execution-state.ts'
import { applyEvent } from '../../src/events/state.ts'
import { createMemoryStore, type SSEEvent } from '../../src/index.ts'
import { EventLog } from '../../src/log/event-log.ts'
import { rig } from '../support/rig.ts'
import { diamond } from '../support/workflows.ts'
import { appendEnd, appendTokens, FakeStorage, openLog, takeAll } from './log-rig.ts'

const OUTPUTS = { putOutput() {}, getOutput: () => undefined, note() {} }

test('a restored log has the state, the entries and the end of the one that was written', async () => {
  const storage = new FakeStorage()
  const written = openLog(storage)
  await appendTokens(written, 3000)
  await appendEnd(written)
  const restored = await EventLog.restore('x', Object.assign(storage, OUTPUTS))
  expect([restored.head, restored.ending, restored.state]).toEqual([3001, 'complete', written.state])
  const cursor = restored.open(2990)
  expect((await takeAll(cursor)).map(({ seq }) => seq)).toEqual([
    2991, 2992, 2993, 2994, 2995, 2996, 2997, 2998, 2999, 3000, 3001,
  ])
  expect(cursor.done).toBe(true)
})

test('a log whose end is missing is restored without one', async () => {
  const storage = new FakeStorage()
  await appendTokens(openLog(storage), 3)
  const restored = await EventLog.restore('x', Object.assign(storage, OUTPUTS))
  expect([restored.head, restored.ending]).toEqual([3, undefined])
})

test('what follows a gap is not restored', async () => {
  const storage = new FakeStorage()
  await appendTokens(openLog(storage), 5)
  storage.entries.splice(2, 1)
  expect((await EventLog.restore('x', Object.assign(storage, OUTPUTS))).head).toBe(2)
})

test('a log of which nothing is left but what it came to serves a snapshot and its end', async () => {
  const base: ExecutionState = { ...createState('x'), seq: 7, status: 'success' }
  base.totals = { totalExecutionTimeMs: 1, speedup: 1, criticalPathMs: 1, parallelizationLayers: 1 }
  const log = await EventLog.restore('x', Object.assign(new FakeStorage(), OUTPUTS, { read: () => [] }), { base })
  const cursor = log.open(3)
  const [snapshot, ...rest] = await takeAll(cursor)
  expect([log.ending, snapshot?.type, snapshot?.seq, rest, cursor.done]).toEqual(['complete', 'snapshot', 7, [], true])
})

test('a copied state goes its own way', () => {
  const state = createState('x')
  const start = { totalTasks: 1, layers: [['a']], schedule: 'layers' as const }
  const event = { type: 'execution_start', data: { executionId: 'x', timestamp: '', ...start } } as SSEEvent
  applyEvent(state, event, 1)
  const copy = copyState(state)
  const task = { executionId: 'x', timestamp: '', taskId: 'a', tool: 't', layer: 0, attempt: 1 }
  applyEvent(copy, { type: 'task_start', data: task }, 2)
  expect([state.seq, state.tasks.get('a')?.status]).toEqual([1, 'pending'])
  expect([copy.seq, copy.tasks.get('a')?.status]).toEqual([2, 'running'])
})

test('a memory store that has let entries go still knows what they came to', async () => {
  const store = createMemoryStore({ maxTailEvents: 3 })
  const { tool, execution } = rig(diamond('a', ['b', 'c'], 'd'), { store })
  ;(await tool.nextCall('a')).succeed('x'.repeat(100_000))
  const [b, c] = await tool.nextCalls('b', 'c')
  b.succeed(2)
  c.succeed(3)
  ;(await tool.nextCall('d')).succeed(4)
  const result = await execution.result
  const { executionId } = execution
  const log = await EventLog.restore(executionId, store, { base: await store.readBase?.(executionId) })
  expect((await store.read(executionId, 0, 100)).length).toBe(0)
  const outputs = [...log.state.tasks.values()].map(
    ({ result: ended }) => (ended?.output as { text: string } | undefined)?.text,
  )
  expect(outputs.map(text => JSON.parse(text ?? '') as unknown)).toEqual(result.results.map(({ output }) => output))
  expect([log.state.status, log.state.counts.successCount, log.ending]).toEqual(['success', 4, 'complete'])
})
