// What attacks from outside have found.
import { expect, test } from 'vitest'
import { ParallelExecutor, StreamingExecutor, validateWorkflow } from '../../src/index.ts'
import { collectEvents } from '../support/rig.ts'

test('a fan-out without a bound of its own uses every slot of the execution', async () => {
  const count = 1000
  let started = 0
  let open = (): void => {}
  const allStarted = new Promise<void>(resolve => (open = resolve))
  const meet = (): Promise<void> => {
    started += 1
    if (started === count) open()
    return allStarted
  }
  const items = Array.from({ length: count }, (_, i) => i)
  const document = { tasks: [{ id: 'all', tool: 'meet', forEach: items }] }
  const { status } = await new ParallelExecutor({ meet }, { maxConcurrency: count, taskTimeoutMs: 5000 }).execute(
    document,
  )
  expect({ status, started }).toEqual({ status: 'success', started: count })
})

test('a failed fan-out counts the items that it names', async () => {
  const document = {
    tasks: [{ id: 'all', tool: 'none', forEach: [{ a: 1 }, { a: 2 }], when: 'item.b == 1' }],
  }
  const { results } = await new ParallelExecutor({ none: () => 1 }).execute(document)
  const { code, error = '' } = results[0] ?? {}
  const named = [...error.matchAll(/\d \(CONDITION_FAILED: /g)].length
  expect(code).toBe('ITEMS_FAILED')
  // The first failure stops the second item if the turn of the event loop is spent between the two.
  expect([1, 2]).toContain(named)
  expect(error.startsWith(`${named} of 2 items failed`)).toBe(true)
})

test('a delay between rounds of more than a day is refused', () => {
  const withDelay = (everyMs: number) => ({ tasks: [{ id: 'a', tool: 'none', repeat: { maxTimes: 2, everyMs } }] })
  const tools = { none: () => 1 }
  expect(validateWorkflow(withDelay(86_400_000), tools).valid).toBe(true)
  expect(validateWorkflow(withDelay(86_400_001), tools).issues).toMatchObject([
    { code: 'INVALID_SHAPE', pointer: '/tasks/0/repeat/everyMs' },
  ])
})

test('a `finally` task with a condition ends once if a task started together with the failure that stops all', async () => {
  const document = {
    tasks: [
      { id: 'misfits', forEach: '$INPUT', tool: 'none' },
      { id: 'beside', tool: 'none' },
      { id: 'later', tool: 'none', dependsOn: ['beside'] },
    ],
    finally: [{ id: 'last', tool: 'none', when: '1 == 2' }],
  }
  const executor = new StreamingExecutor({ none: async () => 1 }, { onTaskError: 'fail-fast' })
  const execution = executor.stream(document, { input: 'no list' })
  const events = collectEvents(execution)
  await execution.result
  const ends = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
  expect(ends.toSorted()).toEqual(['beside', 'last', 'later', 'misfits'])
})
