import { expect, test } from 'vitest'
import {
  type DAGStructure,
  type Execution,
  ParallelExecutor,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { createRandom, createRandomGraph } from '../support/random-graph.ts'

/** How often the tool was called: not for an attempt that was cancelled after its start, before its turn came. */
let callCount = 0

/** Succeeds, fails, is tried again or emits, by its task's number, now or later. */
const tools = {
  async work(_: unknown, { taskId, attempt, signal, emitToken, reportUsage }: WorkContext): Promise<string> {
    const number = Number(taskId.slice(1))
    callCount += 1
    reportUsage({ totalTokensIn: 1 })
    if (number % 4 === 1) emitToken('x')
    if (number % 3 === 0) await new Promise(resolve => setImmediate(resolve))
    if (number % 5 === 4) signal.throwIfAborted()
    if (number % 7 === 6 && attempt === 1) throw new Error('once')
    if (number % 11 === 10) throw new Error('always')
    return taskId
  },
}
interface WorkContext {
  taskId: string
  attempt: number
  signal: AbortSignal
  emitToken: (text: string) => void
  reportUsage: (usage: { totalTokensIn: number }) => void
}

const workflow: DAGStructure = (() => {
  const { tasks } = createRandomGraph(createRandom(7), 40)
  return { tasks: tasks.map(task => ({ ...task, retry: { maxAttempts: 2, initialDelayMs: 1 } })) }
})()

/** That an execution is whole, wherever it was cut: each task ends once, and the counts add up. */
async function expectWhole(execution: Execution, events: readonly SSEEvent[]): Promise<void> {
  const result = await execution.result
  const ended = new Map<string, string>()
  const started = new Map<string, number>()
  for (const [at, event] of events.entries()) {
    expect(event.id).toBe(`${execution.executionId}.${at + 1}`)
    expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
    if (event.type === 'task_start') {
      const { taskId, attempt } = event.data
      expect([ended.has(taskId), attempt]).toEqual([false, (started.get(taskId) ?? 0) + 1])
      started.set(taskId, attempt)
    } else if (event.type === 'task_complete') {
      const { taskId, status, attempts } = event.data
      expect([ended.has(taskId), attempts]).toEqual([false, started.get(taskId) ?? 0])
      ended.set(taskId, status)
    }
  }
  const countOf = (status: string): number => [...ended.values()].filter(each => each === status).length
  const expected = {
    totalTasks: workflow.tasks.length,
    successCount: countOf('success'),
    errorCount: countOf('error'),
    skippedCount: countOf('skipped'),
    cancelledCount: countOf('cancelled'),
  }
  expect(ended.size).toBe(workflow.tasks.length)
  expect(result).toMatchObject(expected)
  expect(events.at(-1)).toMatchObject({ type: 'execution_complete', data: { ...expected, status: result.status } })
  expect(result.results.map(({ taskId, status }) => [taskId, status])).toEqual(
    workflow.tasks.map(({ id }) => [id, ended.get(id)]),
  )
  expect(result.status === 'cancelled').toBe(expected.cancelledCount > 0 && result.reason !== undefined)
  expect(result.tokenUsage?.totalTokensIn ?? 0).toBe(callCount)
  const startCount = [...started.values()].reduce((sum, each) => sum + each, 0)
  expect(callCount).toBeLessThanOrEqual(startCount)
  if (result.reason === undefined && expected.cancelledCount === 0) expect(callCount).toBe(startCount)
}

test.each([
  { schedule: 'layers', onTaskError: 'continue', maxConcurrency: 3 },
  { schedule: 'dataflow', onTaskError: 'continue', maxConcurrency: 64 },
  { schedule: 'dataflow', onTaskError: 'fail-fast', maxConcurrency: 2 },
] as const)('cut at any event, every task has ended once and the counts add up: %o', async options => {
  const executor = new StreamingExecutor(tools, { abortGraceMs: 50, ...options })
  let lengthUncut = Number.POSITIVE_INFINITY
  for (let cut = 0; cut <= lengthUncut; cut++) {
    callCount = 0
    const execution = executor.stream(workflow)
    const events: SSEEvent[] = []
    if (cut === 0) execution.cancel()
    for await (const event of execution) {
      events.push(event)
      if (events.length === cut) execution.cancel('cut')
    }
    await expectWhole(execution, events)
    if (events.at(-1)?.type === 'execution_complete' && cut > 0 && (await execution.result).reason === undefined) {
      lengthUncut = Math.min(lengthUncut, events.length)
    }
  }
  expect(lengthUncut).toBeGreaterThan(workflow.tasks.length)
})

test('ten thousand executions at once each have their own end, and half of them are cancelled midway', async () => {
  const executor = new ParallelExecutor({
    first: async () => 1,
    second: () => new Promise(resolve => setTimeout(resolve, 5, 2)),
  })
  const document: DAGStructure = {
    tasks: [
      { id: 'a', tool: 'first' },
      { id: 'b', tool: 'second', dependsOn: ['a'] },
    ],
  }
  const controller = new AbortController()
  const running = Array.from({ length: 10_000 }, (_, i) =>
    executor.execute(document, { abortGraceMs: 0, ...(i % 2 && { signal: controller.signal }) }),
  )
  await new Promise(resolve => setImmediate(resolve))
  controller.abort('enough')
  const results = await Promise.all(running)
  expect(new Set(results.map(({ executionId }) => executionId)).size).toBe(10_000)
  for (const [i, { status, successCount, cancelledCount, reason }] of results.entries()) {
    expect([successCount + cancelledCount, i % 2 === 0 ? status : reason?.message]).toEqual([
      2,
      i % 2 === 0 ? 'success' : 'enough',
    ])
  }
}, 120_000)

test.each<[string, () => unknown]>([
  ['a number', () => 5],
  ['null', () => null],
  ['a symbol', () => Symbol('s')],
  ['an object', () => ({ message: 'plain' })],
  ['an error whose message is a number', () => Object.assign(new Error('x'), { message: 5 })],
  ['an error whose message cannot be read', () => Object.defineProperty(new Error('x'), 'message', { get: trap })],
  ['a proxy that throws', () => new Proxy(new Error('x'), { get: trap, getPrototypeOf: trap })],
  ['a text of 10 MB', () => 'x'.repeat(1e7)],
])('a signal may abort with %s: every execution on it is cancelled', async (_, makeReason) => {
  const executor = new StreamingExecutor({ work: () => new Promise(() => {}) }, { abortGraceMs: 0 })
  const controller = new AbortController()
  const document = { tasks: [{ id: 'a', tool: 'work' }] }
  const before = [1, 2].map(() => executor.execute(document, { signal: controller.signal }))
  controller.abort(makeReason())
  const results = await Promise.all([...before, executor.execute(document, { signal: controller.signal })])
  for (const { status, reason } of results) {
    expect([status, reason?.code, typeof reason?.message]).toEqual(['cancelled', 'CANCELLED', 'string'])
    expect(reason?.message.length).toBeLessThanOrEqual(8192)
  }
})

function trap(): never {
  throw new Error('trap')
}

test.each([5, null, {}, Symbol('s'), 1n])('cancelling for a reason that is not text cancels: %o', async reason => {
  const execution = new StreamingExecutor({ work: () => new Promise(() => {}) }, { abortGraceMs: 0 }).stream({
    tasks: [{ id: 'a', tool: 'work' }],
  })
  execution.cancel(reason as string)
  const result = await execution.result
  expect([result.status, result.reason?.code, typeof result.reason?.message]).toEqual([
    'cancelled',
    'CANCELLED',
    'string',
  ])
})
