import { afterEach, expect, test } from 'vitest'
import { ONE_TASK } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig, LEASE_MS, settle } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const statusOf = async (response: Promise<Response>): Promise<unknown> =>
  ((await (await response).json()) as { status: unknown }).status

test('a server runs the tasks itself, with a worker that it announces', async () => {
  rig = clusterRig()
  const a = rig.server('a', { work: true })
  await settle(rig)
  const { workers } = (await (await a.get('/workers')).json()) as { workers: readonly { tools: readonly string[] }[] }
  expect(workers.map(({ tools }) => tools)).toEqual([['work']])
  await a.begin({ workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.clock.run(2000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('success')
})

test('a server without workers of its own leaves its tasks waiting until one comes, and tells how many', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await rig.clock.run(3000)
  expect(await a.figure('dagstream_orders_waiting{tool="work"}')).toBe(1)
  expect(await a.figure('dagstream_orders_oldest_seconds')).toBe(3)
  await rig.worker('w')
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.clock.run(2000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('success')
})

test('a task whose tool no worker has fails after `toolsWaitMs`', async () => {
  rig = clusterRig()
  const a = rig.server('a', { toolsWaitMs: 20_000 })
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await rig.clock.run(40_000)
  expect(await (await a.get('/executions/a1')).json()).toMatchObject({
    status: 'error',
    result: { results: [{ code: 'TOOLS_UNAVAILABLE' }] },
  })
})

test('a server that dies with its worker: another one takes the execution over and runs the task again', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a', { work: true }), rig.server('b')]
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await rig.tool.nextCall('a')
  a.process.die()
  await rig.worker('w')
  await rig.clock.run(LEASE_MS * 2)
  ;(await rig.tool.nextCall('a')).succeed(2)
  await rig.clock.run(2000)
  expect(await (await b.get('/executions/a1')).json()).toMatchObject({
    status: 'success',
    result: { results: [{ output: 2, attempts: 2 }] },
  })
})

test('a server that drains ends its worker, and leaves the store', async () => {
  rig = clusterRig()
  const a = rig.server('a', { work: true, drainMs: 1000 })
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const closed = a.handler.close()
  await rig.clock.run(1000)
  expect(call.context.signal.aborted).toBe(true)
  call.fail(new Error('aborted'))
  await rig.clock.run(20_000)
  await closed
  expect(rig.store.tables.members.size).toBe(0)
  expect(rig.clock.timerCount).toBe(0)
})

test('the bound of one owner is kept in the store', async () => {
  rig = clusterRig()
  const a = rig.server('a', { maxRunningPerOwner: 3 })
  await a.handler.started
  expect(rig.store.tables.maxRunningPerOwner).toBe(3)
})
