import { expect, test } from 'vitest'
import type { ToolContext } from '../../src/index.ts'
import { runWorker } from '../../src/worker/run-worker.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override } from './worker-rig.ts'

test('a worker that drains takes nothing new, and lets what runs end', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close, ended } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  const closed = close()
  await rig.order('work', ['b'])
  await rig.clock.run(5000)
  expect(tool.started).toEqual(['a'])
  call.succeed()
  await rig.clock.run(100)
  await Promise.all([closed, ended])
  expect([...(await rig.reports()).keys()]).toEqual(['a'])
  expect([...rig.store.tables.orders.values()].map(({ worker }) => worker)).toEqual([undefined])
  expect([await rig.store.members.list(), rig.clock.timerCount]).toEqual([[], 0])
})

test('orders that were taken while the drain began are given back', async () => {
  const rig = await createWorkerRig({
    wrap: store => ({
      ...store,
      orders: override(store.orders, {
        // The answer of the store takes a while.
        take: async (...args: Parameters<typeof store.orders.take>) => {
          const taken = await store.orders.take(...args)
          if (taken.length > 0) await idle()
          return taken
        },
      }),
    }),
  })
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  await Promise.resolve()
  const closed = close()
  await rig.clock.run(100)
  await closed
  const rows = Array.from(rig.store.tables.orders.values(), ({ worker, order }) => [order.command.taskId, worker])
  expect([rows, tool.started]).toEqual([[['a', undefined]], []])
})

test('after `drainMs` running attempts are aborted and interrupted, without losing their tokens', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } }, { drainMs: 1000 })
  await rig.order('work', ['obeys', 'ignores'])
  const [obeys, ignores] = await tool.nextCalls('obeys', 'ignores')
  obeys?.context.signal.addEventListener('abort', () => obeys.fail())
  const closed = close()
  await rig.clock.run(999)
  expect(obeys?.context.signal.aborted).toBe(false)
  obeys?.context.emitToken('last words')
  await rig.clock.run(1)
  expect(obeys?.context.signal.reason).toMatchObject({ code: 'SHUTTING_DOWN' })
  await rig.clock.run(2000)
  await closed
  const news = (await rig.news()).map(({ taskId, type }) => `${String(taskId)} ${String(type)}`)
  expect(news.sort()).toEqual(['ignores interrupted', 'obeys interrupted', 'obeys token'])
  ignores?.succeed()
  await rig.clock.run(10_000)
  expect(rig.clock.timerCount).toBe(0)
})

test('an attempt that waits for an answer is interrupted at once', async () => {
  const rig = await createWorkerRig()
  const execute = async (_: unknown, { ask }: ToolContext): Promise<unknown> => await ask({ message: 'Go?' })
  const { close } = await rig.start({ ask: { execute } })
  await rig.order('ask', ['a'])
  await idle()
  await close()
  expect((await rig.news()).map(({ type }) => type)).toEqual(['question', 'interrupted'])
})

test('`runWorker` resolves once its signal has aborted and it has drained', async () => {
  const rig = await createWorkerRig()
  const controller = new AbortController()
  const { store, clock } = rig
  const running = runWorker({ store: store.connect(), tools: { work: () => 1 }, clock, signal: controller.signal })
  await rig.order('work', ['a'])
  await rig.clock.run(1000)
  expect((await rig.reports()).size).toBe(1)
  controller.abort()
  await rig.clock.run(1000)
  await running
  expect(rig.clock.timerCount).toBe(0)
})

test('a worker that uses another dispatcher is refused', async () => {
  const rig = await createWorkerRig()
  const { close } = await rig.start({ work: () => 1 })
  const dispatcher = { name: 'other', dispatch: async () => {}, cancel: async () => {}, close: async () => {} }
  await expect(rig.start({ work: () => 1 }, { dispatcher })).rejects.toMatchObject({ code: 'DISPATCHER_CONFLICT' })
  await close()
})
