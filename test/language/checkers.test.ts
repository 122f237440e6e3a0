import { describe, expect, test } from 'vitest'
import type { DAGStructure, SSEEvent, TaskResult } from '../../src/index.ts'
import { expectAgreement } from './agreement.ts'
import { expectOrder } from './event-order.ts'
import { failing, run, value } from './example.ts'
import { createRandomDocument } from './random-language-document.ts'
import { type Interpretation, interpretIfSaid } from './reference-interpreter.ts'
import { simulate, type SimulatedExecution } from './simulated-execution.ts'

function check(expected: Interpretation, { events, result }: SimulatedExecution): void {
  expectAgreement(expected, { events, result, isWhole: true })
  expectOrder(expected.tasks, events, 'layers')
}

test('every random document can meet the checks', () => {
  for (let seed = 0; seed < 80; seed++) {
    const made = createRandomDocument(seed)
    const expected = interpretIfSaid(made.document, made)
    if (expected !== undefined) check(expected, simulate(expected))
  }
})

const DOCUMENT: DAGStructure = {
  tasks: [
    value('a', [1, 2]),
    failing('b', { optional: true, default: 0 }),
    value('c', '$OUTPUT[b]'),
    { id: 'all', tool: 'value', forEach: '$OUTPUT[a]', concurrency: 1, arguments: { of: '$ITEM' } },
    { id: 'sub', workflow: { tasks: [value('x', 1)], finally: [value('f', 2)] }, dependsOn: ['all'] },
    { id: 'r', tool: 'value', repeat: { maxTimes: 2 }, arguments: { of: '$INDEX' } },
    failing('d'),
    value('e', 1, { dependsOn: ['d'] }),
  ],
  finally: [value('last', '$STATUS')],
  output: '$OUTPUT[all]',
}

/** Changes the data of the events of one type and one task. */
const change =
  (type: SSEEvent['type'], taskId: string | undefined, changed: object) =>
  (execution: SimulatedExecution): void => {
    for (const [at, event] of execution.events.entries()) {
      const { taskId: id } = event.data as { readonly taskId?: string }
      if (event.type !== type || id !== taskId) continue
      execution.events[at] = { ...event, data: { ...event.data, ...changed } } as SSEEvent
    }
  }

/** Moves the event of one type and one task before that of another. */
const move =
  (type: SSEEvent['type'], taskId: string, [otherType, otherId]: readonly [SSEEvent['type'], string]) =>
  ({ events }: SimulatedExecution): void => {
    const find = (wantedType: string, wantedId: string): number =>
      events.findIndex(({ type: each, data }) => {
        const { taskId: id, parentId = id } = data as { readonly taskId?: string; readonly parentId?: string }
        return each === wantedType && parentId === wantedId
      })
    const [event] = events.splice(find(type, taskId), 1)
    events.splice(find(otherType, otherId), 0, event as SSEEvent)
  }

const MUTATIONS: readonly (readonly [string, (execution: SimulatedExecution) => void])[] = [
  ['another output', change('task_complete', 'a', { output: [1, 3] })],
  ['another code', change('task_complete', 'd', { code: 'TOOL_ERROR' })],
  ['another status', change('task_complete', 'c', { status: 'skipped', code: 'CONDITION_FALSE', error: 'x' })],
  ['a hole that is dropped', change('task_complete', 'all', { output: [2] })],
  ['another number of attempts', change('task_complete', 'a', { attempts: 2 })],
  ['a failure that is not said to be tolerated', change('task_complete', 'b', { optional: undefined })],
  ['a skip without a cause', change('task_complete', 'e', { causedBy: undefined })],
  ['another output of the execution', change('execution_complete', undefined, { output: [] })],
  ['another status of the execution', ({ result }) => void Object.assign(result, { status: 'success' })],
  ['another count', ({ result }) => void Object.assign(result, { successCount: 1 })],
  ['another count of tolerated failures', ({ result }) => void Object.assign(result, { toleratedCount: 0 })],
  ['a result without its items', ({ result }) => void Object.assign(result.results[3] as TaskResult, { items: [] })],
  ['a task that ends twice', ({ events }) => void events.splice(-1, 0, events.at(-2) as SSEEvent)],
  ['a task that does not end', ({ events }) => void events.splice(-2, 1)],
  ['a dependent that starts too early', move('task_start', 'c', ['task_complete', 'b'])],
  ['items beyond the concurrency', move('task_start', 'all[1]', ['task_complete', 'all[0]'])],
  ['a child after the end of its parent', move('task_complete', 'sub', ['task_complete', 'sub/f'])],
  ['children before their parent starts', move('tasks_added', 'sub', ['task_start', 'sub'])],
  ['a `finally` task that starts too early', move('task_start', 'last', ['task_complete', 'e'])],
  ['a `finally` task of a sub-workflow that starts too early', move('task_start', 'sub/f', ['task_complete', 'sub/x'])],
  ['rounds at once', move('task_complete', 'r[0]', ['task_complete', 'r'])],
  ['another number of items', change('task_start', 'all', { itemCount: 3 })],
  ['another tool', change('task_complete', 'sub', { tool: 'value' })],
  ['other layers', change('execution_start', undefined, { layers: [] })],
  ['`finally` in another layer', change('execution_start', undefined, { finallyFrom: 1 })],
  ['items without an index', change('tasks_added', undefined, { tasks: [{ taskId: 'all[0]', dependsOn: [] }] })],
  ['a layer that starts too early', move('task_start', 'all', ['task_start', 'a'])],
]

describe('the checks refuse', () => {
  const expected = run(DOCUMENT)

  test('nothing of an execution that agrees', () => {
    check(expected, simulate(expected))
  })

  for (const [name, mutate] of MUTATIONS) {
    test(name, () => {
      const execution = simulate(expected)
      mutate(execution)
      expect(() => check(expected, execution)).toThrow()
    })
  }
})

describe('of a fan-out beyond its tolerance', () => {
  const items = [1, { fails: true }, 3]
  const expected = run([{ id: 'all', tool: 'check', forEach: items, arguments: { of: '$ITEM' } }])
  const agree = (mutate: (execution: SimulatedExecution) => void) => (): void => {
    const execution = simulate(expected)
    mutate(execution)
    expectAgreement(expected, { ...execution, isWhole: true })
  }
  const cancelled = { status: 'cancelled', code: 'CANCELLED', error: 'x' }

  test('an item may be cancelled, and may not end in another way', () => {
    expect(agree(() => {})).not.toThrow()
    expect(agree(change('task_complete', 'all[2]', { output: { of: 4 } }))).toThrow('all[2]')
    expect(agree(change('task_complete', 'all[1]', cancelled))).toThrow('failures of all')
    const cancel = (execution: SimulatedExecution): void => {
      change('task_complete', 'all[2]', cancelled)(execution)
      const [all] = execution.result.results as (TaskResult & { items: TaskResult[] })[]
      if (all !== undefined) Object.assign(all.items[2] as TaskResult, cancelled)
    }
    expect(agree(cancel)).not.toThrow()
  })
})
