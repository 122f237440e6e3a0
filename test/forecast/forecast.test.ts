import { expect, test } from 'vitest'
import { createLimit, type DAGStructure } from '../../src/index.ts'
import { createRandom } from '../support/random-graph.ts'
import { createRecorder, task } from './recorder.ts'

/** Two chains of unequal layers: `dataflow` overlaps them. */
const ladder: DAGStructure = {
  name: 'ladder',
  tasks: [task('a1'), task('b1'), task('a2', ['a1']), task('b2', ['b1']), task('c', ['a2', 'b2'])],
}

test('a tool without history makes the forecast null and is named', async () => {
  const { forecast } = createRecorder(() => 10)
  expect(await forecast(ladder)).toEqual({
    makespanMs: { layers: null, dataflow: null },
    criticalPath: null,
    criticalPathMs: null,
    tokenUsage: null,
    tools: { work: { count: 0, p50Ms: null, p90Ms: null } },
    unknown: ['work'],
  })
})

test('both schedules, the critical path, tokens and cost are forecast from recorded tasks', async () => {
  const times: Readonly<Record<string, number>> = { a1: 10, a2: 100, b1: 80, b2: 20, c: 5 }
  const { run, forecast } = createRecorder(id => times[id] as number)
  const workflow = {
    ...ladder,
    tasks: ladder.tasks.map(each => (each.id === 'c' ? task('c', ['a2', 'b2'], 'model') : each)),
  }
  await run(workflow)
  expect(await forecast(workflow)).toEqual({
    makespanMs: { layers: 185, dataflow: 115 },
    criticalPath: ['a1', 'a2', 'c'],
    criticalPathMs: 115,
    tokenUsage: { totalTokensIn: 100, totalTokensOut: 10 },
    cost: 0.5,
    tools: { work: { count: 4, p50Ms: 20, p90Ms: 100 }, model: { count: 1, p50Ms: 5, p90Ms: 5 } },
    unknown: [],
  })
  expect((await forecast(workflow, 1)).makespanMs).toEqual({ layers: 215, dataflow: 215 })
})

test('tasks of other workflows are forecast from their tools', async () => {
  const { run, forecast } = createRecorder(() => 30)
  await run(ladder)
  const other = { name: 'other', tasks: [task('x'), task('y', ['x'])] }
  expect((await forecast(other)).makespanMs).toEqual({ layers: 60, dataflow: 60 })
})

test('a shared limit and a rate bound the makespan', async () => {
  const wide: DAGStructure = { name: 'wide', tasks: ['a', 'b', 'c', 'd'].map(id => task(id)) }
  const limited = createRecorder(() => 10, { limit: createLimit(2) })
  const limitedMs = await limited.run(wide)
  expect((await limited.forecast(wide)).makespanMs).toEqual({ layers: 20, dataflow: 20 })
  expect(limitedMs).toBe(20)
  const rated = createRecorder(() => 10, { rate: { max: 1, perMs: 100 } })
  const ratedMs = await rated.run(wide)
  expect((await rated.forecast(wide)).makespanMs).toEqual({ layers: 310, dataflow: 310 })
  expect(ratedMs).toBe(310)
})

test('items, rounds, nested workflows and finally tasks are forecast', async () => {
  const { run, forecast } = createRecorder(() => 10)
  const workflow: DAGStructure = {
    name: 'groups',
    tasks: [
      task('list'),
      { id: 'each', tool: 'work', arguments: {}, forEach: '$OUTPUT[list]', concurrency: 1 },
      { id: 'sub', workflow: { tasks: [task('x'), task('y', ['x'])] }, arguments: {} },
      { id: 'again', tool: 'work', arguments: {}, repeat: { until: 'index == 1', everyMs: 5, maxTimes: 9 } },
    ],
    finally: [task('clean')],
  }
  const before = await forecast(workflow)
  expect(before).toMatchObject({ unknown: ['work'], unknownCounts: ['again', 'each'] })
  const ms = await run(workflow)
  const { makespanMs } = await forecast(workflow)
  expect(makespanMs).toEqual({ layers: ms, dataflow: expect.any(Number) })
  expect(makespanMs.dataflow).toBe(await run(workflow, { schedule: 'dataflow' }))
})

test('delays between rounds stay finite, and no longer than a day', async () => {
  const { run, forecast } = createRecorder(() => 10)
  await run(ladder)
  const again = (everyMs: number): DAGStructure => ({
    tasks: [{ id: 'a', tool: 'work', arguments: {}, repeat: { maxTimes: 1000, everyMs, factor: 10 } }],
  })
  expect(await forecast(again(0))).toMatchObject({
    makespanMs: { layers: 10_000, dataflow: 10_000 },
    criticalPathMs: 10_000,
  })
  // 1 s, 10 s, 100 s, 1,000 s, 10,000 s, then 994 days.
  const ms = 11_111_000 + 994 * 86_400_000 + 10_000
  expect(await forecast(again(1000))).toMatchObject({ makespanMs: { layers: ms, dataflow: ms }, criticalPathMs: ms })
})

test('a document that has changed does not take children of another kind for its items or rounds', async () => {
  const { run, forecast } = createRecorder(() => 10)
  const withP = (p: object): DAGStructure => ({
    name: 'w',
    tasks: [task('list'), { id: 'p', tool: 'work', arguments: {}, ...p }],
  })
  const inner = { tasks: ['1', '2', '3', '4', '5'].map(id => task(id)) }
  await run({ name: 'w', tasks: [{ id: 'p', workflow: inner, arguments: {} }] })
  expect(await forecast(withP({ forEach: '$OUTPUT[list]' }))).toMatchObject({ unknownCounts: ['p'] })
  const until = (maxTimes: number): object => ({ repeat: { maxTimes, until: 'false', onExhausted: 'keep' } })
  await run(withP({ forEach: '$OUTPUT[list]' }))
  expect(await forecast(withP(until(9)))).toMatchObject({ unknownCounts: ['p'] })
  await run(withP(until(9)))
  expect((await forecast(withP(until(2)))).criticalPathMs).toBe(20)
})

test('rounds that a failure ended say nothing about the number of rounds', async () => {
  const { run, forecast } = createRecorder(id => (id === 'a[1]' ? -10 : 10))
  const workflow: DAGStructure = {
    name: 'failing',
    tasks: [{ id: 'a', tool: 'work', arguments: {}, repeat: { maxTimes: 9, until: 'index == 5' } }],
  }
  await run(workflow)
  expect(await forecast(workflow)).toMatchObject({ unknown: [], unknownCounts: ['a'] })
})

test('the concurrency of items that are workflows bounds the items, not their tasks', async () => {
  const { run, forecast } = createRecorder(() => 10)
  const inner = { tasks: [task('x'), { id: 'y', tool: 'work', arguments: {}, forEach: '$OUTPUT[x]' }] }
  const workflow: DAGStructure = {
    name: 'wide',
    tasks: [task('list'), { id: 'p', workflow: inner, arguments: {}, forEach: '$OUTPUT[list]', concurrency: 2 }],
  }
  expect(await run(workflow)).toBe(50)
  expect((await forecast(workflow)).makespanMs).toEqual({ layers: 50, dataflow: 50 })
})

test('a workflow that is too large for a forecast says so', async () => {
  const { run, forecast } = createRecorder(() => 10)
  await run(ladder)
  const list = Array.from({ length: 100 }, (_, at) => at)
  const each = (_: unknown, at: number): DAGStructure['tasks'][number] => ({
    id: `p${at}`,
    tool: 'work',
    arguments: {},
    forEach: { a: list, b: list },
  })
  const found = await forecast({ tasks: Array.from({ length: 11 }, each) })
  expect(found).toMatchObject({ isTooLarge: true, unknown: [], makespanMs: { layers: null, dataflow: null } })
})

test('a task that took over an output is no sample', async () => {
  const times = [40, 40]
  const { run, forecast } = createRecorder(() => times.shift() as number, { readOnly: true })
  const workflow = { name: 'cached', tasks: [{ ...task('a'), cache: { ttlMs: 86_400_000 } }] }
  await run(workflow)
  await run(workflow)
  expect((await forecast(workflow)).tools).toEqual({ work: { count: 1, p50Ms: 40, p90Ms: 40 } })
})

test.each([1, 2, 3, 4, 5])(
  'seed %i: 20 recorded executions forecast the next ones within 15 percent in the median',
  async seed => {
    const random = createRandom(seed)
    // Exponential tails: medians alone would be a third too short.
    const timeOf = (id: string): number => Math.round((id.length * 40 + 60) * (0.5 - Math.log(1 - random()) / 2))
    const layers = [['a', 'b', 'cc', 'd'], ['e', 'ff', 'g'], ['h', 'i', 'jj', 'k', 'l'], ['m']]
    const tasks = layers.flatMap((ids, layer) =>
      ids.map(id =>
        task(
          id,
          (layers[layer - 1] ?? []).filter(() => layer === 3 || random() < 0.6),
        ),
      ),
    )
    const workflow = { name: 'figure', tasks }
    const { run, forecast } = createRecorder(timeOf)
    for (let i = 0; i < 20; i++) await run(workflow)
    const { makespanMs } = await forecast(workflow, 4)
    for (const schedule of ['layers', 'dataflow'] as const) {
      const found: number[] = []
      for (let i = 0; i < 41; i++) found.push(await run(workflow, { schedule, maxConcurrency: 4 }))
      const median = found.sort((a, b) => a - b)[20] as number
      expect(Math.abs((makespanMs[schedule] as number) / median - 1), schedule).toBeLessThan(0.15)
    }
  },
)
