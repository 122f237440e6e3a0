import { afterEach, expect, test } from 'vitest'
import { idle } from '../../support/fake-clock.ts'
import { follow, ONE_TASK, seqsOf, STREAM } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig, LEASE_MS, settle } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

const statusOf = async (response: Promise<Response>): Promise<unknown> =>
  ((await (await response).json()) as { status: unknown }).status

test('another server takes over the execution of a dead one within its lease and a second, and its readers go on', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const reader = follow(await b.get('/executions/a1/events', { Accept: STREAM }))
  a.process.die()
  await rig.clock.run(LEASE_MS + 1000)
  expect(await b.figure('dagstream_leases')).toBe(1)
  expect(await b.figure('dagstream_takeovers_total')).toBe(1)
  call.succeed(1)
  await rig.clock.run(2000)
  await reader.ended
  const seqs = seqsOf(reader.messages)
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  expect(reader.messages.map(({ event }) => event)).toContain('execution_resumed')
  expect(await statusOf(b.get('/executions/a1'))).toBe('success')
  // The attempt of the worker went on.
  expect(rig.tool.started).toEqual(['a'])
})

test('a server that starts takes over at once what another one gave back', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const closed = a.handler.close()
  await rig.clock.run(LEASE_MS)
  await closed
  const b = rig.server('b')
  await rig.clock.run(1000)
  expect(await b.figure('dagstream_leases')).toBe(1)
  call.succeed(1)
  await rig.clock.run(1000)
  expect(await statusOf(b.get('/executions/a1'))).toBe('success')
  expect(rig.tool.started).toEqual(['a'])
})

test('a server takes nothing over from a dead one before it has been connected for one lease', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await rig.worker('w')
  await a.begin({ workflow: ONE_TASK })
  await rig.tool.nextCall('a')
  a.process.die()
  await rig.clock.run(LEASE_MS * 3)
  const b = rig.server('b')
  await rig.clock.run(LEASE_MS - 500)
  expect(await b.figure('dagstream_leases')).toBe(0)
  await rig.clock.run(2000)
  expect(await b.figure('dagstream_leases')).toBe(1)
})

test('an interruption of its own connection begins that time again', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await rig.tool.nextCall('a')
  a.process.die()
  b.process.cutOff(true)
  await rig.clock.run(LEASE_MS * 2)
  expect((await b.get('/healthz')).status).toBe(503)
  b.process.cutOff(false)
  await rig.clock.run(LEASE_MS - 1000)
  expect((await b.get('/healthz')).status).toBe(200)
  expect(await b.figure('dagstream_leases')).toBe(0)
  await rig.clock.run(LEASE_MS / 2)
  expect(await b.figure('dagstream_leases')).toBe(1)
})

test('a server that lost its lease leaves the execution, and its readers go on without an error event', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  const reader = await a.follow({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  a.process.cutOff(true)
  await rig.clock.run(LEASE_MS + 1000)
  expect(await b.figure('dagstream_leases')).toBe(1)
  a.process.cutOff(false)
  await rig.clock.run(LEASE_MS / 2)
  expect([await a.figure('dagstream_leases'), await a.figure('dagstream_executions_running')]).toEqual([0, 0])
  call.succeed(1)
  await rig.clock.run(2000)
  await reader.ended
  expect(reader.messages.map(({ event }) => event)).not.toContain('error')
  const seqs = seqsOf(reader.messages)
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  expect(reader.messages.at(-1)?.event).toBe('execution_complete')
})

test('a server that is cut off and returns before its lease is claimed goes on', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  a.process.cutOff(true)
  await rig.clock.run(LEASE_MS * 3)
  a.process.cutOff(false)
  await rig.clock.run(LEASE_MS)
  expect(await a.figure('dagstream_leases')).toBe(1)
  call.succeed(1)
  await rig.clock.run(1000)
  expect(await statusOf(a.get('/executions/a1'))).toBe('success')
  expect(rig.tool.started).toEqual(['a'])
})

test('a takeover is no matter of `maxExecutions`, but counts', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  const b = rig.server('b', { maxExecutions: 1 })
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await a.begin({ workflow: ONE_TASK })
  await idle()
  a.process.die()
  await rig.clock.run(LEASE_MS + 1000)
  expect(await b.figure('dagstream_executions_running')).toBe(2)
  expect((await b.create({ workflow: ONE_TASK })).status).toBe(429)
})

test('a server that drains gives its executions back: the other one continues at once', async () => {
  rig = clusterRig()
  const a = rig.server('a', { drainMs: 1000 })
  const b = rig.server('b')
  await rig.worker('w')
  await settle(rig)
  const reader = await a.follow({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const closed = a.handler.close()
  await rig.clock.run(5000)
  await closed
  await reader.ended
  expect(reader.messages.at(-1)?.event).toBe('error')
  expect(await b.figure('dagstream_leases')).toBe(1)
  expect(rig.store.tables.members.size).toBe(2)
  call.succeed(1)
  await rig.clock.run(1000)
  expect(await statusOf(b.get('/executions/a1'))).toBe('success')
  expect(rig.tool.started).toEqual(['a'])
})

test('an execution that a server claimed without learning of it is continued', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  await b.begin({ workflow: ONE_TASK })
  const [first, second] = [await rig.tool.nextCall('a'), await rig.tool.nextCall('a')]
  b.process.loseAnswer('claimFree')
  a.process.die()
  // Its renewals keep all that the store says it has.
  await rig.clock.run(LEASE_MS * 3)
  expect(await b.figure('dagstream_leases')).toBe(2)
  first.succeed(1)
  second.succeed(1)
  await rig.clock.run(2000)
  expect([await statusOf(b.get('/executions/a1')), await statusOf(b.get('/executions/b1'))]).toEqual([
    'success',
    'success',
  ])
  expect(rig.tool.started).toEqual(['a', 'a'])
})
