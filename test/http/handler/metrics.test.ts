import { readFileSync } from 'node:fs'
import { createMemorySharedStore } from '../../support/memory-shared-store.ts'
import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, type ExecutionStore } from '../../../src/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { fan, task, workflow } from '../../support/workflows.ts'
import { type Metric, parseExposition } from './exposition.ts'
import { follow, type HandlerRig, handlerRig, ONE_TASK, STREAM } from './handler-rig.ts'

async function scrape({ get }: HandlerRig): Promise<ReadonlyMap<string, Metric>> {
  return parseExposition(await (await get('/metrics')).text())
}

/** The samples of one metric, by their only label. */
async function readByLabel(rig: HandlerRig, name: string): Promise<Record<string, number>> {
  const samples = (await scrape(rig)).get(name)?.samples.values() ?? []
  return Object.fromEntries(Array.from(samples, ({ labels, value }) => [Object.values(labels)[0] ?? '', value]))
}

/** All figures that may only rise, by name and labels. */
async function readRising(rig: HandlerRig): Promise<ReadonlyMap<string, number>> {
  const rising = [...(await scrape(rig)).values()].filter(({ type }) => type !== 'gauge')
  return new Map(rising.flatMap(({ samples }) => Array.from(samples, ([key, { value }]) => [key, value] as const)))
}

test('the text is of the format, each figure explained, its unit and kind in its name', async () => {
  const rig = handlerRig()
  await rig.begin(ONE_TASK)
  await rig.tool.succeedAll()
  const metrics = [...(await scrape(rig)).values()]
  expect(metrics.length).toBeGreaterThan(15)
  for (const { name, type, help } of metrics) {
    expect(name).toMatch(/^dagstream_[a-z_]+$/)
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    expect([name, /_(ms|milliseconds|kb|mb)\b/.test(name)]).toEqual([name, false])
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(help).toMatch(/\.$/)
  }
})

test('every figure is in the documentation, and none that is not there', async () => {
  const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8')
  const documented = Array.from(page.matchAll(/^\| `(dagstream_[a-z_]+)/gm), match => match[1])
  const clock = new FakeClock()
  const shared = handlerRig({ clock, store: createMemorySharedStore(clock), work: false })
  // In the same order.
  expect(documented).toEqual([...(await scrape(shared)).keys()])
  const own = [...(await scrape(handlerRig())).keys()]
  expect(own).toEqual(documented.slice(0, own.length))
})

const USAGE = { totalTokensIn: 100, totalTokensOut: 10, totalCacheReads: 5, totalCacheWrites: 2, totalCost: 0.25 }

const MIXED: DAGStructure = workflow(
  task('good'),
  task('flaky', [], { retry: { maxAttempts: 2, initialDelayMs: 1000, jitter: 0 } }),
  task('bad'),
  task('below', ['bad']),
  task('further', ['below']),
  task('slow'),
)

test('tasks, tokens and cost add up over retries, failures and cancellations, and no counter ever falls', async () => {
  const rig = handlerRig({ schedule: 'dataflow' })
  const { tool, clock, send } = rig
  let before = await readRising(rig)
  const expectRisen = async (): Promise<void> => {
    const now = await readRising(rig)
    expect([...before].filter(([key, value]) => !((now.get(key) as number) >= value))).toEqual([])
    before = now
  }
  for (let round = 0; round < 2; round++) {
    const executionId = await rig.begin(MIXED)
    const [good, flaky, bad, slow] = await tool.nextCalls('good', 'flaky', 'bad', 'slow')
    good.context.reportUsage({ totalTokensIn: 1 })
    good.succeed()
    flaky.context.reportUsage(USAGE)
    flaky.fail()
    bad.context.reportUsage(USAGE)
    bad.fail()
    await tool.idle()
    await expectRisen()
    await clock.run(1000)
    ;(await tool.nextCall('flaky')).succeed()
    slow.context.reportUsage(USAGE)
    await tool.idle()
    await send('POST', `/executions/${executionId}/cancel`)
    slow.context.reportUsage({ totalCost: 0.5 })
    slow.fail()
    await tool.idle()
    await expectRisen()
  }
  expect(await readByLabel(rig, 'dagstream_tasks_total')).toEqual({ success: 4, error: 2, skipped: 4, cancelled: 2 })
  expect(await readByLabel(rig, 'dagstream_executions_total')).toMatchObject({ cancelled: 2, success: 0, lost: 0 })
  expect(await rig.figure('dagstream_task_retries_total')).toBe(2)
  expect(await readByLabel(rig, 'dagstream_tokens_total')).toEqual({
    in: 602,
    out: 60,
    cache_read: 30,
    cache_write: 12,
  })
  expect(await rig.figure('dagstream_cost_usd_total')).toBe(2 * (3 * 0.25 + 0.5))
  const { result } = await (await rig.get('/executions/x1')).json()
  expect(result.tokenUsage.totalTokensIn * 2).toBe(602)
})

test('current activity is reported: running tasks, and those that wait for a slot, a limit or their next attempt', async () => {
  const clock = new FakeClock()
  const rig = handlerRig({ clock })
  const limited = handlerRig({
    clock,
    tools: [
      { name: 'work', execute: rig.tool.execute },
      { name: 'one', limit: 1, execute: rig.tool.execute },
    ],
    maxConcurrency: 2,
  })
  const one = (id: string) => ({ ...task(id), tool: 'one' })
  const retry = { maxAttempts: 2, initialDelayMs: 1000, jitter: 0 }
  await limited.begin(workflow(one('l1'), one('l2'), one('l3'), task('again', [], { retry }), 'w1', 'w2'))
  ;(await rig.tool.nextCall('again')).fail()
  await rig.tool.idle()
  expect(await limited.figure('dagstream_tasks_running')).toBe(2)
  expect(await readByLabel(limited, 'dagstream_tasks_waiting')).toEqual({ slot: 1, limit: 2, retry: 1 })
  await clock.run(1000)
  await rig.tool.succeedAll()
  expect(await limited.figure('dagstream_tasks_running')).toBe(0)
  expect(await readByLabel(limited, 'dagstream_tasks_waiting')).toEqual({ slot: 0, limit: 0, retry: 0 })
})

test('the lag is how much, and how long, the slowest stream has let events wait', async () => {
  const rig = handlerRig({ stallTimeoutMs: 3_600_000 })
  const { create, tool, clock, figure } = rig
  const lag = async (): Promise<unknown> => [
    await figure('dagstream_event_lag_events'),
    await figure('dagstream_event_lag_seconds'),
  ]
  const fast = await rig.follow(fan(2))
  const call = await tool.nextCall('t0')
  await tool.nextCall('t1')
  await clock.run(2000)
  expect(await lag()).toEqual([0, 0])
  // Opened, and not read: what happened before has not waited for it.
  const slow = await rig.get('/executions/x1/events')
  expect(await lag()).toEqual([3, 0])
  await clock.run(4500)
  call.context.log('info', 'one more')
  await tool.idle()
  expect(await lag()).toEqual([4, 4.5])
  const late = follow(slow)
  await tool.idle()
  expect(await lag()).toEqual([0, 0])
  await Promise.all([fast.leave(), late.leave()])
  await create(ONE_TASK, { Prefer: 'respond-async' })
  expect(await lag()).toEqual([0, 0])
})

test('the duration of an append is measured until the store has kept it', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock })
  const slow: ExecutionStore = {
    ...store,
    append: (lease, firstSeq, entries) =>
      new Promise(resolve => clock.after(20, () => resolve(store.append(lease, firstSeq, entries)))),
  }
  const rig = handlerRig({ clock, store: slow })
  await rig.begin(ONE_TASK)
  await clock.run(100)
  await rig.tool.succeedAll()
  await clock.run(100)
  const name = 'dagstream_store_append_duration_seconds'
  const count = await rig.figure(`${name}_count`)
  expect(count).toBe((await rig.figure(`${name}_sum`)) / 0.02)
  expect(count).toBeGreaterThanOrEqual(2)
  const bucket = (bound: string): Promise<number> => rig.figure(`${name}_bucket{le="${bound}"}`)
  expect([await bucket('0.01'), await bucket('0.05'), await bucket('+Inf')]).toEqual([0, count, count])
})

test('entries that the store did not keep are not counted', async () => {
  const store = createMemoryStore()
  const failing: ExecutionStore = {
    ...store,
    append: (lease, firstSeq, entries) => {
      if (firstSeq > 1) throw new Error('disk full')
      return store.append(lease, firstSeq, entries)
    },
  }
  const rig = handlerRig({ store: failing })
  await rig.begin(ONE_TASK)
  await rig.tool.succeedAll()
  expect(await readByLabel(rig, 'dagstream_tasks_total')).toEqual({ success: 0, error: 0, skipped: 0, cancelled: 0 })
  expect(await readByLabel(rig, 'dagstream_executions_total')).toMatchObject({ success: 0, lost: 1 })
  expect(await rig.figure('dagstream_store_append_duration_seconds_count')).toBe(1)
})

test('requests are counted by the status of their answer', async () => {
  const rig = handlerRig()
  await rig.begin(ONE_TASK)
  await rig.get('/executions/none')
  await rig.get('/nowhere')
  await rig.get('/healthz', { Accept: STREAM })
  expect(await readByLabel(rig, 'dagstream_http_requests_total')).toEqual({ 200: 1, 202: 1, 404: 2 })
})

test('the items of a fan-out are counted as any task, and no label is a task', async () => {
  const rig = handlerRig({ tools: { work: () => 1 } })
  await (await rig.create(ONE_TASK)).text()
  const keys = async (): Promise<string[]> =>
    [...(await scrape(rig)).values()].flatMap(({ samples }) => [...samples.keys()])
  const before = await keys()
  await (
    await rig.create({ tasks: [{ id: 'each', tool: 'work', forEach: Array.from({ length: 50 }, () => 0) }] })
  ).text()
  expect(await keys()).toEqual(before)
  expect(await readByLabel(rig, 'dagstream_tasks_total')).toEqual({ success: 52, error: 0, skipped: 0, cancelled: 0 })
})
