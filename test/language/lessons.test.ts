import { describe, expect, test } from 'vitest'
import {
  applyEvent,
  createState,
  type ExecutionState,
  type SSEEvent,
  StreamingExecutor,
  type TaskResult,
} from '../../src/index.ts'
import { collectEvents } from '../support/rig.ts'
import { failing, value } from './example.ts'
import { isLanguageImplemented, SETTINGS } from './language-rig.ts'
import type { Task, TaskFields } from './surroundings.ts'
import { resumeEverywhere, runExample } from './lesson-rig.ts'

const NEVER = '1 + 1 == 3'

/** A fan-out whose items fail where they are the text `fails`. */
const fanOut = (items: readonly unknown[], rest: TaskFields & { readonly id?: string } = {}): Task => ({
  id: 'all',
  tool: 'check',
  forEach: items.map(item => (item === 'fails' ? { fails: true } : item)),
  arguments: { item: '$ITEM' },
  ...rest,
})

const childrenOf = (result: TaskResult | undefined): readonly TaskResult[] => {
  const { items, tasks } = (result ?? {}) as { readonly items?: TaskResult[]; readonly tasks?: TaskResult[] }
  return items ?? tasks ?? []
}

function fold(events: readonly SSEEvent[], state: ExecutionState = createState('')): ExecutionState {
  for (const event of events) applyEvent(state, event, Number(event.id?.split('.')[1] ?? 0))
  return state
}

// Skipped as long as the checks refuse the words of the language.
describe.skipIf(!isLanguageImplemented)('lessons from other engines', () => {
  test('a skip does not leak past a task that always runs', async () => {
    const document = {
      tasks: [
        value('a', 1, { when: NEVER }),
        failing('b'),
        value('c', 1, { dependsOn: ['b'] }),
        value('always', '$STATUS[a] $STATUS[c]', { runOn: 'settled' }),
        value('after', '$OUTPUT[always]'),
      ],
      finally: [value('last', '$STATUS[after]')],
    } as const
    for (const setting of SETTINGS) {
      expect((await runExample(document, setting)).endings).toEqual({
        a: 'CONDITION_FALSE',
        b: 'NO',
        c: 'DEPENDENCY_FAILED',
        always: 'skipped skipped',
        after: 'skipped skipped',
        last: 'success',
      })
    }
  })

  test('a condition is evaluated in every place, and reports the values it saw', async () => {
    const when = 'input.n > 2.5'
    const document = {
      tasks: [
        value('single', 1, { when }),
        fanOut([1, 2], { id: 'whole', when }),
        fanOut([1, 2], { id: 'items', when: 'item > 5' }),
        { id: 'sub', workflow: { tasks: [value('x', 1)] }, when },
        { id: 'inner', arguments: { n: 1 }, workflow: { tasks: [value('x', 1, { when })], output: 0 } },
        value('rounds', 1, { when, repeat: { maxTimes: 2 } }),
        value('until', 1, { repeat: { until: 'index >= 1', maxTimes: 5 } }),
      ],
      finally: [value('last', 1, { when: 'execution.status != "success"' })],
    }
    const { endings, called, ends } = await runExample(document, { input: { n: 2 } })
    expect(called).toEqual(['until[0]', 'until[1]'])
    const skipped = Object.keys(endings).filter(id => endings[id] === 'CONDITION_FALSE')
    expect(skipped.sort()).toEqual(
      ['single', 'whole', 'items[0]', 'items[1]', 'sub', 'inner/x', 'rounds', 'last'].sort(),
    )
    expect(ends.get('single')?.error).toContain('input.n > 2.5')
    expect(ends.get('single')?.error).toMatch(/\b2\b(?!\.5)/)
  })

  test('a skipped task is reported as skipped, and reads as null', async () => {
    const document = {
      tasks: [
        value('a', 1, { when: NEVER }),
        fanOut(['x', 'y'], { when: 'index == 1' }),
        value('reads', ['$STATUS[a]', '$OUTPUT[a]', '$ERROR[a].code', '$OUTPUT[all]'], { runOn: 'settled' }),
      ],
      output: { a: '$OUTPUT[a]' },
    } as const
    const { result, endings, ends } = await runExample(document)
    const all = [null, { item: 'y' }]
    expect(endings).toMatchObject({ 'all[0]': 'CONDITION_FALSE', reads: ['skipped', null, 'CONDITION_FALSE', all] })
    expect([ends.get('a')?.status, ends.get('all[0]')?.status]).toEqual(['skipped', 'skipped'])
    expect(result).toMatchObject({
      status: 'success',
      totalTasks: 5,
      successCount: 3,
      skippedCount: 2,
      output: { a: null },
    })
    expect(childrenOf(result.results[1]).map(({ status }) => status)).toEqual(['skipped', 'success'])
  })

  test('a fan-out with concurrency 1 drops no item', async () => {
    for (const setting of SETTINGS) {
      const items = [0, 1, 2, 3, 4, 5, 6]
      const { called, peak, endings } = await runExample({ tasks: [fanOut(items, { concurrency: 1 })] }, setting)
      expect([called, peak]).toEqual([items.map(item => `all[${item}]`), 1])
      expect(endings['all']).toEqual(items.map(item => ({ item })))
    }
  })

  test('an item that fails ends the fan-out with its index and its error, and the others keep theirs', async () => {
    const { result, ends, called } = await runExample({ tasks: [fanOut([0, 1, 'fails', 3])] }, { maxConcurrency: 1 })
    expect(ends.get('all')).toMatchObject({ status: 'error', code: 'ITEMS_FAILED' })
    expect(ends.get('all')?.error).toMatch(/\b2\b/)
    expect(ends.get('all')?.error).toContain('No all[2]')
    expect(called).not.toContain('all[3]')
    const items = childrenOf(result.results[0])
    expect(items.slice(0, 2).map(({ output }) => output)).toEqual([{ item: 0 }, { item: 1 }])
    expect(items[2]).toMatchObject({ status: 'error', code: 'NO' })
  })

  test('how a fan-out fails does not depend on its concurrency', async () => {
    const outcomes = new Set<string>()
    for (const onTaskError of ['continue', 'fail-fast'] as const) {
      for (const concurrency of [1, 2, 3, 8]) {
        const tasks = [fanOut([0, 1, 'fails', 3, 4, 5], { concurrency }), value('after', '$OUTPUT[all]')]
        const { result, ends } = await runExample({ tasks }, { onTaskError })
        const { status, code, error } = ends.get('all') as TaskResult
        outcomes.add(JSON.stringify([result.status, status, code, error?.includes('No all[2]')]))
      }
    }
    expect([...outcomes]).toEqual(['["error","error","ITEMS_FAILED",true]'])
  })

  test('a failure within tolerance does not fail fast, whatever the concurrency', async () => {
    for (const concurrency of [1, 2, 3, 8]) {
      const tasks = [fanOut([0, 'fails', 2, 3], { concurrency, tolerate: 1 }), value('after', '$OUTPUT[all][3]')]
      const { result, endings } = await runExample({ tasks }, { onTaskError: 'fail-fast' })
      expect([result.status, endings['after']]).toEqual(['success', { item: 3 }])
    }
  })

  test('a hole stays in its place', async () => {
    const tasks = [
      fanOut([0, 'fails', 2], { tolerate: '50%' }),
      value('third', ['$OUTPUT[all][2].item', '$OUTPUT[all][*].item']),
    ]
    for (const setting of SETTINGS) {
      const { endings } = await runExample({ tasks }, setting)
      expect(endings).toMatchObject({ all: [{ item: 0 }, null, { item: 2 }], third: [2, [0, null, 2]] })
    }
  })

  test('an empty list is a success, and so it stays after a crash', async () => {
    const tasks = [value('list', []), fanOut([], { forEach: '$OUTPUT[list]' }), value('after', '$OUTPUT[all]')]
    for await (const { whole, resumed } of resumeEverywhere({ tasks })) {
      expect(whole.endings).toEqual({ list: [], all: [], after: [] })
      expect([resumed.endings, resumed.result.status]).toEqual([whole.endings, 'success'])
    }
  })

  test('a resumed fan-out keeps its concurrency and calls no item that has ended', async () => {
    const tasks = [fanOut([0, 1, 'fails', 3, 4, 5, 6], { concurrency: 2, tolerate: 1 })]
    for await (const { whole, resumed, settled } of resumeEverywhere({ tasks }, { maxConcurrency: 8 })) {
      expect(resumed.endings).toEqual(whole.endings)
      expect(resumed.peak).toBeLessThanOrEqual(2)
      expect(resumed.called.filter(id => settled.has(id))).toEqual([])
    }
  })

  test('a reader that comes back anywhere has every nested task', async () => {
    const workflow = { tasks: [value('x', '$INPUT.item'), value('y', '$OUTPUT[x]')], finally: [value('f', 1)] }
    const tools = { value: ({ of }: Record<string, unknown>) => of }
    const task = { id: 'all', workflow, forEach: [1, 2, 3], arguments: { item: '$ITEM' } }
    const execution = new StreamingExecutor(tools).stream({ tasks: [task] })
    await execution.result
    const read = async (afterSeq: number): Promise<SSEEvent[]> => {
      const entries = await execution.subscribe(afterSeq).take(Number.POSITIVE_INFINITY)
      return entries.map(entry => entry.toEvent())
    }
    const events = await read(0)
    const summarise = ({ tasks }: ExecutionState): unknown =>
      Array.from(tasks.values(), ({ taskId, parentId, index, status }) => [taskId, parentId, index, status])
    const whole = summarise(fold(events))
    expect(whole).toHaveLength(1 + 3 + 9)
    for (let seq = 0; seq < events.length; seq++) {
      expect(summarise(fold(await read(seq), fold(events.slice(0, seq)))), `after ${seq}`).toEqual(whole)
    }
  })

  test('4,000 items are few events each, and the event loop turns between them', async () => {
    const items = Array.from({ length: 4000 }, (_, item) => item)
    let turnCount = 0
    const timer = setInterval(() => void (turnCount += 1), 0)
    const tools = { list: () => items, work: (args: unknown) => args }
    const task = { id: 'all', tool: 'work', forEach: '$OUTPUT[list]', arguments: { item: '$ITEM' } }
    const execution = new StreamingExecutor(tools).stream({ tasks: [{ id: 'list', tool: 'list' }, task] })
    const events = collectEvents(execution)
    const result = await execution.result
    clearInterval(timer)
    expect([result.status, result.totalTasks, fold(events).tasks.size]).toEqual(['success', 4002, 4002])
    expect(events.length).toBeLessThanOrEqual(3 * items.length + 20)
    expect(turnCount).toBeGreaterThan(0)
  })
})
