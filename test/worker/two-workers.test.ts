import { expect, test } from 'vitest'
import { createLimit, type Tool } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override } from './worker-rig.ts'

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

test('a limit holds over two workers, as their tools record', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const tools = (): Tool[] => {
    const limit = createLimit(3)
    return [
      { name: 'work', limit, execute: tool.execute },
      { name: 'other', limit, execute: tool.execute },
    ]
  }
  const workers = [await rig.start(tools()), await rig.start(tools())]
  await rig.order('work', ids('a', 10))
  await rig.order('other', ids('b', 10))
  for (let ended = 0; ended < 20; ) {
    await tool.idle()
    await idle()
    expect(tool.runningCount).toBe(Math.min(3, 20 - ended))
    tool.takeFirst()?.succeed()
    ended += 1
  }
  await rig.clock.run(1000)
  expect([tool.peakCount, (await rig.reports()).size]).toEqual([3, 20])
  await Promise.all(workers.map(({ close }) => close()))
})

test('the slower rate holds over two workers', async () => {
  const rig = await createWorkerRig()
  const times: number[] = []
  const begin = rig.clock.now()
  const execute = (): void => void times.push(rig.clock.now() - begin)
  const workers = [
    await rig.start({ work: { execute, rate: { max: 1, perMs: 200 } } }),
    await rig.start({ work: { execute, rate: { max: 1, perMs: 100 } } }),
  ]
  await rig.order('work', ids('a', 6))
  await rig.clock.run(2000)
  const gaps = times.slice(1).map((time, at) => time - (times[at] as number))
  expect([times.length, Math.min(...gaps) >= 200]).toEqual([6, true])
  await Promise.all(workers.map(({ close }) => close()))
})

test('an order of a worker that ends without a word runs again at another one, with the same idempotency key', async () => {
  const rig = await createWorkerRig()
  const tool = new ControlledTool()
  const dead = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const first = await tool.nextCall('a')
  // Its process is gone: its store answers nothing any more, its lease expires.
  for (const row of rig.store.tables.orders.values()) row.expiresAt = 0
  expect(await rig.store.orders.interruptExpired()).toBe(1)
  const other = await rig.start({ work: { execute: tool.execute } })
  const closed = dead.close()
  await rig.order('work', ['a'], { attempt: 2 })
  const second = await tool.nextCall('a')
  expect([first.context.attempt, second.context.attempt]).toEqual([1, 2])
  expect(second.context.idempotencyKey).toBe(first.context.idempotencyKey)
  second.succeed('second')
  first.succeed('first')
  await rig.clock.run(1000)
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'success', outputJson: '"second"' })
  await Promise.all([closed, other.close()])
})

test('a hundred tasks with fifty tokens a second each lose none, in few posts', async () => {
  let postCount = 0
  const rig = await createWorkerRig({
    wrap: store => ({
      ...store,
      inbox: override(store.inbox, {
        post: (...args) => {
          postCount += 1
          return store.inbox.post(...args)
        },
      }),
    }),
  })
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } }, { concurrency: 100 })
  await rig.order('work', ids('t', 100))
  const calls = await tool.nextCalls(...ids('t', 100))
  for (let tick = 0; tick < 50; tick++) {
    for (const { context, taskId } of calls) context.emitToken(`${taskId}:${tick} `)
    await rig.clock.run(20)
  }
  for (const call of calls) call.succeed()
  await rig.clock.run(1000)
  const texts = new Map<unknown, string>()
  for (const { taskId, text } of await rig.news()) {
    if (typeof text === 'string') texts.set(taskId, (texts.get(taskId) ?? '') + text)
  }
  const expected = (taskId: string): string => Array.from({ length: 50 }, (_, tick) => `${taskId}:${tick} `).join('')
  expect(new Map(texts)).toEqual(new Map(ids('t', 100).map(taskId => [taskId, expected(taskId)])))
  // A second of tokens in batches of 50 ms.
  expect(postCount).toBeLessThan(30)
  await close()
})
