import { expect, test } from 'vitest'
import { ControlledTool } from '../support/controlled-tool.ts'
import { outputsOf, SharedRig } from '../support/shared/shared-rig.ts'
import { chain, diamond, fan, workflow } from '../support/workflows.ts'

async function begin(
  graph = chain(2),
  concurrency = 4,
): Promise<{ rig: SharedRig; tool: ControlledTool; first: Awaited<ReturnType<SharedRig['start']>> }> {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } })
  await rig.addWorker(concurrency)
  return { rig, tool, first: await rig.start(graph) }
}

test('attempts that run during a takeover go on and are not run again', async () => {
  const { rig, tool, first } = await begin(diamond('a', ['b', 'c'], 'd'))
  ;(await tool.nextCall('a')).succeed()
  const [b, c] = await tool.nextCalls('b', 'c')
  first.kill()
  const second = await rig.takeOver()
  await tool.idle()
  b.succeed('b')
  c.succeed('c')
  ;(await tool.nextCall('d')).succeed()
  expect(await outputsOf(second)).toMatchObject({ b: 'b', c: 'c' })
  expect(tool.started).toEqual(['a', 'b', 'c', 'd'])
  const resumed = (await rig.events()).filter(({ type }) => type === 'execution_resumed')
  expect(resumed.map(({ data }) => data)).toMatchObject([{ cause: 'crash', continued: ['b', 'c'] }])
})

test('an outcome that comes between two coordinators is taken by the next', async () => {
  const { rig, tool, first } = await begin()
  const call = await tool.nextCall('t0')
  first.kill()
  call.succeed(7)
  await tool.idle()
  const second = await rig.takeOver()
  ;(await tool.nextCall('t1')).succeed(8)
  expect(await outputsOf(second)).toMatchObject({ t0: 7, t1: 8 })
  expect(tool.started).toEqual(['t0', 't1'])
})

test('an order that no worker has taken yet is taken during the takeover', async () => {
  const { rig, tool, first } = await begin(fan(3), 1)
  const call = await tool.nextCall('t0')
  first.kill()
  call.succeed()
  ;(await tool.nextCall('t1')).succeed()
  const second = await rig.takeOver()
  ;(await tool.nextCall('t2')).succeed()
  expect(await second?.loop.result).toMatchObject({ successCount: 3 })
  expect(tool.started).toEqual(['t0', 't1', 't2'])
})

test('the same attempt survives any number of coordinators and is not parked', async () => {
  const { rig, tool, first } = await begin(chain(1))
  const call = await tool.nextCall('t0')
  let last = first
  for (let life = 0; life < 6; life++) {
    last.kill()
    const next = await rig.takeOver()
    if (next === undefined) throw new Error(`Parked at life ${life}`)
    last = next
    await tool.idle()
  }
  call.succeed(1)
  expect(await last.loop.result).toMatchObject({ status: 'success' })
  expect(tool.started).toEqual(['t0'])
})

test('a continued attempt holds its slot', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } }, { maxConcurrency: 1 })
  await rig.addWorker()
  const first = await rig.start(fan(2))
  const call = await tool.nextCall('t0')
  first.kill()
  const second = await rig.takeOver()
  await tool.idle()
  expect(tool.started).toEqual(['t0'])
  call.succeed()
  ;(await tool.nextCall('t1')).succeed()
  expect(await second?.loop.result).toMatchObject({ status: 'success' })
})

test('an attempt that was cancelled before the takeover is cancelled again and ends', async () => {
  const { rig, tool, first } = await begin(chain(1))
  const call = await tool.nextCall('t0')
  // The stop is in the log, and the request to the worker is lost.
  const { orders } = rig.store
  const cancel = orders.cancel.bind(orders)
  orders.cancel = () => Promise.reject(new Error('away'))
  first.loop.cancel({ code: 'CANCELLED', message: 'Enough' })
  await tool.idle()
  first.kill()
  expect(await rig.outline('execution_stopping')).toHaveLength(1)
  orders.cancel = cancel
  const second = await rig.takeOver()
  await tool.idle()
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  expect(await second?.loop.result).toMatchObject({ status: 'cancelled', cancelledCount: 1 })
})

test('an attempt that was aborted without a stop in the log runs again', async () => {
  const { rig, tool, first } = await begin(chain(1))
  const call = await tool.nextCall('t0')
  first.kill()
  await rig.store.orders.cancel({ executionId: 'x', taskId: 't0', attempt: 1 }, { code: 'CANCELLED', message: 'lost' })
  await tool.idle()
  call.fail(new Error('aborted'))
  const second = await rig.takeOver()
  ;(await tool.nextCall('t0')).succeed(1)
  expect(await outputsOf(second)).toMatchObject({ t0: 1 })
})

test('usage is exact over coordinators', async () => {
  const { rig, tool, first } = await begin(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.context.reportUsage({ totalTokensIn: 3, totalTokensOut: 1, totalCost: 0.1 })
  b.context.reportUsage({ totalTokensIn: 10, totalTokensOut: 0 })
  await tool.idle()
  first.kill()
  a.context.reportUsage({ totalTokensIn: 4, totalTokensOut: 0, totalCost: 0.2 })
  const second = await rig.takeOver()
  await tool.idle()
  a.context.reportUsage({ totalTokensIn: 5, totalTokensOut: 0, totalCost: 0.4 })
  a.succeed()
  b.succeed()
  const { tokenUsage } = (await second?.loop.result) ?? {}
  expect(tokenUsage).toEqual({ totalTokensIn: 22, totalTokensOut: 1, totalCost: 0.1 + 0.2 + 0.4 })
})

test('a budget counts what continued attempts used before', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } }, { maxTokens: 10 })
  await rig.addWorker()
  const first = await rig.start(chain(1))
  const call = await tool.nextCall('t0')
  call.context.reportUsage({ totalTokensIn: 8, totalTokensOut: 0 })
  await tool.idle()
  first.kill()
  const second = await rig.takeOver()
  await tool.idle()
  expect(call.context.signal.aborted).toBe(false)
  call.context.reportUsage({ totalTokensIn: 3, totalTokensOut: 0 })
  await tool.idle()
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  expect(await second?.loop.result).toMatchObject({ status: 'cancelled', reason: { code: 'BUDGET_EXCEEDED' } })
})

test('a handoff leaves the attempts to the next coordinator', async () => {
  const { rig, tool, first } = await begin(chain(2))
  const call = await tool.nextCall('t0')
  first.loop.handOff()
  await expect(first.loop.ended).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  await tool.idle()
  expect(call.context.signal.aborted).toBe(false)
  const second = await rig.takeOver()
  call.succeed()
  ;(await tool.nextCall('t1')).succeed()
  expect(await second?.loop.result).toMatchObject({ status: 'success' })
  const resumed = (await rig.events()).filter(({ type }) => type === 'execution_resumed')
  expect(resumed.map(({ data }) => data)).toMatchObject([{ cause: 'handoff', continued: ['t0'] }])
})

test('a coordinator that was fenced off cancels nothing', async () => {
  const { rig, tool, first } = await begin(chain(1))
  const call = await tool.nextCall('t0')
  const second = await rig.takeOver()
  call.context.emitToken('x')
  await tool.idle()
  await expect(first.loop.ended).rejects.toMatchObject({ code: 'FENCED' })
  await rig.clock.run(5000)
  expect(call.context.signal.aborted).toBe(false)
  call.succeed(1)
  expect(await second?.loop.result).toMatchObject({ status: 'success' })
  expect(tool.started).toEqual(['t0'])
})

test('with `onCrash: "fail"` a takeover is a crash, also for attempts that still run: they are aborted, nothing runs again', async () => {
  const tool = new ControlledTool()
  const rig = new SharedRig({ work: { execute: tool.execute } }, { onCrash: 'fail' })
  await rig.addWorker()
  const first = await rig.start(diamond('a', ['b', 'c'], 'd'))
  ;(await tool.nextCall('a')).succeed()
  const [b, c] = await tool.nextCalls('b', 'c')
  first.kill()
  const second = await rig.takeOver()
  await tool.idle()
  expect([b, c].map(({ context }) => context.signal.aborted)).toEqual([true, true])
  b.succeed('too late')
  c.fail(new Error('aborted'))
  const { results } = (await second?.loop.result) ?? { results: [] }
  const failed = { status: 'error', code: 'INTERRUPTED' }
  expect(results).toMatchObject([{ status: 'success' }, failed, failed, failed])
  expect(tool.started).toEqual(['a', 'b', 'c'])
  const ends = (await rig.events()).flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
  expect(ends.toSorted()).toEqual(['a', 'b', 'c', 'd'])
})
