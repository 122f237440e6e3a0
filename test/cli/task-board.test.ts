import pc from 'picocolors'
import { expect, test } from 'vitest'
import { TaskBoard } from '../../src/cli/render/tree/task-board.ts'
import { renderTree } from '../../src/cli/render/tree/task-tree.ts'
import { event, result, started } from './event-rig.ts'

const colors = pc.createColors(false)

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
    'demo · layers · 0/3 tasks · 0.0ms\nlayer 1 · 0/2\n  ○ a\n  ○ b\nlayer 2 · 0/0\nlayer 3 · 0/1\n  ○ c',
  )
})
