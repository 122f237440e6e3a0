import { describe, expect, test } from 'vitest'
import {
  type DAGStructure,
  type ExecutionOptions,
  type ExecutionResult,
  StreamingExecutor,
  validateWorkflow,
  WorkflowRegistry,
} from '../../src/index.ts'
import { FakeClock } from '../support/fake-clock.ts'

const list = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** Tools that return a list of numbers, their argument, a text of a size, and nothing. */
const tools = {
  list: ({ length }: Record<string, unknown>) => list(length as number),
  echo: ({ value }: Record<string, unknown>) => value,
  text: ({ length }: Record<string, unknown>) => 'x'.repeat(length as number),
  texts: ({ count, length }: Record<string, unknown>) =>
    Array.from({ length: count as number }, () => 'x'.repeat(length as number)),
  noop: () => null,
}

interface Run {
  readonly result: ExecutionResult
  /** Turns of the event loop that other work had meanwhile. */
  readonly turns: number
}

async function run(
  workflow: DAGStructure,
  options: ExecutionOptions & { readonly input?: unknown } = {},
): Promise<Run> {
  const { input, ...rest } = options
  const execution = new StreamingExecutor(tools, rest).stream(workflow, { input })
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const result = await execution.result
  isOver = true
  return { result, turns }
}

function ends({ results }: ExecutionResult): readonly unknown[] {
  return results.map(({ taskId, status, code }) => [taskId, code ?? status])
}

describe('a condition', () => {
  const bomb = 'output.a.all(x, output.a.all(y, output.a.all(z, x + y + z >= 0)))'

  test('that never ends fails its task, and nothing else', async () => {
    const { result } = await run({
      tasks: [
        { id: 'a', tool: 'list', arguments: { length: 1000 } },
        { id: 'b', tool: 'noop', when: bomb },
        { id: 'c', tool: 'noop' },
      ],
    })
    expect(ends(result)).toEqual([
      ['a', 'success'],
      ['b', 'CONDITION_FAILED'],
      ['c', 'success'],
    ])
  })

  test('of each of many tasks leaves turns to others between them', async () => {
    const { result, turns } = await run({
      tasks: [
        { id: 'a', tool: 'list', arguments: { length: 1000 } },
        ...list(100).map(n => ({ id: `b${n}`, tool: 'noop', when: bomb })),
      ],
    })
    expect(result.errorCount).toBe(100)
    // Without them there would be a handful: those of the start, of the layer and of the end.
    expect(turns).toBeGreaterThan(12)
  })

  test('that names no status of the execution does not look at every task', async () => {
    const { result } = await run({
      tasks: [{ id: 'a', tool: 'noop', forEach: list(10_000), when: 'item % 2 == 0' }],
    })
    expect([result.successCount, result.skippedCount]).toEqual([5001, 5000])
  })

  test('is too large beyond 4,096 characters', () => {
    const document = { tasks: [{ id: 'a', tool: 'noop', when: `${'true && '.repeat(600)}true` }] }
    const [issue] = validateWorkflow(document, tools).issues
    expect(issue).toMatchObject({ code: 'INVALID_CONDITION', pointer: '/tasks/0/when' })
  })
})

describe('items', () => {
  test('may be 10,000 of a megabyte each, in the memory of one', async () => {
    const text = 'x'.repeat(1_000_000)
    const before = process.memoryUsage().rss
    const { result } = await run({
      tasks: [
        { id: 'a', tool: 'echo', forEach: Array.from({ length: 10_000 }, () => text), arguments: { value: '$INDEX' } },
      ],
    })
    expect([result.status, result.totalTasks]).toEqual(['success', 10_001])
    // A second copy of the items would be ten gigabytes.
    expect(process.memoryUsage().rss - before).toBeLessThan(1_000_000_000)
  })

  test('that an output holds are as large as an output may be', async () => {
    const { result } = await run({
      tasks: [
        { id: 'a', tool: 'texts', arguments: { count: 9, length: 1_000_000 } },
        { id: 'b', tool: 'echo', forEach: '$OUTPUT[a]', arguments: { value: '$INDEX' } },
        { id: 'c', tool: 'texts', arguments: { count: 11, length: 1_000_000 } },
        { id: 'd', tool: 'echo', forEach: '$OUTPUT[c]', arguments: { value: '$ITEM' } },
      ],
    })
    expect(ends(result)).toEqual([
      ['a', 'success'],
      ['b', 'success'],
      ['c', 'OUTPUT_TOO_LARGE'],
      ['d', 'DEPENDENCY_FAILED'],
    ])
    expect(result.results[1]?.output).toEqual(list(9))
  })

  test('whose outputs together are too large for one output fail their parent', async () => {
    const { result } = await run({
      tasks: [{ id: 'a', tool: 'text', forEach: list(20), arguments: { length: 1_000_000 } }],
    })
    expect(ends(result)).toEqual([['a', 'OUTPUT_TOO_LARGE']])
    expect(result.successCount).toBe(20)
  })

  test('of a product are counted and not made', async () => {
    const { result } = await run({
      tasks: [
        { id: 'a', tool: 'list', arguments: { length: 1000 } },
        { id: 'b', tool: 'noop', forEach: { x: '$OUTPUT[a]', y: '$OUTPUT[a]', z: '$OUTPUT[a]' } },
      ],
    })
    expect(result.results[1]).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      error: 'Expected at most 10000 items, got 1000000000',
    })
    expect(result.totalTasks).toBe(2)
  })

  test('of a product in the document are counted by the checks', () => {
    const document = { tasks: [{ id: 'b', tool: 'noop', forEach: { x: list(1000), y: list(1000), z: list(1000) } }] }
    expect(validateWorkflow(document, tools).issues).toEqual([
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', pointer: '/tasks/0/forEach' }),
    ])
  })
})

describe('an execution', () => {
  const fanOut = (length: number): DAGStructure => ({
    tasks: [
      { id: 'a', tool: 'list', arguments: { length } },
      { id: 'b', tool: 'noop', forEach: '$OUTPUT[a]' },
    ],
  })

  test('has 100,000 tasks, and leaves turns to others while they are added', async () => {
    const { result, turns } = await run(fanOut(99_998), { maxItems: 100_000 })
    expect([result.status, result.totalTasks, result.successCount]).toEqual(['success', 100_000, 100_000])
    expect(turns).toBeGreaterThan(20)
  })

  test('has not one more', async () => {
    const { result } = await run(fanOut(99_999), { maxItems: 100_000 })
    expect(result.results[1]).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      error: 'Expected at most 100000 tasks in an execution, got 100001',
    })
    expect(result.totalTasks).toBe(2)
  })

  test('counts the tasks that sub-workflows and rounds would add', async () => {
    const workflow = { tasks: list(100).map(n => ({ id: `t${n}`, tool: 'noop' })) }
    const { result } = await run(
      { tasks: [{ id: 'a', workflow, forEach: list(1000), tolerate: '100%' }] },
      { schedule: 'dataflow' },
    )
    expect(result.status).toBe('success')
    expect(result.totalTasks).toBeLessThanOrEqual(100_000)
    const items = result.results[0]?.items ?? []
    const excess = items.filter(({ code }) => code === 'LIMIT_EXCEEDED')
    expect(excess).toHaveLength(1000 - Math.floor((100_000 - 1001) / 100))
  })

  test('with many failures in many sub-workflows ends each task once', async () => {
    const tasks = [
      { id: 'x', tool: 'missing' },
      { id: 'y', tool: 'noop', dependsOn: ['x'] },
    ]
    const executor = new StreamingExecutor({
      ...tools,
      missing: () => {
        throw new Error('no')
      },
    })
    const execution = executor.stream({
      tasks: [{ id: 'a', workflow: { tasks }, forEach: list(10_000), tolerate: '100%' }],
    })
    const { status, errorCount, skippedCount } = await execution.result
    expect([status, errorCount, skippedCount]).toEqual(['success', 20_000, 10_000])
  })
})

describe('nesting', () => {
  const nest = (depth: number): DAGStructure =>
    depth === 0 ? { tasks: [{ id: 'x', tool: 'noop' }] } : { tasks: [{ id: 'x', workflow: nest(depth - 1) }] }

  test('is 8 deep and not 9', async () => {
    const { result } = await run(nest(8))
    expect([result.status, result.totalTasks]).toEqual(['success', 9])
    expect(validateWorkflow(nest(9), tools).issues).toEqual([
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', pointer: '/tasks/0/workflow'.repeat(9) }),
    ])
  })

  test('that leads back to itself through two others is refused', () => {
    const runs = (workflow: string): DAGStructure => ({ tasks: [{ id: 'x', workflow }] })
    const workflows = { a: runs('b'), b: runs('c'), c: runs('a') }
    const circle = { code: 'RECURSIVE_WORKFLOW', path: ['c', 'a', 'b', 'c'] }
    expect(() => new WorkflowRegistry(workflows, tools)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ issues: [expect.objectContaining(circle)] }) }),
    )
  })
})

describe('the delay between rounds', () => {
  test.each([
    ['none, whatever the factor', { everyMs: 0, factor: 1e300 }, 0],
    ['at most a day', { everyMs: 86_400_000, factor: 1e300 }, 3 * 86_400_000],
    ['as it is said', { everyMs: 1000, factor: 2 }, 7000],
  ])('is %s', async (_, delays, expectedMs) => {
    const clock = new FakeClock()
    const executor = new StreamingExecutor(tools, { clock })
    const execution = executor.stream({ tasks: [{ id: 'a', tool: 'noop', repeat: { maxTimes: 4, ...delays } }] })
    await clock.run(expectedMs)
    const { status, executionTimeMs } = await execution.result
    expect([status, executionTimeMs]).toEqual(['success', expectedMs])
  })
})
