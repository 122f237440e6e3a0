import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { dispatchOrders } from '../../src/host/cluster/dispatching-store.ts'
import { SILENT_LOGGER } from '../../src/log/logger.ts'
import { testDispatcher } from '../../src/testing/shared-conformance.ts'
import type { ToolContext } from '../../src/tools/tool.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'
import { isRedisMissing } from '../support/redis.ts'
import { createQueueRig, type QueueRig, tasks } from './queue-rig.ts'

let rig: QueueRig
afterEach(() => rig.close())

const ALL = { timeout: 20_000, interval: 20 }

async function countKeys(): Promise<number> {
  const counts = await rig.queue.getJobCounts()
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

describe.skipIf(isRedisMissing)('a queue of BullMQ', () => {
  test('orders travel by the queue, run once, and leave nothing in Redis', async () => {
    rig = await createQueueRig()
    const calls: string[] = []
    const work = (): number => calls.push('')
    await Promise.all([1, 2, 3].map(() => rig.start({ work }, { concurrency: 4 })))
    const names = tasks(300)
    for (let at = 0; at < 300; at += 50) await rig.order('work', names.slice(at, at + 50))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(300), ALL)
    expect([...(await rig.settled())].sort()).toEqual([...names].sort())
    expect(calls).toHaveLength(300)
    await vi.waitFor(async () => expect(await countKeys()).toBe(0), ALL)
    const client = new Redis(rig.redis.url)
    const keys = await client.keys('*')
    client.disconnect()
    expect(keys.filter(key => key.includes('.1.'))).toEqual([])
    expect(keys.length).toBeLessThan(10)
  })

  test('dashboards see tool, execution and task of what waits and runs', async () => {
    rig = await createQueueRig()
    let finish = (): void => {}
    const blocked = new Promise<void>(resolve => (finish = resolve))
    await rig.start({ work: async () => blocked }, { concurrency: 1 })
    await rig.order('work', ['a'], { owner: 'me' })
    await vi.waitFor(async () => expect(await rig.queue.getActiveCount()).toBe(1), ALL)
    await rig.order('work', ['b'], { priority: -5 })
    const [active] = await rig.queue.getActive()
    const [waiting] = await rig.queue.getJobs(['prioritized', 'waiting'])
    expect(active?.name).toBe('work')
    expect(active?.data).toEqual({ executionId: 'x', taskId: 'a', attempt: 1, owner: 'me', priority: 0 })
    expect(waiting?.data).toEqual({ executionId: 'x', taskId: 'b', attempt: 1, priority: -5 })
    finish()
    await vi.waitFor(async () => expect(await rig.settled()).toEqual(['a', 'b']), ALL)
  })

  test('a job holds neither arguments nor outputs', async () => {
    rig = await createQueueRig()
    let finish = (): void => {}
    const blocked = new Promise<string>(resolve => (finish = () => resolve('output-marker')))
    await rig.start({ work: async () => blocked }, { concurrency: 1 })
    const command = { executionId: 'x', taskId: 'a', attempt: 1, tool: 'work', arguments: { a: 'argument-marker' } }
    await rig.order('work', ['a'], {
      command: { ...command, mayHoldJsonNumbers: false, timeoutMs: 0, idempotencyKey: 'x/a' },
    })
    await vi.waitFor(async () => expect(await rig.queue.getActiveCount()).toBe(1), ALL)
    const client = new Redis(rig.redis.url)
    const dumps: string[] = []
    const dump = async (): Promise<void> => {
      for (const key of await client.keys('*'))
        dumps.push(key, (await client.dumpBuffer(key))?.toString('latin1') ?? '')
    }
    await dump()
    finish()
    await vi.waitFor(async () => expect(await rig.settled()).toEqual(['a']), ALL)
    await dump()
    client.disconnect()
    expect(dumps.length).toBeGreaterThan(2)
    expect(dumps.join('\n')).not.toMatch(/(?:argument|output)-marker/)
  })

  test('an order is announced once, however often it is dispatched', async () => {
    rig = await createQueueRig()
    const dispatcher = await rig.open()
    const order = { priority: 0, command: { executionId: 'x', taskId: 'a:b', attempt: 1, tool: 'work' } as never }
    await dispatcher.dispatch([order, order])
    await dispatcher.dispatch([order])
    expect(await countKeys()).toBe(1)
    await dispatcher.cancel({ executionId: 'x', taskId: 'a:b', attempt: 1 }, 'CANCELLED')
    expect(await countKeys()).toBe(0)
  })

  test('the limit of a tool holds for all workers', async () => {
    rig = await createQueueRig()
    let running = 0
    let most = 0
    const execute = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await sleep(2)
      running -= 1
    }
    const tools = { narrow: { execute, limit: 2 }, wide: () => 1 }
    await Promise.all([1, 2].map(() => rig.start(tools, { concurrency: 16 })))
    await rig.order('narrow', tasks(60))
    await rig.order('wide', tasks(20, 'w'))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(80), ALL)
    expect(most).toBe(2)
    expect(new Set(await rig.settled()).size).toBe(80)
  })

  test('the rate of a tool holds', async () => {
    rig = await createQueueRig()
    const starts: number[] = []
    const execute = (): number => starts.push(performance.now())
    await rig.start({ work: { execute, rate: { max: 5, perMs: 500 } } })
    await rig.order('work', tasks(12))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(12), ALL)
    const windows = starts.map(from => starts.filter(at => at >= from && at < from + 400).length)
    // A full bucket, and what flows in meanwhile.
    expect(Math.max(...windows)).toBeLessThanOrEqual(10)
  })

  test('owners take turns, whatever the order of the queue', async () => {
    rig = await createQueueRig()
    const order: string[] = []
    let open = (): void => {}
    const opened = new Promise<void>(resolve => (open = resolve))
    const work = async ({ task }: { task: string }): Promise<void> => {
      await opened
      order.push(task)
    }
    await rig.order('work', tasks(200, 'many'), { owner: 'many' })
    await rig.order('work', ['one'], { owner: 'one' })
    await rig.start({ work: (_, { taskId }) => work({ task: taskId }) }, { concurrency: 2 })
    open()
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(201), ALL)
    expect(order.indexOf('one')).toBeLessThan(4)
  })

  test('workers with different tools share one queue', async () => {
    rig = await createQueueRig()
    await rig.start({ a: () => 1 })
    await rig.start({ b: () => 1 })
    await rig.order('a', tasks(20, 'a'))
    await rig.order('b', tasks(20, 'b'))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(40), ALL)
    await vi.waitFor(async () => expect(await countKeys()).toBe(0), ALL)
  })

  test('an attempt that asks holds no place, and goes on with its answer', async () => {
    rig = await createQueueRig()
    const ask = async (_: unknown, context: ToolContext): Promise<unknown> => await context.ask({ message: 'Go?' })
    await rig.start({ ask, work: () => 1 }, { concurrency: 1 })
    await rig.order('ask', ['q'])
    await rig.order('work', tasks(20))
    await vi.waitFor(async () => expect(await rig.settled()).toHaveLength(20), ALL)
    const key = { executionId: 'x', taskId: 'q', attempt: 1 }
    await rig.store.orders.answer(key, [{ number: 1, answer: { status: 'answered', response: 'yes' } }])
    await vi.waitFor(async () => expect(await rig.settled()).toContain('q'), ALL)
    await vi.waitFor(async () => expect(await countKeys()).toBe(0), ALL)
  })

  test('the conformance suite holds for the store with the queue', async () => {
    rig = await createQueueRig()
    const dispatcher = await rig.open()
    const clock = new FakeClock()
    const create = (): SharedStore => dispatchOrders(createMemorySharedStore(clock), dispatcher, SILENT_LOGGER)
    const cases = testDispatcher(create, { wait: ms => clock.run(ms) })
    for (const { run } of cases) await run()
    expect(cases.length).toBeGreaterThan(10)
  })

  test('a worker that ends gives back what it has not begun, and others run it', async () => {
    rig = await createQueueRig()
    const first = await rig.start({ work: () => 1 }, { concurrency: 4 })
    await rig.order('work', tasks(100))
    await first.close()
    await rig.start({ work: () => 1 }, { concurrency: 4 })
    await vi.waitFor(async () => expect(new Set(await rig.settled()).size).toBe(100), ALL)
    expect(await rig.settled()).toHaveLength(100)
  })
})
