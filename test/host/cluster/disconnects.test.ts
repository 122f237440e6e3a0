import { afterEach, expect, test } from 'vitest'
import { idle } from '../../support/fake-clock.ts'
import { follow, ONE_TASK, STREAM } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const statusOf = async (response: Promise<Response>): Promise<unknown> =>
  ((await (await response).json()) as { status: unknown }).status

test('an execution without a reader at its own server runs on while another server has one', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  const options = { onDisconnect: { graceMs: 5000 } }
  const first = await a.follow({ workflow: ONE_TASK, options })
  await rig.tool.nextCall('a')
  const second = follow(await b.get('/executions/a1/events', { Accept: STREAM }))
  await idle()
  await first.leave()
  await rig.clock.run(20_000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('running')
  await second.leave()
  await rig.clock.run(5000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('running')
  await rig.clock.run(3000)
  expect(await statusOf(b.get('/executions/a1'))).toBe('cancelled')
  expect(rig.store.tables.subscribers.get('b')).toBeUndefined()
})

test('the rule `cancel` waits for the last reader at any server, too', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  const first = await a.follow({ workflow: ONE_TASK, options: { onDisconnect: 'cancel' } })
  await rig.tool.nextCall('a')
  const second = follow(await b.get('/executions/a1/events', { Accept: STREAM }))
  await idle()
  await first.leave()
  await rig.clock.run(3000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('running')
  await second.leave()
  await rig.clock.run(3000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('cancelled')
})

test('a request for the result at another server counts as a follower', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  const headers = { 'Idempotency-Key': 'k' }
  const body = { workflow: ONE_TASK, options: { onDisconnect: { graceMs: 1000 } } }
  const first = await a.follow(body, headers)
  const call = await rig.tool.nextCall('a')
  const second = await b.create(body, { ...headers, Accept: 'application/json' })
  await idle()
  await first.leave()
  await rig.clock.run(10_000)
  call.succeed(1)
  expect(await second.json()).toMatchObject({ status: 'success' })
})

test('a count that fails cancels nothing', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await rig.worker('w')
  const first = await a.follow({ workflow: ONE_TASK, options: { onDisconnect: { graceMs: 1000 } } })
  await rig.tool.nextCall('a')
  a.process.cutOff(true)
  await first.leave()
  await rig.clock.run(5000)
  a.process.cutOff(false)
  expect(await statusOf(a.get('/executions/a1'))).toBe('running')
  await rig.clock.run(6000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('cancelled')
})
