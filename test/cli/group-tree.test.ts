import pc from 'picocolors'
import { expect, test, vi } from 'vitest'
import { TaskBoard } from '../../src/cli/render/tree/task-board.ts'
import { renderTree } from '../../src/cli/render/tree/task-tree.ts'
import { countColumns } from '../../src/cli/render/columns.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import type { AddedTask, SSEEvent } from '../../src/events/events.ts'
import { createRandomEvents } from '../events/random-events.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { event, result, started } from './event-rig.ts'

const colors = pc.createColors(false)

const start = (taskId: string, itemCount?: number): SSEEvent =>
  event('task_start', { taskId, tool: 'echo', layer: 0, attempt: 1, ...(itemCount !== undefined && { itemCount }) })
const end = (taskId: string, given: Parameters<typeof result>[1] = {}): SSEEvent =>
  event('task_complete', result(taskId, given))
const failed = { status: 'error', code: 'X', error: 'no' } as const

function add(parentId: string, ...ids: string[]): SSEEvent {
  const tasks = ids.map((id): AddedTask => {
    const index = /\[(\d+)\]$/.exec(id)?.[1]
    return { taskId: id, tool: 'echo', layer: 0, dependsOn: [], ...(index !== undefined && { index: Number(index) }) }
  })
  return event('tasks_added', { parentId, tasks, totalTasks: 0 })
}

function draw(events: readonly SSEEvent[], rows = 40, columns = 100): string[] {
  const board = new TaskBoard()
  for (const each of events) board.apply(each, 0)
  return renderTree(board, { rows, columns, now: 20, colors }).split('\n').slice(1)
}

/** A fan-out of workflows one of which has failed, a repetition in its third round, a workflow, and `finally`. */
const busy: readonly SSEEvent[] = [
  event('execution_start', {
    totalTasks: 4,
    layers: [['label', 'poll', 'report'], ['notify']],
    schedule: 'layers',
    finallyFrom: 1,
  }),
  start('label', 25),
  add('label', 'label[0]', 'label[1]', 'label[2]', 'label[3]'),
  ...['label[0]', 'label[1]', 'label[2]'].map(id => start(id)),
  end('label[0]'),
  add('label[1]', 'label[1]/fetch', 'label[1]/rate'),
  start('label[1]/fetch'),
  end('label[1]/fetch', failed),
  end('label[1]/rate', {
    status: 'skipped',
    code: 'DEPENDENCY_FAILED',
    error: 's',
    causedBy: 'label[1]/fetch',
    attempts: 0,
  }),
  end('label[1]', { ...failed, code: 'CHILD_FAILED', error: 'Task `label[1]/fetch` failed' }),
  start('poll'),
  add('poll', 'poll[0]'),
  start('poll[0]'),
  end('poll[0]'),
  add('poll', 'poll[1]'),
  start('poll[1]'),
  start('report'),
  add('report', 'report/a', 'report/b'),
  start('report/a'),
]

test('a fan-out is one line with counts above what fails; rounds and sub-workflows are subtrees', () => {
  expect(draw(busy)).toEqual([
    'layer 1 · 0/3',
    '  ● label  2/25, 1 running, 1 failed · 20ms',
    '    ✖ [1]  2/2, 1 failed · 12ms · Task `label[1]/fetch` failed',
    '      ✖ fetch  12ms · no',
    '      ↷ rate  because of label[1]/fetch',
    '  ● poll  round 2 · 20ms',
    '    ● [1]  20ms',
    '  ● report  0/2, 1 running · 20ms',
    '    ● a  20ms',
    '    ○ b',
    'finally · 0/1',
    '  ○ notify',
  ])
})

test('a failure that is tolerated is reported as such, and a round that succeeded is closed', () => {
  const more = [end('poll[1]'), end('poll'), end('report', { ...failed, optional: true })]
  expect(draw([...busy, ...more]).slice(5, 8)).toEqual([
    '  ✔ poll  round 2 · 12ms',
    '  ✖ report  0/2, 1 running · 12ms · tolerated · no',
    '    ● a  20ms',
  ])
})

test('with few lines, failures and running tasks are opened first, and the rest is counted', () => {
  const tasks = Array.from({ length: 30 }, (_, at) => `big/${at}`)
  const items = Array.from({ length: 30 }, (_, at) => `each[${at}]`)
  const events = [
    started(['big', 'each']),
    start('big'),
    add('big', ...tasks),
    start('big/7'),
    start('big/9'),
    end('big/9', failed),
    start('each', 30),
    add('each', ...items),
    ...items.slice(0, 9).map(id => end(id, failed)),
  ]
  expect(draw(events, 10)).toEqual([
    'layer 1 · 0/2',
    '  ● big  1/30, 1 running, 1 failed · 20ms',
    '    ✖ 9  12ms · no',
    '    ● 7  20ms',
    '    … 28 more',
    '  ● each  9/30, 9 failed · 20ms',
    '    ✖ [0]  12ms · no',
    '    ✖ [1]  12ms · no',
    '    … 7 more failed',
  ])
})

test('a tree of parents is never higher or wider than its window, and the same after a snapshot', async () => {
  await forSeeds(15, seed => {
    const random = createRandom(seed)
    const events = createRandomEvents(random)
    const board = new TaskBoard()
    for (const [at, each] of events.entries()) {
      board.apply(each, 0)
      if (random() < 0.7) continue
      const again = new TaskBoard()
      const folded = toSnapshot(board.state, '', () => ({}))
      again.apply({ type: 'snapshot', data: folded }, 0)
      for (const [rows, columns] of [
        [3, 20],
        [9, 30],
        [24, 80],
        [200, 120],
      ] as const) {
        const view = { rows, columns, now: at, colors }
        const lines = renderTree(board, view).split('\n')
        expect(lines.length).toBeLessThanOrEqual(rows)
        expect(Math.max(...lines.map(countColumns))).toBeLessThanOrEqual(columns)
        // Of one that begins with a snapshot, only the order of what runs and of what ended may differ, and its retries.
        if (rows === 200) expect(renderTree(again, view).split('\n').length).toBe(lines.length)
      }
    }
    return Promise.resolve()
  })
})

/** The look-ups of tasks that events and one frame cost, for a fan-out of `size` items all of which run, then fail. */
function countWork(size: number): { perEvent: number; frame: number; lines: number } {
  const board = new TaskBoard()
  const items = Array.from({ length: size }, (_, at) => `each[${at}]`)
  board.apply(started(['each']), 0)
  const spy = vi.spyOn(board.state.tasks, 'get')
  const events = [start('each', size), add('each', ...items), ...items.map(id => start(id))]
  for (const each of [...events, ...items.map(id => end(id, failed))]) board.apply(each, 0)
  const perEvent = spy.mock.calls.length / (2 * size)
  spy.mockClear()
  const lines = renderTree(board, { rows: 24, columns: 80, now: 1, colors }).split('\n').length
  return { perEvent, frame: spy.mock.calls.length, lines }
}

test('an event and a frame of 10,000 items cost what they cost of 100', () => {
  const few = countWork(100)
  const many = countWork(10_000)
  expect(many.perEvent).toBeLessThanOrEqual(few.perEvent)
  expect([many.frame, many.lines]).toEqual([few.frame, few.lines])
  expect(many.frame).toBeLessThan(100)
})
