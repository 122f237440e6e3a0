import { expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override } from './worker-rig.ts'

/** A store whose inbox accepts nothing while a test says so. */
function createSwitch(): { isAway: boolean; readonly wrap: (store: SharedStore) => SharedStore } {
  const state = {
    isAway: false,
    wrap: (store: SharedStore): SharedStore => ({
      ...store,
      inbox: override(store.inbox, {
        post: async (...args: Parameters<SharedStore['inbox']['post']>) => {
          if (state.isAway) throw new Error('The database is away')
          return await store.inbox.post(...args)
        },
      }),
    }),
  }
  return state
}

test('while the store accepts no news a worker takes nothing, and posts everything later', async () => {
  const inbox = createSwitch()
  const rig = await createWorkerRig(inbox)
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a', 'b'])
  const [a, b] = await tool.nextCalls('a', 'b')
  inbox.isAway = true
  for (const word of ['one ', 'two ', 'three']) {
    a?.context.emitToken(word)
    await rig.clock.run(60)
  }
  a?.succeed(1)
  await rig.clock.run(1000)
  await rig.order('work', ['c'])
  await rig.clock.run(5000)
  expect([tool.started, (await rig.news()).length]).toEqual([['a', 'b'], 0])
  inbox.isAway = false
  await rig.clock.run(3000)
  const news = await rig.news()
  expect(news.map(({ text }) => (typeof text === 'string' ? text : '')).join('')).toBe('one two three')
  expect([...(await rig.reports()).keys()]).toEqual(['a'])
  expect(tool.started).toEqual(['a', 'b', 'c'])
  b?.succeed()
  tool.takeFirst()?.succeed()
  await idle()
  await close()
  const warnings = rig.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  expect(warnings).toEqual(['The store accepts no news of attempts: repeated until it does'])
})

test('an attempt that emits beyond the bound while the store is away fails', async () => {
  const inbox = createSwitch()
  const rig = await createWorkerRig(inbox)
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  inbox.isAway = true
  const piece = 'x'.repeat(1024 * 1024)
  for (let count = 0; count < 40; count++) call.context.emitToken(piece)
  expect(worker.waitingWeight).toBeLessThanOrEqual(16 * 1024 * 1024)
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  await rig.clock.run(1000)
  inbox.isAway = false
  await rig.clock.run(3000)
  expect((await rig.reports()).get('a')).toMatchObject({
    status: 'error',
    code: 'EMISSIONS_UNDELIVERED',
    isRetryable: true,
  })
  await close()
})

test('a post whose answer was lost is repeated, and stored once', async () => {
  let isLost = true
  const rig = await createWorkerRig({
    wrap: store => ({
      ...store,
      inbox: override(store.inbox, {
        post: async (...args: Parameters<SharedStore['inbox']['post']>) => {
          const accepted = await store.inbox.post(...args)
          if (!isLost) return accepted
          isLost = false
          throw new Error('The connection was lost')
        },
      }),
    }),
  })
  const { close, worker } = await rig.start({ work: (_, { emitToken }) => emitToken('once') })
  await rig.order('work', ['a'])
  await rig.clock.run(1000)
  expect((await rig.news()).map(({ type }) => type)).toEqual(['token', 'settled'])
  expect([worker.counters.refusedCount, worker.runningCount]).toEqual([0, 0])
  await close()
})

test('an output above the bound does not reach the store', async () => {
  const rig = await createWorkerRig()
  const { close } = await rig.start({ work: () => 'x'.repeat(11 * 1024 * 1024) })
  await rig.order('work', ['a'])
  await rig.clock.run(100)
  expect((await rig.reports()).get('a')).toMatchObject({
    status: 'error',
    code: 'OUTPUT_TOO_LARGE',
    isRetryable: false,
  })
  await close()
})

test('a thousand tokens in one turn are one message', async () => {
  const rig = await createWorkerRig()
  const { close } = await rig.start({
    work: (_, { emitToken }) => {
      for (let count = 0; count < 1000; count++) emitToken('🧵')
    },
  })
  await rig.order('work', ['a'])
  await rig.clock.run(100)
  const [token, settled] = await rig.news()
  expect([token?.['text'], settled?.['type']]).toEqual(['🧵'.repeat(1000), 'settled'])
  await close()
})
