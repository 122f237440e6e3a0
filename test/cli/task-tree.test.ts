import pc from 'picocolors'
import { expect, test } from 'vitest'
import { TaskBoard } from '../../src/cli/render/tree/task-board.ts'
import { renderTree } from '../../src/cli/render/tree/task-tree.ts'
import { countColumns } from '../../src/cli/render/columns.ts'
import type { SSEEvent } from '../../src/events/events.ts'
import { event, result, started } from './event-rig.ts'

const colors = pc.createColors(false)

const start = (taskId: string, attempt = 1): SSEEvent =>
  event('task_start', { taskId, tool: 'echo', layer: 0, attempt })

/** A board to which each event happened at its time. */
function boardOf(...events: [SSEEvent, number][]): TaskBoard {
  const board = new TaskBoard()
  for (const [event, now] of events) board.apply(event, now)
  return board
}

test('every task is shown in its layer with its state, time, attempt, usage and progress', () => {
  const usage = { totalTokensIn: 1000, totalTokensOut: 20, totalCost: 0.01 }
  const board = boardOf(
    [started(['a', 'b', 'c'], ['d', 'e', 'f']), 100],
    [start('a'), 100],
    [start('b'), 100],
    [start('c'), 100],
    [event('token_usage', { taskId: 'a', attempt: 1, tokenUsage: usage, executionTokenUsage: usage }), 150],
    [event('task_retry', { taskId: 'a', attempt: 1, delayMs: 500, error: 'busy', code: 'TOOL_ERROR' }), 150],
    [event('task_complete', result('b')), 160],
    [event('task_progress', { taskId: 'c', attempt: 1, progress: 3, total: 10, message: 'pages\u0007' }), 160],
    [event('task_complete', result('d', { status: 'error', code: 'X', error: 'no', attempts: 2 })), 170],
    [event('task_complete', result('e', { status: 'skipped', error: 's', causedBy: 'd', attempts: 0 })), 170],
  )
  expect(
    renderTree(board, { rows: 20, columns: 100, now: 300, colors }),
  ).toBe(`demo · layers · 3/6 tasks · 200ms · 1,000 in, 20 out, $0.0100
layer 1 · 1/3
  ↻ a  again in 350ms · 1,000 in, 20 out, $0.0100 · busy
  ✔ b  12ms
  ● c  200ms · 3/10 pages\\u0007
layer 2 · 2/3
  ✖ d  12ms · attempt 2 · no
  ↷ e  because of d
  ○ f`)
})

test('where not all fit, those that run come first, then those that ended last', () => {
  const ids = Array.from({ length: 1000 }, (_, index) => `t${index}`)
  const board = boardOf(
    [started(ids, ['end']), 0],
    ...ids.slice(0, 12).map((id): [SSEEvent, number] => [start(id), 0]),
    ...ids.slice(0, 10).map((id): [SSEEvent, number] => [event('task_complete', result(id)), 12]),
  )
  expect(renderTree(board, { rows: 7, columns: 100, now: 20, colors })).toBe(`demo · layers · 10/1,001 tasks · 20ms
layer 1 · 10/1,000
  ● t10  20ms
  ● t11  20ms
  ✔ t9  12ms
  ✔ t8  12ms
… 997 not shown · 2 running · 989 waiting · 10 succeeded`)
})

test('a tree is never higher or wider than its window', () => {
  const layers = Array.from({ length: 50 }, (_, layer) => [`${layer}-${'x'.repeat(200)}`, `${layer}-漢字`.repeat(40)])
  const board = boardOf([started(...layers), 0])
  for (const [index, id] of layers.flat().entries()) {
    board.apply(start(id), index)
    if (index % 3 === 0)
      board.apply(event('task_complete', result(id, { status: 'error', error: 'e'.repeat(99) })), index)
    for (const [rows, columns] of [
      [3, 20],
      [10, 40],
      [24, 80],
    ] as const) {
      const lines = renderTree(board, { rows, columns, now: index, colors }).split('\n')
      expect(lines.length).toBeLessThanOrEqual(rows)
      expect(Math.max(...lines.map(countColumns))).toBeLessThanOrEqual(columns)
    }
  }
})

test('100,000 tasks are drawn in the time of a window', () => {
  const ids = Array.from({ length: 100_000 }, (_, index) => `t${index}`)
  const board = boardOf([started(ids), 0])
  for (const id of ids) {
    board.apply(start(id), 1)
    board.apply(event('task_complete', result(id, { output: 'gone' })), 2)
  }
  const lines = renderTree(board, { rows: 24, columns: 80, now: 3, colors }).split('\n')
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([
    24,
    'demo · layers · 100,000/100,000 tasks · 3.0ms',
    '… 99,979 not shown · 0 running · 0 waiting · 100,000 succeeded',
  ])
  expect([board.recent.length, board.state.tasks.get('t7')?.result?.output]).toEqual([100, undefined])
})
