import { expect, test } from 'vitest'
import {
  compileWorkflow,
  type DAGStructure,
  type Execution,
  type ExecutionResult,
  type Schedule,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { applyEvent, createState } from '../../src/index.ts'
import { counts } from '../support/outline.ts'
import { createRandom, createRandomGraph, forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'

const SCHEDULES = ['layers', 'dataflow'] as const
const SLOTS = [1, 2, 3, 8] as const

/** Fails the same tasks in every execution of a seed, and takes some of them a turn or two. */
function createFickleTool(
  seed: number,
  failureShare: number,
): {
  readonly execute: (args: Record<string, unknown>, context: { readonly taskId: string }) => unknown
  peak(): number
} {
  let running = 0
  let peakCount = 0
  const execute = (_: unknown, { taskId }: { readonly taskId: string }): unknown => {
    const random = createRandom(seed + Number(taskId.slice(1)))
    const fails = random() < failureShare
    const end = (): string => {
      running -= 1
      if (fails) throw new Error(`no ${taskId}`)
      return taskId
    }
    running += 1
    peakCount = Math.max(peakCount, running)
    if (random() < 0.3) return end()
    const turns = Math.floor(random() * 3)
    return (async () => {
      for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
      return end()
    })()
  }
  return { execute, peak: () => peakCount }
}

/** Everything that must hold of any execution that has ended. */
function expectSound(
  document: DAGStructure,
  events: readonly SSEEvent[],
  result: ExecutionResult,
  schedule: Schedule,
): void {
  const { totalTasks, ...ended } = counts(result)
  expect(totalTasks).toBe(document.tasks.length)
  expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(totalTasks)
  expect(result.results.map(({ taskId }) => taskId)).toEqual(document.tasks.map(({ id }) => id))

  const succeeded = new Set<string>()
  const settled = new Set<string>()
  const layerOf = new Map<string, number>()
  const unsettledIn: number[] = []
  const state = createState('')
  events.forEach((event, index) => {
    applyEvent(state, event, index + 1)
    if (event.type === 'execution_start') {
      event.data.layers.forEach((ids, layer) => {
        unsettledIn.push(ids.length)
        for (const id of ids) layerOf.set(id, layer)
      })
    } else if (event.type === 'task_start') {
      const { taskId } = event.data
      expect(settled.has(taskId)).toBe(false)
      const { dependsOn = [] } = document.tasks.find(({ id }) => id === taskId) ?? {}
      for (const id of dependsOn) expect(succeeded.has(id)).toBe(true)
      const before = unsettledIn.slice(0, layerOf.get(taskId))
      if (schedule === 'layers') expect(before.every(count => count === 0)).toBe(true)
    } else if (event.type === 'task_complete') {
      const { taskId, status } = event.data
      expect(settled.has(taskId)).toBe(false)
      settled.add(taskId)
      if (status === 'success') succeeded.add(taskId)
      const layer = layerOf.get(taskId) as number
      unsettledIn[layer] = (unsettledIn[layer] as number) - 1
    }
  })
  expect(settled.size).toBe(totalTasks)
  expect([events[0]?.type, events.at(-1)?.type]).toEqual(['execution_start', 'execution_complete'])
  expect([state.status, state.counts]).toEqual([result.status, counts(result)])
  for (const { taskId, status } of result.results) expect(state.tasks.get(taskId)?.status).toBe(status)
}

test('of any graph no task starts before its dependencies, each ends once, and all schedules and slots agree', async () => {
  await forSeeds(40, async seed => {
    const document = createRandomGraph(createRandom(seed), 40)
    const outcomes = new Set<string>()
    for (const schedule of SCHEDULES) {
      for (const maxConcurrency of SLOTS) {
        const tool = createFickleTool(seed, 0.1)
        const execution = new StreamingExecutor({ work: tool.execute }).stream(document, { schedule, maxConcurrency })
        const events = collectEvents(execution)
        const result = await execution.result
        expectSound(document, events, result, schedule)
        expect(tool.peak()).toBeLessThanOrEqual(maxConcurrency)
        outcomes.add(JSON.stringify(result.results.map(({ taskId, status, output }) => [taskId, status, output])))
      }
    }
    expect(outcomes.size).toBe(1)
  })
})

test('of any graph one plan runs twice at once, and each execution is whole', async () => {
  await forSeeds(20, async seed => {
    const document = createRandomGraph(createRandom(seed), 40)
    const tools = { work: createFickleTool(seed, 0.1).execute }
    const plan = compileWorkflow(document, tools)
    const executor = new StreamingExecutor(tools)
    const runs = SCHEDULES.map(schedule => {
      const execution = executor.stream(plan, { schedule, maxConcurrency: 3 })
      return { schedule, execution, events: collectEvents(execution) }
    })
    for (const { schedule, execution, events } of runs) {
      const result = await execution.result
      expectSound(document, events, result, schedule)
      expect(new Set(events.map(({ data }) => data.executionId)).size).toBe(1)
    }
  })
})

test('whatever fails, times out, is retried or cancelled, each task ends once and the counts add up', async () => {
  await forSeeds(60, async seed => {
    const random = createRandom(seed)
    const graph = createRandomGraph(random, 30)
    const document = {
      tasks: graph.tasks.map(task => ({
        ...task,
        ...(random() < 0.3 && { retry: { maxAttempts: 2, initialDelayMs: Math.floor(random() * 3) } }),
        ...(random() < 0.2 && { timeoutMs: 1 }),
      })),
    }
    const limit = random() < 0.5 ? { limit: 1 + Math.floor(random() * 3) } : {}
    const schedule = random() < 0.5 ? 'layers' : 'dataflow'
    const running: Execution[] = []
    const execute = async (): Promise<unknown> => {
      const fate = random()
      if (fate < 0.02) running[0]?.cancel('by chance')
      if (fate < 0.05) return new Promise(() => {})
      if (fate < 0.15) throw new Error('no')
      for (let turn = Math.floor(random() * 3); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
      return fate < 0.2 ? 1n : fate
    }
    const execution = new StreamingExecutor({ work: { execute, ...limit } }).stream(document, {
      schedule,
      maxConcurrency: SLOTS[Math.floor(random() * SLOTS.length)] as number,
      onTaskError: random() < 0.3 ? 'fail-fast' : 'continue',
      taskTimeoutMs: 3,
      abortGraceMs: 1,
      ...(random() < 0.2 && { timeoutMs: 5 }),
    })
    running.push(execution)
    const events = collectEvents(execution)
    expectSound(document, events, await execution.result, schedule)
  })
})
