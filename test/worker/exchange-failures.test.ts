import { expect, test } from 'vitest'
import type { AttemptMessage } from '../../src/cluster/inbox.ts'
import { DagstreamError } from '../../src/errors.ts'
import { createExchangeRig, makeIds, type ExchangeRig } from './exchange-rig.ts'

const createRefusal = (): DagstreamError =>
  new DagstreamError('STORE_FAILED', 'The store failed: no', { details: { isRefusal: true } })

const isPoison = ({ news }: AttemptMessage): boolean => JSON.stringify(news).includes('poison')

function warningsOf(rig: ExchangeRig): readonly string[] {
  return rig.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

/** Lets each call end as its turn comes. @returns the most attempts that the worker held at once */
async function endAll(rig: ExchangeRig, count: () => number, value: (taskId: string) => unknown): Promise<number> {
  let most = 0
  for (let step = 0; step < 200; step++) {
    await rig.clock.run(50)
    most = Math.max(most, count())
    for (const call of rig.tool.takeAll()) call.succeed(value(call.context.taskId))
  }
  return most
}

test('a worker whose outcomes are refused never holds more attempts than its concurrency', async () => {
  const rig = await createExchangeRig()
  const refuse: ExchangeRig['calls']['post'] = async (run, messages) => {
    if (messages.some(isPoison)) throw createRefusal()
    return await run()
  }
  rig.calls.post = refuse
  rig.calls.exchange = async (run, messages) => {
    if (messages.some(isPoison)) throw createRefusal()
    return await run()
  }
  const { close, worker } = await rig.startWork({ concurrency: 3 })
  await rig.order('work', makeIds(20))
  const most = await endAll(
    rig,
    () => worker.runningCount,
    taskId => (taskId.endsWith('3') || taskId === 't4' ? 'poison' : 1),
  )
  expect([most, rig.tool.peakCount, worker.runningCount]).toEqual([3, 3, 0])
  const reports = await rig.reports()
  const failed = [...reports].filter(([, { status }]) => status === 'error').map(([taskId]) => taskId)
  expect([reports.size, failed.toSorted()]).toEqual([20, ['t13', 't3', 't4']])
  expect(rig.tool.started).toEqual(makeIds(20))
  await close()
})

test('the place of an outcome whose batch was refused is filled at once', async () => {
  const rig = await createExchangeRig()
  rig.calls.exchange = async (run, messages) => {
    if (messages.some(isPoison)) throw createRefusal()
    return await run()
  }
  rig.calls.post = async (run, messages) => {
    if (messages.some(isPoison)) throw createRefusal()
    return await run()
  }
  const { close } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', makeIds(4))
  const calls = await rig.tool.nextCalls('t0', 't1')
  // Neither a hint nor the time of a poll.
  rig.store.delayHints(() => undefined)
  rig.noted.length = 0
  calls[0].succeed('poison')
  calls[1].succeed()
  const next = await rig.tool.nextCall('t2')
  const alone = ['exchange t0 for 1', 'post t0', 'exchange t1 for 1']
  expect(rig.noted).toEqual(['exchange t0 t1 for 2', 'post t0 t1', ...alone])
  next.succeed()
  for (const step of makeIds(50)) {
    await rig.clock.run(100)
    rig.tool.takeFirst()?.succeed(step)
  }
  expect([rig.tool.started, (await rig.reports()).size]).toEqual([makeIds(4), 4])
  await close()
})

test('an outcome is posted though the take that goes along with it is refused', async () => {
  const rig = await createExchangeRig()
  rig.calls.exchange = () => Promise.reject(createRefusal())
  const { close, worker } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', makeIds(8))
  await endAll(
    rig,
    () => worker.runningCount,
    () => 1,
  )
  const reports = await rig.reports()
  expect([reports.size, [...reports.values()].every(({ status }) => status === 'success')]).toEqual([8, true])
  expect([warningsOf(rig), rig.tool.peakCount]).toEqual([[], 2])
  await close()
})

test('an outcome is posted though the take that goes along with it fails each time', async () => {
  const rig = await createExchangeRig()
  rig.calls.exchange = () => Promise.reject(new Error('An order is damaged'))
  const { close, worker } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', makeIds(4))
  await endAll(
    rig,
    () => worker.runningCount,
    () => 1,
  )
  expect([(await rig.reports()).size, rig.tool.started]).toEqual([4, makeIds(4)])
  await close()
})

test('an exchange that took effect but was not answered is repeated: each outcome is stored once', async () => {
  const rig = await createExchangeRig()
  let lostCount = 0
  rig.calls.exchange = async run => {
    const exchanged = await run()
    if (lostCount >= 2) return exchanged
    lostCount += 1
    throw new Error('The connection was lost')
  }
  const { close, worker } = await rig.startWork({ concurrency: 2, leaseMs: 10_000 })
  await rig.order('work', makeIds(12))
  const most = await endAll(
    rig,
    () => worker.runningCount,
    () => 1,
  )
  expect([lostCount, most, rig.tool.peakCount, worker.runningCount]).toEqual([2, 2, 2, 0])
  // What the lost answers gave was not called: its leases expire.
  const { held, waiting } = rig.listOrders()
  expect(held.length).toBeGreaterThan(0)
  expect([waiting, [...rig.tool.started, ...held].toSorted()]).toEqual([[], makeIds(12).toSorted()])
  await rig.clock.run(10_000)
  expect(await rig.store.orders.interruptExpired()).toBe(held.length)
  expect((await rig.news()).filter(({ type }) => type === 'settled').map(({ taskId }) => taskId)).toEqual(
    rig.tool.started,
  )
  expect([worker.counters.refusedCount, warningsOf(rig).length]).toEqual([0, 2])
  await close()
})

test('an outage during an exchange is waited for: nothing is lost or called twice, nothing is taken meanwhile', async () => {
  const rig = await createExchangeRig()
  let isAway = false
  const unless = async <T>(run: () => Promise<T>): Promise<T> => {
    if (isAway) throw new Error('The database is away')
    return await run()
  }
  rig.calls.exchange = unless
  rig.calls.post = unless
  rig.calls.take = unless
  const { close, worker } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', makeIds(6))
  const calls = await rig.tool.nextCalls('t0', 't1')
  isAway = true
  rig.noted.length = 0
  for (const call of calls) call.succeed()
  await rig.clock.run(30_000)
  expect(rig.noted[0]).toBe('exchange t0 t1 for 2')
  expect(rig.noted.slice(1).every(each => each === 'post t0 t1')).toBe(true)
  expect([rig.noted.length > 10, worker.runningCount, (await rig.reports()).size]).toEqual([true, 2, 0])
  isAway = false
  await endAll(
    rig,
    () => worker.runningCount,
    () => 1,
  )
  expect([rig.tool.started, rig.tool.peakCount, (await rig.reports()).size]).toEqual([makeIds(6), 2, 6])
  expect(warningsOf(rig)).toEqual(['The store accepts no news of attempts: repeated until it does'])
  await close()
  expect(rig.clock.timerCount).toBe(0)
})

test('a worker that ends during an outage of its exchanges ends within its bounds', async () => {
  const rig = await createExchangeRig()
  const { close } = await rig.startWork({ concurrency: 1, drainMs: 1000 })
  await rig.order('work', ['a', 'b'])
  const call = await rig.tool.nextCall('a')
  rig.calls.exchange = () => Promise.reject(new Error('The database is away'))
  rig.calls.post = () => Promise.reject(new Error('The database is away'))
  call.succeed()
  await rig.clock.run(1000)
  const closed = close()
  await rig.clock.run(30_000)
  await closed
  expect([rig.tool.started, rig.clock.timerCount]).toEqual([['a'], 0])
})
