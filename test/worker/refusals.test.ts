import { expect, test } from 'vitest'
import type { AttemptMessage } from '../../src/cluster/inbox.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { DagstreamError } from '../../src/errors.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { idle } from '../support/fake-clock.ts'
import { createWorkerRig, override, type WorkerRig } from './worker-rig.ts'

const isPoison = ({ news }: AttemptMessage): boolean => JSON.stringify(news).includes('poison')

/** A store that refuses each post with such a message, or one that a test says. */
function createRefusal(): {
  refuses: (message: AttemptMessage) => boolean
  readonly posts: (readonly string[])[]
  readonly wrap: (store: SharedStore) => SharedStore
} {
  const state = {
    refuses: isPoison,
    posts: [] as (readonly string[])[],
    wrap: (store: SharedStore): SharedStore => ({
      ...store,
      inbox: override(store.inbox, {
        post: async (...args: Parameters<SharedStore['inbox']['post']>) => {
          state.posts.push([...new Set(args[1].map(({ key }) => key.taskId))])
          if (args[1].some(message => state.refuses(message))) {
            throw new DagstreamError('STORE_FAILED', 'The store failed: no', { details: { isRefusal: true } })
          }
          return await store.inbox.post(...args)
        },
      }),
    }),
  }
  return state
}

function warningsOf(rig: WorkerRig): readonly string[] {
  return rig.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

const FAILED = { status: 'error', code: 'INVALID_OUTCOME', isRetryable: false }
const DROPPED = 'The store refuses what an attempt reports: it is dropped'

test('an outcome that the store refuses three times becomes a failure, and the others of its batch are posted', async () => {
  const store = createRefusal()
  const rig = await createWorkerRig(store)
  const tool = new ControlledTool()
  const { close, worker } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a', 'b', 'c'])
  // They end in one turn: their outcomes are one batch.
  for (const call of await tool.nextCalls('a', 'b', 'c')) call.succeed(call.context.taskId === 'b' ? 'poison' : 1)
  await rig.clock.run(100)
  expect([...(await rig.reports()).keys()].toSorted()).toEqual(['a', 'c'])
  await rig.clock.run(5000)
  expect((await rig.reports()).get('b')).toMatchObject(FAILED)
  // The batch, each alone, twice more, and the failure.
  expect(store.posts).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c'], ['b'], ['b'], ['b']])
  expect([warningsOf(rig), worker.runningCount, worker.waitingWeight]).toEqual([[DROPPED], 0, 0])
  await close()
})

test('an attempt whose emission is refused is aborted and fails; the worker goes on meanwhile', async () => {
  const store = createRefusal()
  const rig = await createWorkerRig(store)
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a', 'b'])
  const [a, b] = await tool.nextCalls('a', 'b')
  a?.context.emitToken('poison')
  await rig.clock.run(100)
  b?.context.emitToken('one')
  await rig.order('work', ['c'])
  await rig.clock.run(100)
  expect(tool.started).toEqual(['a', 'b', 'c'])
  expect(await rig.news()).toMatchObject([{ taskId: 'b', text: 'one' }])
  await rig.clock.run(3000)
  expect(a?.context.signal.aborted).toBe(true)
  a?.succeed('late')
  b?.succeed(2)
  tool.takeFirst()?.succeed(3)
  await rig.clock.run(1000)
  const reports = await rig.reports()
  expect(reports.get('a')).toMatchObject(FAILED)
  expect([reports.get('b')?.status, reports.get('c')?.status]).toEqual(['success', 'success'])
  expect((await rig.news()).filter(({ taskId }) => taskId === 'a')).toHaveLength(1)
  await close()
})

test('news of an attempt that is refused once or twice are all posted, in order', async () => {
  const store = createRefusal()
  const rig = await createWorkerRig(store)
  const tool = new ControlledTool()
  const { close } = await rig.start({ work: { execute: tool.execute } })
  await rig.order('work', ['a'])
  const call = await tool.nextCall('a')
  let left = 2
  store.refuses = () => left-- > 0
  call.context.emitToken('one ')
  await rig.clock.run(100)
  call.context.emitToken('two ')
  call.succeed('three')
  await rig.clock.run(100)
  expect(await rig.news()).toEqual([])
  await rig.clock.run(3000)
  const news = await rig.news()
  expect(news.map(({ type, text }) => [type, text])).toEqual([
    ['token', 'one '],
    ['token', 'two '],
    ['settled', undefined],
  ])
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'success' })
  expect(warningsOf(rig)).toEqual([])
  await close()
})

test('an attempt of which the store refuses everything is given up: its lease expires', async () => {
  const store = createRefusal()
  store.refuses = ({ key }) => key.taskId === 'a'
  const rig = await createWorkerRig(store)
  const { close, worker } = await rig.start({ work: (_, { taskId }) => taskId }, { leaseMs: 10_000 })
  await rig.order('work', ['a'])
  await rig.clock.run(5000)
  expect([store.posts.length, worker.runningCount, worker.waitingWeight]).toEqual([6, 0, 0])
  expect(warningsOf(rig)).toEqual([
    DROPPED,
    DROPPED,
    'The store refuses any outcome of an attempt: it is given up, and its lease expires',
  ])
  await rig.order('work', ['b'])
  await rig.clock.run(20_000)
  expect((await rig.reports()).get('b')).toMatchObject({ status: 'success' })
  expect(await rig.store.orders.interruptExpired()).toBe(1)
  expect((await rig.news()).filter(({ taskId }) => taskId === 'a')).toEqual([
    { taskId: 'a', type: 'interrupted', cause: 'lost' },
  ])
  await close()
})

test('a drain waits for news that were refused', async () => {
  const store = createRefusal()
  const rig = await createWorkerRig(store)
  const { close, worker } = await rig.start({ work: (_, { taskId }) => taskId })
  let left = 2
  store.refuses = () => left-- > 0
  await rig.order('work', ['a'])
  await rig.clock.run(0)
  expect(worker.runningCount).toBe(1)
  const closed = close()
  await idle()
  await rig.clock.run(3000)
  await closed
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'success' })
})

test('an outage after a refusal is waited for, without an end of the attempt', async () => {
  const store = createRefusal()
  const rig = await createWorkerRig({
    wrap: inner => {
      let postCount = 0
      const isOut = (): boolean => ++postCount > 1 && postCount < 6
      const wrapped = store.wrap(inner)
      return {
        ...wrapped,
        inbox: override(wrapped.inbox, {
          post: async (...args: Parameters<SharedStore['inbox']['post']>) => {
            if (isOut()) throw new Error('The database is away')
            return await wrapped.inbox.post(...args)
          },
        }),
      }
    },
  })
  let left = 1
  store.refuses = () => left-- > 0
  const { close } = await rig.start({ work: (_, { taskId }) => taskId })
  await rig.order('work', ['a'])
  await rig.clock.run(10_000)
  expect((await rig.reports()).get('a')).toMatchObject({ status: 'success' })
  await close()
})
