import { expect, test } from 'vitest'
import { copyState, createState, type ExecutionState } from '../../src/events/execution-state.ts'
import { applyEvent } from '../../src/events/state.ts'
import { createMemoryStore, type SSEEvent } from '../../src/index.ts'
import { EventLog } from '../../src/log/event-log.ts'
import type { StoredEntry } from '../../src/log/stored-entry.ts'
import { rig } from '../support/rig.ts'
import { diamond } from '../support/workflows.ts'
import { appendEnd, appendTokens, FakeStorage, openLog, takeAll } from './log-rig.ts'

/** Replaces the JSON of the third entry. */
function replaceJson(entries: StoredEntry[], replace: (json: string) => string): void {
  const { seq, type, json } = entries[2] as StoredEntry
  entries[2] = { seq, type, json: replace(json) }
}

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

test.each<[string, (storage: FakeStorage) => unknown, string]>([
  ['a gap', ({ entries }) => entries.splice(2, 1), 'The log has no entry 3'],
  [
    'an entry that is not JSON',
    ({ entries }) => replaceJson(entries, () => '{'),
    'Entry 3 of the log, of type `token`',
  ],
  ['an entry that is no object', ({ entries }) => replaceJson(entries, () => '[]'), 'it is not a JSON object'],
  [
    'an entry without a field that its type has',
    ({ entries }) => replaceJson(entries, json => json.replace('"text"', '"other"')),
    'expected `text` to be of type string',
  ],
  [
    'an entry of another execution',
    ({ entries }) => replaceJson(entries, json => json.replace('"x"', '"y"')),
    'Entry 3 of the log belongs to another execution',
  ],
])('a log with %s is not restored', async (_, damage, message) => {
  const storage = new FakeStorage()
  await appendTokens(openLog(storage), 5)
  damage(storage)
  await expect(EventLog.restore('x', Object.assign(storage, OUTPUTS))).rejects.toMatchObject({
    code: 'RECORD_UNUSABLE',
    message: expect.stringContaining(message),
  })
})

test('of an entry whose type a later version added nothing but its head is read', async () => {
  const storage = new FakeStorage()
  await appendTokens(openLog(storage), 2)
  const json = JSON.stringify({ executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', layers: 'later' })
  storage.entries.push({ seq: 3, type: 'later' as 'info', json })
  const restored = await EventLog.restore('x', Object.assign(storage, OUTPUTS))
  expect([restored.head, restored.ending]).toEqual([3, undefined])
})

test('a log of which only the state is left serves a snapshot and its end', async () => {
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

test('a memory store that has evicted entries still has their state', async () => {
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
