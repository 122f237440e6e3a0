import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionOptions,
  type ExecutionResult,
  type ExecutionStore,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { createRandom, createRandomGraph, forSeeds } from '../support/random-graph.ts'
import { diamond, task } from '../support/workflows.ts'

/** What one process calls, by task. */
interface Calls {
  readonly tools: readonly Tool[]
  readonly called: { taskId: string; attempt: number; idempotencyKey: string }[]
}

/** `work` succeeds, but for tasks whose id begins with `bad`, which fail for good, and `shaky`, whose first attempt does. */
function countCalls(): Calls {
  const called: Calls['called'] = []
  const work: Tool = {
    name: 'work',
    retry: { maxAttempts: 2, initialDelayMs: 1, jitter: 0 },
    execute(args, { taskId, attempt, idempotencyKey, reportUsage, emitToken }) {
      called.push({ taskId, attempt, idempotencyKey })
      emitToken(`token of ${taskId} `)
      reportUsage({ totalTokensIn: 3, totalTokensOut: 1 })
      if (taskId.startsWith('bad')) throw Object.assign(new Error('No'), { retryable: false })
      if (taskId.startsWith('shaky') && attempt === 1) throw new Error('Not yet')
      return taskId.startsWith('large') ? { args, text: 'x'.repeat(70_000) } : { args, taskId }
    },
  }
  return { tools: [work], called }
}

async function runWhole(
  workflow: DAGStructure,
  options: ExecutionOptions = {},
): Promise<{
  result: ExecutionResult
  store: ExecutionStore
}> {
  const store = createMemoryStore()
  const executor = new StreamingExecutor(countCalls().tools, { ...options, store })
  return { result: await executor.execute(workflow, { input: { n: 7 } }), store }
}

/** What a crash must not change of a result. */
function essence({ results, status, errors, reason }: ExecutionResult): unknown {
  return {
    status,
    reason,
    errors,
    results: results.map(result => ({ ...result, attempts: 0, executionTimeMs: 0, waitMs: 0 })),
  }
}

async function readEvents(events: AsyncIterable<SSEEvent>): Promise<SSEEvent[]> {
  const all: SSEEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

async function expectResumedAlike(workflow: DAGStructure, options: ExecutionOptions, stride = 1): Promise<void> {
  const { result, store } = await runWhole(workflow, options)
  const kept = await readKept(store, result.executionId)
  for (let count = 0; count <= kept.entries.length; count += stride) {
    const left = await leaveAfter(kept, count)
    const settled = kept.entries
      .slice(0, count)
      .flatMap(({ type, json }) => (type === 'task_complete' ? [JSON.parse(json).taskId as string] : []))
    const { tools, called } = countCalls()
    const execution = await new StreamingExecutor(tools, { store: left }).resume(result.executionId)
    const events = await readEvents(execution)
    expect(essence(await execution.result), `after ${count} events`).toEqual(essence(result))
    expect(events.map(({ id }) => Number(id?.split('.')[1]))).toEqual(events.map((_, index) => index + 1))
    const prefix = events.slice(0, count).map(({ type, id }) => `${type} ${id}`)
    expect(prefix).toEqual(kept.entries.slice(0, count).map(({ type, seq }) => `${type} ${result.executionId}.${seq}`))
    expect(called.map(({ taskId }) => taskId).filter(taskId => settled.includes(taskId))).toEqual([])
    for (const { taskId, idempotencyKey } of called) expect(idempotencyKey).toBe(`${result.executionId}.${taskId}`)
    expect(events.filter(({ type }) => type === 'execution_complete')).toHaveLength(1)
    const ended = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
    expect(new Set(ended).size).toBe(workflow.tasks.length)
    expect(ended).toHaveLength(workflow.tasks.length)
  }
}

/** With a failure, what it skips, a large output and references; `second` decides whether a retry is on the way. */
const mixed = (second: 'shaky' | 'steady'): DAGStructure => ({
  name: 'mixed',
  tasks: [
    task('large', [], { arguments: { n: '$INPUT.n' } }),
    task(second, ['large'], { arguments: { text: '$OUTPUT[large].args' } }),
    task('bad', ['large']),
    task('below', ['bad']),
    task('further', ['below', second]),
    task('last', [second], { arguments: { all: `$OUTPUT[${second}]` } }),
  ],
})

for (const schedule of ['layers', 'dataflow'] as const) {
  for (const onTaskError of ['continue', 'fail-fast'] as const) {
    test(`left after any event, ${schedule} with ${onTaskError} ends as it would have`, async () => {
      await expectResumedAlike(diamond('a', ['b', 'c'], 'd'), { schedule, onTaskError })
      // What runs beside a failure depends on how long a retry waits.
      const second = onTaskError === 'continue' ? 'shaky' : 'steady'
      await expectResumedAlike(mixed(second), { schedule, onTaskError, maxConcurrency: 1 })
    })
  }
}

test('left anywhere, any graph ends as it would have', async () => {
  await forSeeds(15, async seed => {
    const random = createRandom(seed)
    const schedule = random() < 0.5 ? 'layers' : 'dataflow'
    const workflow = createRandomGraph(random, 25)
    await expectResumedAlike(workflow, { schedule, maxConcurrency: 1 + Math.floor(random() * 4) }, 7)
  })
})

test('left again and again, any graph ends as it would have, and calls nothing that has settled', async () => {
  await forSeeds(15, async seed => {
    const random = createRandom(seed)
    const schedule = random() < 0.5 ? 'layers' : 'dataflow'
    const workflow = createRandomGraph(random, 25)
    const { result, store } = await runWhole(workflow, { schedule, maxConcurrency: 1 + Math.floor(random() * 4) })
    const { executionId } = result
    let kept = await readKept(store, executionId)
    let count = Math.floor(random() * (kept.entries.length + 1))
    for (let lives = 2; lives <= 5; lives++) {
      const left = await leaveAfter(kept, count)
      const settled = kept.entries
        .slice(0, count)
        .flatMap(({ type, json }) => (type === 'task_complete' ? [JSON.parse(json).taskId as string] : []))
      const { tools, called } = countCalls()
      const execution = await new StreamingExecutor(tools, { store: left }).resume(executionId)
      expect(essence(await execution.result)).toEqual(essence(result))
      expect(called.filter(({ taskId }) => settled.includes(taskId))).toEqual([])
      kept = await readKept(left, executionId)
      expect(kept.entries.map(({ seq }) => seq)).toEqual(kept.entries.map((_, at) => at + 1))
      count += Math.floor(random() * (kept.entries.length - count + 1))
    }
  })
})
