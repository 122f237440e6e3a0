import { expect, test } from 'vitest'
import type { ToolContext } from '../../src/index.ts'
import { idle } from '../support/fake-clock.ts'
import type { Dispatcher, Reception } from '../../src/cluster/order.ts'
import { MemoryQueue } from '../support/memory-dispatcher.ts'
import { createExchangeRig, makeIds } from './exchange-rig.ts'

test('a saturated worker posts an outcome and takes the next order in one call', async () => {
  const rig = await createExchangeRig()
  const { noted, tool } = rig
  const { close } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', makeIds(6))
  const [first, second] = await tool.nextCalls('t0', 't1')
  expect(noted.at(-1)).toBe('take 2')
  noted.length = 0
  first.succeed()
  const third = await tool.nextCall('t2')
  // Both end in one turn.
  second.succeed()
  third.succeed()
  const calls = await tool.nextCalls('t3', 't4')
  expect(noted).toEqual(['exchange t0 for 1', 'exchange t1 t2 for 2'])
  for (const call of calls) call.succeed()
  await tool.succeedAll()
  expect([tool.started, tool.peakCount, (await rig.reports()).size]).toEqual([makeIds(6), 2, 6])
  await close()
  expect(rig.clock.timerCount).toBe(0)
})

test('attempts that end as soon as they have begun are posted with those that ended during the exchange', async () => {
  const rig = await createExchangeRig()
  const { tool } = rig
  const { close } = await rig.start({ work: { execute: tool.execute }, fast: () => 1 }, { concurrency: 2 })
  await rig.order('work', ['a', 'b'])
  const [a, b] = await tool.nextCalls('a', 'b')
  await rig.order('fast', makeIds(6))
  rig.noted.length = 0
  let answer = (): void => {}
  rig.calls.exchange = async run => {
    const exchanged = await run()
    await new Promise<void>(resolve => (answer = resolve))
    return exchanged
  }
  a.succeed()
  await idle()
  b.succeed()
  await idle()
  rig.calls.exchange = run => run()
  answer()
  await idle()
  expect((await rig.reports()).size).toBe(8)
  const exchanges = rig.noted.filter(each => each.startsWith('exchange'))
  expect(exchanges.slice(0, 3)).toEqual(['exchange a for 1', 'exchange b t0 for 2', 'exchange t1 t2 for 2'])
  await close()
})

test('a worker that has taken all orders posts alone', async () => {
  const rig = await createExchangeRig()
  const { close } = await rig.startWork({ concurrency: 3 })
  await rig.order('work', ['a'])
  const call = await rig.tool.nextCall('a')
  rig.noted.length = 0
  call.succeed()
  await idle()
  expect(rig.noted.filter(each => !each.startsWith('take'))).toEqual(['post a'])
  await close()
})

test('news that end no attempt are posted without a take', async () => {
  const rig = await createExchangeRig()
  const { close } = await rig.startWork({ concurrency: 1 })
  await rig.order('work', ['a', 'b'])
  const call = await rig.tool.nextCall('a')
  rig.noted.length = 0
  call.context.emitToken('x')
  await rig.clock.run(50)
  expect(rig.noted).toEqual(['post a'])
  call.succeed()
  await rig.tool.succeedAll()
  await close()
})

test('a worker never holds more attempts than its concurrency, however many end at once', async () => {
  const rig = await createExchangeRig()
  const { tool, noted } = rig
  const { close, worker } = await rig.startWork({ concurrency: 4 })
  const held: number[] = []
  rig.calls.exchange = async run => {
    const exchanged = await run()
    held.push(rig.listOrders().held.length)
    return exchanged
  }
  await rig.order('work', makeIds(40))
  // Four, one, two and three at once, in turn.
  for (let round = 0; tool.started.length < 40 || tool.runningCount > 0; round++) {
    await idle()
    expect(worker.runningCount).toBeLessThanOrEqual(4)
    const ending = round % 4 || 4
    for (let count = 0; count < ending; count++) tool.takeFirst()?.succeed()
  }
  await idle()
  expect([tool.peakCount, tool.started, (await rig.reports()).size]).toEqual([4, makeIds(40), 40])
  expect(Math.max(...held)).toBe(4)
  expect(noted.filter(each => each.startsWith('exchange')).length).toBeGreaterThan(10)
  await close()
})

test('an answer comes with an exchange, and counts towards the concurrency', async () => {
  const rig = await createExchangeRig()
  const { tool } = rig
  const ask = async (_: unknown, context: ToolContext): Promise<unknown> => {
    await context.ask({ message: 'Go?' })
    return await tool.execute({}, context)
  }
  const { close, worker } = await rig.start(
    { ask: { execute: ask }, work: { execute: tool.execute } },
    { concurrency: 1 },
  )
  await rig.order('ask', ['q'])
  await idle()
  await rig.order('work', ['a', 'b'])
  const a = await tool.nextCall('a')
  await rig.store.orders.answer(rig.key('q'), [{ number: 1, answer: { status: 'answered', response: 'yes' } }])
  rig.noted.length = 0
  a.succeed()
  const q = await tool.nextCall('q')
  await idle()
  expect([rig.noted, worker.runningCount, tool.started]).toEqual([['exchange a for 1'], 1, ['a', 'q']])
  q.succeed()
  await tool.succeedAll()
  expect([tool.peakCount, (await rig.reports()).size]).toEqual([1, 3])
  await close()
})

test('a worker goes on after an attempt that asked has ended while another one ran in its place', async () => {
  const rig = await createExchangeRig()
  const { tool } = rig
  const execute = async (_: unknown, { ask }: ToolContext): Promise<unknown> => await ask({ message: 'Go?' })
  const { close } = await rig.start({ ask: { execute }, work: { execute: tool.execute } }, { concurrency: 1 })
  await rig.order('ask', ['q'])
  await idle()
  await rig.order('work', ['a', 'b', 'c'])
  const a = await tool.nextCall('a')
  await rig.store.orders.cancel(rig.key('q'), { code: 'CANCELLED', message: 'Enough' })
  await idle()
  expect((await rig.reports()).get('q')).toMatchObject({ status: 'cancelled' })
  a.succeed()
  await tool.succeedAll()
  expect([tool.started, tool.peakCount]).toEqual([['a', 'b', 'c'], 1])
  await close()
})

test('orders of an exchange that a drain overtakes are given back', async () => {
  const rig = await createExchangeRig()
  const { tool } = rig
  const { close } = await rig.startWork({ concurrency: 2 })
  await rig.order('work', ['a', 'b', 'c', 'd'])
  const [a, b] = await tool.nextCalls('a', 'b')
  let answer = (): void => {}
  rig.calls.exchange = async run => {
    const exchanged = await run()
    await new Promise<void>(resolve => (answer = resolve))
    return exchanged
  }
  a.succeed()
  b.succeed()
  await idle()
  expect(rig.listOrders()).toEqual({ held: ['c', 'd'], waiting: [] })
  const closed = close()
  await idle()
  answer()
  await rig.clock.run(100)
  await closed
  expect(rig.listOrders()).toEqual({ held: [], waiting: ['c', 'd'] })
  expect([tool.started, [...(await rig.reports()).keys()]]).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
  expect(rig.clock.timerCount).toBe(0)
})

test('a take in flight delays an outcome by at most 20 ms', async () => {
  const rig = await createExchangeRig()
  const { tool, noted } = rig
  const { close } = await rig.startWork({ concurrency: 3 })
  await rig.order('work', ['a', 'b'])
  const [a, b] = await tool.nextCalls('a', 'b')
  let answer = (): void => {}
  rig.calls.take = async run => {
    await new Promise<void>(resolve => (answer = resolve))
    return await run()
  }
  await rig.order('work', ['c', 'd', 'e'])
  await idle()
  noted.length = 0
  a.succeed()
  await rig.clock.run(19)
  expect(noted).toEqual([])
  await rig.clock.run(1)
  expect([noted, [...(await rig.reports()).keys()]]).toEqual([['post a'], ['a']])
  // One that ends sooner lets the post go at once, and take for the places of both.
  b.succeed()
  await rig.clock.run(5)
  expect(noted).toEqual(['post a'])
  rig.calls.take = run => run()
  answer()
  const calls = await tool.nextCalls('c', 'd', 'e')
  expect(noted).toEqual(['post a', 'take 1', 'exchange b for 1'])
  expect((await rig.reports()).size).toBe(2)
  for (const call of calls) call.succeed()
  await tool.idle()
  expect(tool.peakCount).toBeLessThanOrEqual(3)
  await close()
})

test('a worker whose dispatcher offers keys does not exchange', async () => {
  const rig = await createExchangeRig()
  const queue = new MemoryQueue()
  const { close } = await rig.startWork({ concurrency: 1, dispatcher: queue.connect() })
  await rig.order('work', makeIds(4))
  await queue.connect().dispatch(Array.from(rig.store.tables.orders.values(), ({ order }) => order))
  await rig.tool.succeedAll()
  expect([rig.tool.started.length, (await rig.reports()).size]).toEqual([4, 4])
  expect(rig.noted.filter(each => each.startsWith('exchange'))).toEqual([])
  expect(rig.noted.filter(each => each.startsWith('post'))).toHaveLength(4)
  await close()
})

test('a worker accepts no more offers than it has places, also while it takes', async () => {
  const rig = await createExchangeRig()
  const queue = new MemoryQueue()
  const limits: number[] = []
  const noteLimits = (dispatcher: Dispatcher): Dispatcher => ({
    ...dispatcher,
    receive: async receiver => {
      const reception = (await dispatcher.receive?.(receiver)) as Reception
      const limit = (count: number): void => {
        limits.push(count)
        reception.limit(count)
      }
      return { ...reception, limit }
    },
  })
  const { close } = await rig.startWork({ concurrency: 2, dispatcher: noteLimits(queue.connect()) })
  await rig.order('work', makeIds(6))
  await queue.connect().dispatch(Array.from(rig.store.tables.orders.values(), ({ order }) => order))
  await rig.tool.succeedAll()
  expect(limits.length).toBeGreaterThan(6)
  expect(Math.max(...limits)).toBe(2)
  await close()
})
