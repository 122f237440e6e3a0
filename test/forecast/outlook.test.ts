import { expect, test } from 'vitest'
import { createLimit, createMemoryStore, type DAGStructure, StreamingExecutor } from '../../src/index.ts'
import { createRandom, createRandomGraph } from '../support/random-graph.ts'
import { createRecorder, task } from './recorder.ts'

/** Two chains of unequal layers: `dataflow` overlaps them. */
const ladder: DAGStructure = {
  name: 'ladder',
  tasks: [task('a1'), task('b1'), task('a2', ['a1']), task('b2', ['b1']), task('c', ['a2', 'b2'])],
}
const times: Readonly<Record<string, number>> = { a1: 10, a2: 100, b1: 80, b2: 20, c: 5, d: 5 }

/** A task that is longer than it looks: the order of the document starts it last. */
const skewed: DAGStructure = { name: 'skewed', tasks: [task('a'), task('b'), task('c'), task('long')] }
const timeOfSkewed = (id: string): number => (id === 'long' ? 300 : 100)

test('`execution_start` has the forecast of its own schedule and slots, and none without history', async () => {
  const { record } = createRecorder(id => times[id] as number)
  expect((await record(ladder)).start).not.toHaveProperty('forecastMs')
  expect((await record(ladder)).start.forecastMs).toBe(185)
  expect((await record(ladder, { schedule: 'dataflow' })).start.forecastMs).toBe(115)
  expect((await record(ladder, { maxConcurrency: 1 })).start.forecastMs).toBe(215)
  const { start } = await record({ name: 'other', tasks: [...ladder.tasks, task('d', [], 'model')] })
  expect(start).not.toHaveProperty('forecastMs')
})

test('the history of a store that was filled before is known to the first start', async () => {
  const { record, store } = createRecorder(id => times[id] as number)
  await record(ladder)
  // Another object: nothing of the first process is known to it.
  const other = createRecorder(id => times[id] as number, {}, { ...store })
  const renamed = new StreamingExecutor(other.tools, { clock: other.clock, store: other.store })
  expect((await other.follow(renamed.stream(ladder))).start.forecastMs).toBe(185)
})

test('a store that answers later delays no start, and one that fails is no reason to fail', async () => {
  for (const recent of [
    () => new Promise<never>(() => {}),
    () => {
      throw new Error('no history')
    },
    () => Promise.reject(new Error('no history')),
  ]) {
    const { record } = createRecorder(() => 10, {}, { ...createMemoryStore(), recent })
    const { result, start } = await record(ladder)
    expect(result.status).toBe('success')
    expect(start).not.toHaveProperty('forecastMs')
    // What ended here is known all the same.
    expect((await record(ladder)).start.forecastMs).toBe(30)
  }
})

test('an owner does not learn from the executions of others', async () => {
  const { record, store, executor, follow } = createRecorder(() => 10)
  await record(ladder)
  const owned = { ...store, recent: ({ owner }: { owner?: string }) => (owner === undefined ? [] : ['x1']) }
  expect((await follow(executor.stream(ladder, { store: owned }))).start).not.toHaveProperty('forecastMs')
})

test('a fork leaves out what it takes over', async () => {
  const { record, executor, follow } = createRecorder(id => times[id] as number, { readOnly: true })
  const { executionId } = await record(ladder)
  const again = await follow(await executor.fork(executionId, { from: ['a2'] }))
  expect(again.start.forecastMs).toBe(105)
  expect(again.ms).toBe(105)
  expect((await follow(await executor.fork(executionId))).start.forecastMs).toBe(0)
})

test('a fork of items, rounds and nested workflows leaves out the items that it takes over', async () => {
  const failing = new Set(['each[1]', 'sub/y'])
  const { record, executor, follow } = createRecorder(id => (failing.has(id) ? -10 : 10))
  const workflow: DAGStructure = {
    name: 'groups',
    tasks: [
      task('list'),
      { id: 'each', tool: 'work', arguments: {}, forEach: '$OUTPUT[list]', concurrency: 1 },
      { id: 'sub', workflow: { tasks: [task('x'), task('y', ['x']), task('z', ['x'])] }, arguments: {} },
    ],
  }
  const { executionId } = await record(workflow)
  failing.clear()
  const { start, ms } = await follow(await executor.fork(executionId))
  // `sub/y`, and then the item that failed and the one that it stopped.
  expect(ms).toBe(30)
  expect(start.forecastMs).toBe(30)
})

test('`dataflow` starts first what most depends on, by the history', async () => {
  const { record } = createRecorder(timeOfSkewed)
  const first = await record(skewed, { schedule: 'dataflow', maxConcurrency: 2 })
  expect(first).toMatchObject({ started: ['a', 'b', 'c', 'long'], ms: 400 })
  const second = await record(skewed, { schedule: 'dataflow', maxConcurrency: 2 })
  expect(second).toMatchObject({ started: ['long', 'a', 'b', 'c'], ms: 300 })
  expect(second.start.forecastMs).toBe(300)
  // Only the log has the estimates.
  expect(second.start).not.toHaveProperty('estimatesMs')
})

test('estimates of the document win over learned ones, which may be in another unit', async () => {
  const { record } = createRecorder(timeOfSkewed)
  await record(skewed)
  const tasks = skewed.tasks.map(each => ({ ...each, estimatedMs: each.id === 'c' ? 2 : 1 }))
  const { started } = await record({ ...skewed, tasks }, { schedule: 'dataflow', maxConcurrency: 2 })
  expect(started).toEqual(['c', 'a', 'b', 'long'])
})

test('a parent counts with its items, and a task without history like the median of the others', async () => {
  const { record } = createRecorder(id => (id.startsWith('each') ? 90 : 100))
  const each = { id: 'each', tool: 'work', arguments: {}, forEach: [1, 2, 3], concurrency: 1 }
  const workflow: DAGStructure = { name: 'parent', tasks: [task('a'), task('b'), each] }
  await record(workflow)
  const { started } = await record(workflow, { schedule: 'dataflow', maxConcurrency: 1 })
  expect(started.filter(id => !id.includes('['))).toEqual(['each', 'a', 'b'])
  const more = { name: 'parent', tasks: [task('new', [], 'model'), ...workflow.tasks] }
  const { start, started: later } = await record(more, { schedule: 'dataflow', maxConcurrency: 1 })
  expect(later.filter(id => !id.includes('['))).toEqual(['each', 'new', 'a', 'b'])
  expect(start).not.toHaveProperty('forecastMs')
})

test('after a crash the forecast is the recorded one, and the order of starts is the same', async () => {
  const { record, store, executor, tools, clock, follow } = createRecorder(timeOfSkewed)
  const workflow = { ...skewed, tasks: [...skewed.tasks, task('d'), task('e', ['d'])] }
  const options = { schedule: 'dataflow', maxConcurrency: 1 } as const
  await record(workflow, options)
  const whole = await record(workflow, options)
  expect(whole.started).toEqual(['long', 'd', 'a', 'b', 'c', 'e'])
  // Its process is gone after the first task; the next one has no history at all.
  const cut = executor.stream(workflow, options)
  void cut.result.catch(() => {})
  await clock.run(300)
  const next = new StreamingExecutor(tools, { clock, store: { ...store, recent: () => [] } })
  const resumed = await follow(await next.resume(cut.executionId))
  expect(resumed.started).toEqual(whole.started)
  expect(resumed.start.forecastMs).toBe(whole.start.forecastMs)
})

test.each([1, 2, 3])('seed %i: learned priorities change no result', async seed => {
  const random = createRandom(seed)
  const tasks = createRandomGraph(random, 20).tasks.map(({ id, dependsOn }) => task(id, dependsOn))
  const workflow = { name: 'random', tasks }
  const spans = new Map<string, number>()
  const { record } = createRecorder(id => {
    const ms = spans.get(id) ?? Math.ceil(random() * 100) * (random() < 0.1 ? -1 : 1)
    spans.set(id, ms)
    return ms
  })
  const options = { schedule: 'dataflow', maxConcurrency: 3 } as const
  const [plain, learned] = [await record(workflow, options), await record(workflow, options)]
  const outcomes = ({ result }: typeof plain): unknown =>
    result.results.map(({ taskId, status, output, error }) => ({ taskId, status, output, error }))
  expect(outcomes(learned)).toEqual(outcomes(plain))
  expect(learned.result.status).toBe(plain.result.status)
})

const groups: DAGStructure = {
  name: 'groups',
  tasks: [
    task('list'),
    { id: 'each', tool: 'work', arguments: {}, forEach: '$OUTPUT[list]', concurrency: 2 },
    { id: 'sub', workflow: { tasks: [task('x'), task('y', ['x']), task('z', ['x'])] }, arguments: {} },
    { id: 'again', tool: 'work', arguments: {}, repeat: { everyMs: 20, maxTimes: 3 }, dependsOn: ['each'] },
    task('last', ['sub', 'again']),
  ],
}
const wide: DAGStructure = {
  name: 'wide',
  tasks: [...Array.from({ length: 9 }, (_, at) => task(`t${at}`)), task('join', ['t0', 't4', 't8'])],
}
const retried: DAGStructure = {
  name: 'retried',
  tasks: ['a', 'b', 'c', 'd', 'e', 'f'].map((id, at) => ({
    ...task(id, at < 3 ? [] : ['a', 'b', 'c']),
    retry: { maxAttempts: 4, initialDelayMs: 200 },
  })),
}
test.each([
  ['layers', groups, { schedule: 'layers' }, {}],
  ['dataflow', groups, { schedule: 'dataflow' }, {}],
  ['three slots', wide, { schedule: 'dataflow', maxConcurrency: 3 }, {}],
  ['a limit', wide, { schedule: 'layers' }, { limit: createLimit(2) }],
  ['retries', retried, { schedule: 'dataflow' }, {}],
] as const)(
  '%s: the 21st execution is forecast within 15 percent in the median',
  async (_, workflow, options, more) => {
    const faults: number[] = []
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = createRandom(seed)
      // Exponential tails; where there are retries, the first attempts of two tasks fail.
      const timeOf = (id: string, attempt: number): number => {
        const ms = Math.round((id.length * 40 + 60) * (0.5 - Math.log(1 - random()) / 2))
        return workflow === retried && attempt < 2 && (id === 'a' || id === 'd') ? -ms : ms
      }
      const { record } = createRecorder(timeOf, more)
      for (let count = 0; count < 20; count++) await record(workflow, options)
      const { start } = await record(workflow, options)
      const found: number[] = []
      for (let count = 0; count < 21; count++) found.push((await record(workflow, options)).ms)
      faults.push(Math.abs((start.forecastMs as number) / median(found) - 1))
    }
    expect(median(faults)).toBeLessThan(0.15)
  },
)

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2] as number
}
