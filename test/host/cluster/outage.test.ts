import { afterEach, expect, test } from 'vitest'
import { createHandler, type HandlerOptions } from 'dagstream/http'
import { createMemoryStore } from '../../../src/index.ts'
import { idle } from '../../support/fake-clock.ts'
import { follow, ONE_TASK, readProblem, STREAM } from '../../http/handler/handler-rig.ts'
import { type ClusterRig, clusterRig, LEASE_MS, settle } from './cluster-rig.ts'

let rig: ClusterRig
afterEach(() => rig.close())

test('a request to start an execution is answered within 5 s while the store does not answer', async () => {
  rig = clusterRig()
  const b = rig.server('b')
  await idle()
  b.process.hang(true)
  const answered = b.create({ workflow: ONE_TASK })
  while (b.process.hangingCount() < 1) await idle()
  await rig.clock.run(5000)
  const problem = await readProblem(await answered)
  expect([problem.status, problem.code]).toEqual([503, 'STORE_FAILED'])
})

test('an execution that the store created too late is removed, and one with a key runs', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await settle(rig)
  a.process.hang(true, ['create'])
  const without = a.create({ workflow: ONE_TASK })
  const withKey = a.create({ workflow: ONE_TASK }, { 'Idempotency-Key': 'k' })
  while (a.process.hangingCount() < 2) await idle()
  await rig.clock.run(4500)
  expect([(await without).status, (await withKey).status]).toEqual([503, 503])
  a.process.hang(false)
  await rig.clock.run(3000)
  const known = await a.create({ workflow: ONE_TASK }, { 'Idempotency-Key': 'k', Prefer: 'respond-async' })
  const { executionId } = (await known.json()) as { executionId: string }
  const { executions } = (await (await a.get('/executions')).json()) as {
    executions: readonly { executionId: string }[]
  }
  expect(executions.map(each => each.executionId)).toEqual([executionId])
})

test('readers keep their streams through an outage, and go on after it', async () => {
  rig = clusterRig()
  const [a, b] = [rig.server('a'), rig.server('b')]
  await rig.worker('w')
  await settle(rig)
  await a.begin({ workflow: ONE_TASK })
  const call = await rig.tool.nextCall('a')
  const reader = follow(await b.get('/executions/a1/events', { Accept: STREAM }))
  await idle()
  b.process.cutOff(true)
  const before = reader.byteCount()
  call.succeed(1)
  await rig.clock.run(LEASE_MS * 2)
  expect(reader.byteCount()).toBeGreaterThan(before)
  expect(reader.messages.map(({ event }) => event)).not.toContain('error')
  b.process.cutOff(false)
  await rig.clock.run(LEASE_MS)
  await reader.ended
  expect(reader.messages.at(-1)?.event).toBe('execution_complete')
})

test.each<[Partial<HandlerOptions>]>([
  [{ leaseMs: 999 }],
  [{ leaseMs: 1.5e3 + 0.5 }],
  [{ toolsWaitMs: -1 }],
  [{ maxRunningPerOwner: 0 }],
  [{ work: 1 as unknown as boolean }],
  [{ dispatcher: {} as HandlerOptions['dispatcher'] & object }],
])('the options %j are refused', options => {
  rig = clusterRig()
  expect(() => createHandler({ tools: {}, store: rig.store, ...options })).toThrow(/Expected `/)
})

test.each([{ work: false }, { leaseMs: 5000 }, { toolsWaitMs: 1 }, { maxRunningPerOwner: 1 }])(
  'the options %j are refused with a store of one process',
  options => {
    rig = clusterRig()
    const make = (): unknown => createHandler({ tools: {}, store: createMemoryStore(), ...options })
    expect(make).toThrow('absent: the store is not shared between processes')
  },
)

test('a server with another dispatcher does not start', async () => {
  rig = clusterRig()
  const a = rig.server('a')
  await a.handler.started
  const dispatcher = { name: 'other', dispatch: async () => {}, cancel: async () => {}, close: async () => {} }
  await expect(rig.server('b', { dispatcher }).handler.started).rejects.toMatchObject({ code: 'DISPATCHER_CONFLICT' })
})
