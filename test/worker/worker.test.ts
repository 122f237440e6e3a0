import { expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { createLimit, type Tool, type ToolContext } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override } from './worker-rig.ts'

test('a worker announces its tools, takes their orders and posts what they report', async () => {
  const rig = await createWorkerRig()
  const execute: Tool['execute'] = (_, context) => {
    context.emitToken('Hel')
    context.emitToken('lo')
    context.reportProgress({ progress: 1, total: 2, message: 'half' })
    context.reportUsage({ totalTokensIn: 3 })
    context.reportUsage({ totalTokensIn: 4, totalTokensOut: 1 })
    context.log('info', 'done')
    return { ok: true }
  }
  const { close } = await rig.start({ work: { execute, readOnly: true, description: 'Works' } })
  const [member] = await rig.store.members.list()
  expect(member).toMatchObject({ memberId: 'w1', role: 'worker', running: 0, capacity: 64 })
  expect(member?.tools).toEqual([{ name: 'work', readOnly: true, description: 'Works' }])
  await rig.order('work', ['a'])
  await idle()
  const usage = { totalTokensIn: 7, totalTokensOut: 1 }
  expect(await rig.news()).toEqual([
    { taskId: 'a', type: 'token', text: 'Hello' },
    { taskId: 'a', type: 'progress', progress: { progress: 1, total: 2, message: 'half' } },
    { taskId: 'a', type: 'usage', usage },
    { taskId: 'a', type: 'log', level: 'info', message: 'done' },
    {
      taskId: 'a',
      type: 'settled',
      usage,
      report: expect.objectContaining({ status: 'success', outputJson: '{"ok":true}', executionTimeMs: 0 }),
    },
  ])
  await close()
  expect(await rig.store.members.list()).toEqual([])
  expect(rig.clock.timerCount).toBe(0)
})

test('news are batched for 50 ms; text is joined, and no message splits a character', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  const [high, low] = ['🧵'[0] as string, '🧵'[1] as string]
  call.context.emitToken('a')
  await rig.clock.run(49)
  expect(await rig.news()).toEqual([])
  call.context.emitToken(high)
  await rig.clock.run(1)
  expect(await rig.news()).toEqual([{ taskId: 'a', type: 'token', text: 'a' }])
  call.context.emitToken(`${low}b`)
  await rig.clock.run(50)
  call.context.emitToken(high)
  call.succeed()
  await idle()
  const text = (await rig.news()).map(each => each['text'] ?? each['type'])
  expect(text).toEqual(['a', '🧵b', '\ufffd', 'settled'])
  await close()
})

test('an attempt that ends asks for further orders only where some may have been left', async () => {
  let takeCount = 0
  const rig = await createWorkerRig({
    wrap: store => {
      const take: SharedStore['orders']['take'] = (...given) => {
        takeCount += 1
        return store.orders.take(...given)
      }
      return override(store, { orders: override(store.orders, { take }) })
    },
  })
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } }, { concurrency: 3 })
  await rig.order('work', ['a'])
  const a = await tool.nextCall('a')
  rig.store.delayHints(({ kind }) => (kind === 'orders' ? undefined : 0))
  const before = takeCount
  a.succeed()
  await idle()
  expect(takeCount).toBe(before)
  await rig.order('work', ['b', 'c', 'd', 'e'])
  await rig.clock.run(1000)
  const [b, c, d] = await tool.nextCalls('b', 'c', 'd')
  b.succeed()
  const e = await tool.nextCall('e')
  for (const call of [c, d, e]) call.succeed()
  await idle()
  await close()
})

test('a worker runs at most `concurrency` attempts, and takes the next once an outcome is stored', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } }, { concurrency: 2 })
  await rig.order('work', ['a', 'b', 'c'])
  const [a, b] = await tool.nextCalls('a', 'b')
  await idle()
  expect([tool.started, worker.runningCount]).toEqual([['a', 'b'], 2])
  a?.succeed()
  const c = await tool.nextCall('c')
  expect(tool.peakCount).toBe(2)
  for (const call of [b, c]) call?.succeed()
  await idle()
  await close()
})

test('`only` decides which tools are announced and run; a shared limit keeps its name', async () => {
  const rig = await createWorkerRig()
  const limit = createLimit(2)
  const execute = (): number => 1
  const tools = [
    { name: 'llm:chat', limit, execute },
    { name: 'llm:embed', limit, rate: { max: 5, perMs: 1000 }, execute },
    { name: 'disk', execute },
  ]
  const { close } = await rig.start(tools, { only: '*:embed' })
  const [member] = await rig.store.members.list()
  const rate = { max: 5, perMs: 1000 }
  expect(member?.tools).toEqual([{ name: 'llm:embed', limit: 2, limitKey: 'llm:chat', rate }])
  await rig.order('disk', ['a'])
  await rig.order('llm:embed', ['b'])
  await rig.clock.run(2000)
  expect([...(await rig.reports()).keys()]).toEqual(['b'])
  await close()
})

test('an attempt that asks holds no capacity, and continues with its answers', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const asking = async (_: unknown, { ask }: ToolContext): Promise<unknown> => await ask({ message: 'Go?' })
  const { close, worker } = await rig.start(
    { ask: { execute: asking }, work: { execute: tool.execute } },
    { concurrency: 1 },
  )
  await rig.order('ask', ['q'])
  await idle()
  expect(await rig.news()).toEqual([{ taskId: 'q', type: 'question', question: { number: 1, message: 'Go?' } }])
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  expect(worker.runningCount).toBe(1)
  await rig.store.orders.answer(rig.key('q'), [{ number: 1, answer: { status: 'answered', response: 'yes' } }])
  await idle()
  // Its answer waits for room.
  expect((await rig.reports()).size).toBe(0)
  call.succeed()
  await idle()
  await rig.clock.run(1000)
  expect((await rig.reports()).get('q')).toMatchObject({ status: 'success', outputJson: '"yes"' })
  await close()
})

test('a cancellation reaches the tool by a hint, and without one by a renewal', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a', 'b'])
  const [a, b] = await tool.nextCalls('a', 'b')
  await rig.store.orders.cancel(rig.key('a'), { code: 'CANCELLED', message: 'Stop' })
  await idle()
  expect([a?.context.signal.aborted, b?.context.signal.aborted]).toEqual([true, false])
  rig.store.delayHints(() => undefined)
  await rig.store.orders.cancel(rig.key('b'), { code: 'CANCELLED', message: 'Stop' })
  await rig.clock.run(10_000 / 3)
  expect(b?.context.signal.reason).toMatchObject({ code: 'CANCELLED', message: 'Stop' })
  a?.succeed()
  b?.fail()
  await rig.clock.run(100)
  expect(Array.from((await rig.reports()).values(), ({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  await close()
})

test('an order that is lost aborts its tool, and its outcome is refused and counted', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  // Its lease is taken for expired.
  for (const row of rig.store.tables.orders.values()) row.expiresAt = 0
  await rig.store.orders.interruptExpired()
  await rig.clock.run(10_000 / 3)
  expect(call.context.signal.aborted).toBe(true)
  call.succeed('late')
  await rig.clock.run(100)
  expect((await rig.news()).map(({ type }) => type)).toEqual(['interrupted'])
  expect([worker.counters.refusedCount, worker.runningCount]).toEqual([1, 0])
  expect(rig.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    'The outcome of an attempt was refused: another one counts',
  ])
  await close()
})

test('an outcome that comes after the loss is refused by the store', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  for (const row of rig.store.tables.orders.values()) row.expiresAt = 0
  await rig.store.orders.interruptExpired()
  call.succeed('late')
  await idle()
  expect((await rig.news()).map(({ type }) => type)).toEqual(['interrupted'])
  expect(worker.counters.refusedCount).toBe(1)
  await close()
})

test('without hints a worker finds orders by polling', async () => {
  const rig = await createWorkerRig()
  rig.store.delayHints(() => undefined)
  const { close } = await rig.start({ work: () => 1 })
  await rig.order('work', ['a'])
  await idle()
  expect((await rig.reports()).size).toBe(0)
  await rig.clock.run(1000)
  expect((await rig.reports()).size).toBe(1)
  await close()
})

test('a `Retry-After` pauses a tool with a rate in the whole system', async () => {
  const rig = await createWorkerRig()
  const execute = (): never => {
    throw Object.assign(new Error('slow down'), { retryAfterMs: 700 })
  }
  const { close } = await rig.start({ rated: { execute, rate: { max: 5, perMs: 1000 } }, plain: { execute } })
  await rig.order('rated', ['a'])
  await rig.order('plain', ['b'])
  await idle()
  expect([...rig.store.tables.pausedUntil]).toEqual([['rated', rig.clock.now() + 700]])
  await close()
})

test('tokens of a rate are taken as they come, not once a second', async () => {
  const rig = await createWorkerRig()
  const times: number[] = []
  const start = rig.clock.now()
  const execute = (): void => void times.push(rig.clock.now() - start)
  const { close } = await rig.start({ rated: { execute, rate: { max: 1, perMs: 100 } } })
  await rig.order('rated', ['a', 'b', 'c', 'd'])
  await rig.clock.run(1000)
  expect(times).toEqual([0, 100, 200, 300])
  await close()
})
