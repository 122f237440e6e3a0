import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMessages, readProblem } from '../../http/handler/handler-rig.ts'
import { HeldBody, sendPlan } from '../../http/plans/held-body.ts'
import { line } from '../../http/plans/plan-client.ts'
import { type ClusterRig, clusterRig, LEASE_MS, settle } from './cluster-rig.ts'

const KEY = { 'Idempotency-Key': 'k' }
const tools = { work: { readOnly: true, execute: () => 1 } }

let rig: ClusterRig
beforeEach(() => void (rig = clusterRig()))
afterEach(() => rig.close())

test('a planner that comes back at another server is refused there, and continues where the execution runs', async () => {
  const [a, b] = [rig.server('a', { tools, work: true }), rig.server('b', { tools, work: true })]
  await settle(rig)
  const body = new HeldBody().write(`{"eager": "all"}\n${line('t1')}`)
  const before = readMessages(await sendPlan(a, body, KEY))
  await rig.clock.run(1000)
  body.break()
  await rig.clock.run(1000)
  const elsewhere = await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '2' })
  expect(elsewhere.headers.get('retry-after')).toBe('1')
  expect(await readProblem(elsewhere)).toMatchObject({ status: 409, code: 'PLAN_ELSEWHERE' })
  expect((await b.get('/executions/a1')).headers.get('plan-line')).toBe('2')
  const after = readMessages(await sendPlan(a, line('t2'), { ...KEY, 'Plan-Line': '2' }))
  await rig.clock.run(5000)
  expect((await after).at(-1)?.data).toContain('"totalTasks":2')
  await before
  // A repetition of a complete plan is answered anywhere.
  const repeated = await sendPlan(b, 'anything', KEY)
  expect([repeated.status, repeated.headers.get('execution-id')]).toEqual([200, 'a1'])
  expect(await readProblem(await sendPlan(b, line('t3'), { ...KEY, 'Plan-Line': '3' }))).toMatchObject({
    code: 'PLAN_CLOSED',
  })
})

test('when its server dies, the plan waits at the next one', async () => {
  const [a, b] = [rig.server('a', { tools, work: true }), rig.server('b', { tools, work: true })]
  await settle(rig)
  const body = new HeldBody().write(line('t1'))
  void sendPlan(a, body, KEY)
  await rig.clock.run(1000)
  a.process.die()
  await rig.clock.run(LEASE_MS + 3000)
  const after = readMessages(await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '1' }))
  await rig.clock.run(5000)
  expect((await after).at(-1)?.data).toContain('"status":"success"')
})

test('a planner whose server has lost the execution loses its connection', async () => {
  const [a, b] = [rig.server('a', { tools, work: true }), rig.server('b', { tools, work: true })]
  await settle(rig)
  const body = new HeldBody().write(line('t1'))
  void sendPlan(a, body, KEY)
  await rig.clock.run(1000)
  expect(body.isCancelled).toBe(false)
  a.process.cutOff(true)
  await rig.clock.run(LEASE_MS + 3000)
  a.process.cutOff(false)
  await rig.clock.run(LEASE_MS + 3000)
  expect(body.isCancelled).toBe(true)
  const after = readMessages(await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '1' }))
  await rig.clock.run(5000)
  expect((await after).at(-1)?.data).toContain('"status":"success"')
})
