import pc from 'picocolors'
import { expect, test } from 'vitest'
import { TaskBoard } from '../../src/cli/render/tree/task-board.ts'
import { renderTree } from '../../src/cli/render/tree/task-tree.ts'
import { event, result, started } from './event-rig.ts'

const colors = pc.createColors(false)
const PLAIN = { schedule: 'layers', name: 'demo' } as const

test('a snapshot begins the view again, and what follows continues from it', () => {
  const board = new TaskBoard()
  board.apply(started(['a', 'b'], ['c']), 5)
  board.apply(event('task_start', { taskId: 'a', tool: 'echo', layer: 0, attempt: 1 }), 10)
  board.apply(
    event('snapshot', {
      seq: 9,
      status: 'running',
      tasks: [
        { ...result('a'), layer: 0 },
        { taskId: 'b', tool: 'echo', status: 'running', layer: 0, attempts: 1 },
        { taskId: 'c', status: 'pending', layer: 1, attempts: 0 },
      ],
      counts: { totalTasks: 3, successCount: 1, errorCount: 0, skippedCount: 0, cancelledCount: 0 },
    }),
    100,
  )
  const view = { rows: 20, columns: 80, now: 150, colors }
  expect(renderTree(board, view)).toBe(
    'demo · layers · 1/3 tasks · 145ms\nlayer 1 · 1/2\n  ✔ a  12ms\n  ● b  50ms\nlayer 2 · 0/1\n  ○ c',
  )
  board.apply(event('task_complete', result('b')), 160)
  expect([board.endedCount, board.endedByLayer, board.active.size]).toEqual([2, [2, 0], 0])
})

test('a view that begins with a snapshot shows what it holds', () => {
  const board = new TaskBoard()
  const counts = { totalTasks: 1, successCount: 1, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
  board.apply(event('snapshot', { seq: 5, status: 'success', tasks: [{ ...result('a'), layer: 0 }], counts }), 100)
  expect(renderTree(board, { rows: 20, columns: 80, now: 100, colors })).toBe(
    'workflow · 1/1 tasks · 0.0ms\nlayer 1 · 1/1\n  ✔ a  12ms',
  )
})

test('tasks that are added to the document stand in their layers', () => {
  const board = new TaskBoard()
  board.apply(started(['a']), 0)
  const tasks = [
    { taskId: 'b', tool: 'echo', layer: 0, dependsOn: [] },
    { taskId: 'c', tool: 'echo', layer: 2, dependsOn: ['b'] },
  ]
  board.apply(event('tasks_added', { tasks, totalTasks: 3 }), 0)
  expect(renderTree(board, { rows: 20, columns: 80, now: 0, colors })).toBe(
    'demo · layers · 0/3 tasks · 0.0ms\nlayer 1 · 0/2\n  ○ a\n  ○ b\nlayer 3 · 0/1\n  ○ c',
  )
})

test('removed tasks leave their layers, and a plan that is still being written says so', () => {
  const board = new TaskBoard()
  board.apply(event('execution_start', { ...PLAIN, totalTasks: 0, layers: [], unsealed: true }), 0)
  // The second is alone in its layer, which is not drawn without it.
  const tasks = ['a', 'b'].map((taskId, layer) => ({ taskId, tool: 'echo', layer, dependsOn: [] }))
  board.apply(event('tasks_added', { tasks, totalTasks: 2 }), 0)
  board.apply(event('tasks_removed', { taskIds: ['b'], totalTasks: 1 }), 0)
  const view = { rows: 20, columns: 80, now: 0, colors }
  expect(renderTree(board, view)).toBe(
    'demo · layers · 0/1 tasks · 0.0ms\nlayer 1 · 0/1\n  ○ a\n… the plan is still being written',
  )
  board.apply(event('plan_sealed', { totalTasks: 1 }), 0)
  expect(renderTree(board, view)).toBe('demo · layers · 0/1 tasks · 0.0ms\nlayer 1 · 0/1\n  ○ a')
})

test('what is left of the forecast fits 40 columns; beyond it, and once a person was asked, it is not claimed', () => {
  const board = new TaskBoard()
  board.apply(event('execution_start', { ...PLAIN, totalTasks: 1, layers: [['a']], forecastMs: 12_000 }), 0)
  const head = (now: number, columns: number): string =>
    renderTree(board, { rows: 20, columns, now, colors }).split('\n')[0] as string
  expect(head(2000, 80)).toBe('demo · layers · 0/1 tasks · 2.00s · about 10 s left')
  expect(head(2000, 40)).toBe('demo · 0/1 tasks · about 10 s left')
  expect(head(13_000, 80)).toBe('demo · layers · 0/1 tasks · 13.00s · longer than the forecast of 12 s')
  board.apply(event('input_required', { taskId: 'a', inputId: 'a.1', message: 'Go?', kind: 'question' }), 14_000)
  expect(head(14_000, 80)).toBe('demo · layers · 0/1 tasks · 14.00s')
})
