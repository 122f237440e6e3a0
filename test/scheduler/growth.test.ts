import { expect, test } from 'vitest'
import { applyEvent, createState, type SSEEvent } from '../../src/index.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { inspectTable } from '../../src/scheduler/table-queries.ts'
import { chain, task, workflow } from '../support/workflows.ts'
import { createTable } from './table-rig.ts'

const child = (index: number, dependsOn: readonly string[] = [], layer = 0): object => {
  return { taskId: `a[${index}]`, tool: 'work', layer, dependsOn, index }
}

test('added tasks start as soon as they can, as children of their parent and before later tasks', () => {
  const { apply, startAll, succeed, table } = createTable(workflow('a', 'b', task('c', ['a'])), {
    schedule: 'dataflow',
    maxConcurrency: 1,
  })
  expect(startAll()).toEqual(['a'])
  apply('tasks_added', { parentId: 'a', tasks: [child(0), child(1, ['a[0]'])], totalTasks: 5 })
  succeed('a')
  expect([startAll(), table.isDone]).toEqual([['a[0]'], false])
  succeed('a[0]')
  expect(startAll()).toEqual(['a[1]'])
  succeed('a[1]')
  expect(startAll()).toEqual(['b'])
  succeed('b')
  expect(startAll()).toEqual(['c'])
  succeed('c')
  expect(table.isDone).toBe(true)
})

test('under layers the next layer waits for tasks added to the open one, and for added layers', () => {
  const { apply, startAll, succeed, table } = createTable(workflow('a', task('c', ['a'])))
  expect(startAll()).toEqual(['a'])
  apply('tasks_added', { tasks: [child(0), child(1, ['a[0]']), child(2, ['c'], 5)], totalTasks: 5 })
  expect(startAll()).toEqual(['a[0]'])
  succeed('a')
  succeed('a[0]')
  // A chain within its layer.
  expect(startAll()).toEqual(['a[1]'])
  succeed('a[1]')
  expect(startAll()).toEqual(['c'])
  succeed('c')
  expect(startAll()).toEqual(['a[2]'])
  succeed('a[2]')
  expect(table.isDone).toBe(true)
})

test('a task that is added to a layer that has passed starts, and the layers after wait for it', () => {
  const { apply, startAll, succeed } = createTable(chain(3))
  startAll()
  succeed('t0')
  expect(startAll()).toEqual(['t1'])
  apply('tasks_added', { tasks: [child(0)], totalTasks: 4 })
  expect(startAll()).toEqual(['a[0]'])
  succeed('t1')
  expect(startAll()).toEqual([])
  succeed('a[0]')
  expect(startAll()).toEqual(['t2'])
})

test('a task added after a failure is skipped because of it; one added during a stop ends', () => {
  const { apply, startAll, fail, recordEndings, table } = createTable(workflow('a', 'b'))
  startAll()
  fail('a')
  apply('tasks_added', { tasks: [child(0, ['a']), child(1, ['a[0]'])], totalTasks: 4 })
  expect(recordEndings()).toEqual(['a[0] skipped a', 'a[1] skipped a[0]'])
  apply('execution_stopping', { message: 'Enough' })
  apply('tasks_added', { tasks: [child(2)], totalTasks: 5 })
  expect([recordEndings(), table.isDone]).toEqual([['a[2] cancelled'], false])
})

test('a fan-out of 100,000 children is added in linear time, and replays to the same table', {
  timeout: 120_000,
}, () => {
  const make = () => createTable(workflow('a'), { maxConcurrency: Number.POSITIVE_INFINITY })
  const grow = ({ apply }: ReturnType<typeof make>): void => {
    apply('task_start', { taskId: 'a', attempt: 1 })
    for (let from = 0; from < 100_000; from += 1000) {
      const tasks = Array.from({ length: 1000 }, (_, at) => child(from + at))
      apply('tasks_added', { parentId: 'a', tasks, totalTasks: from + 1001 })
    }
  }
  const [live, replayed] = [make(), make()]
  grow(live)
  grow(replayed)
  expect(live.table.graph.size).toBe(100_001)
  const [once, again] = [live, replayed].map(({ table }) => JSON.stringify(inspectTable(table)))
  expect(once === again).toBe(true)
})

test('the state of an execution and its snapshot have the added tasks, with their parent and place', () => {
  const state = createState('x')
  const data = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }
  const apply = (type: string, more: object, seq: number): void =>
    applyEvent(state, { type, data: { ...data, ...more } } as unknown as SSEEvent, seq)
  apply('execution_start', { totalTasks: 1, layers: [['a']], schedule: 'layers' }, 1)
  apply('tasks_added', { parentId: 'a', tasks: [child(0)], totalTasks: 2 }, 2)
  apply('task_start', { taskId: 'a[0]', tool: 'work', layer: 0, attempt: 1 }, 3)
  expect(state.counts.totalTasks).toBe(2)
  const snapshot = toSnapshot(state, data.timestamp, () => ({}))
  expect(snapshot.tasks).toEqual([
    { taskId: 'a', layer: 0, status: 'pending', attempts: 0 },
    { taskId: 'a[0]', layer: 0, status: 'running', tool: 'work', attempts: 1, parentId: 'a', index: 0 },
  ])
  const copy = createState('x')
  applyEvent(copy, { type: 'snapshot', data: snapshot }, -1)
  expect(copy.tasks).toEqual(state.tasks)
})
