import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMessages, readProblem } from '../../http/handler/handler-rig.ts'
import { HeldBody, sendPlan } from '../../http/plans/held-body.ts'
import { line } from '../../http/plans/plan-client.ts'
import { type ClusterRig, clusterRig, LEASE_MS, type ServerRig, settle } from './cluster-rig.ts'

const KEY = { 'Idempotency-Key': 'k' }
const tools = { work: { readOnly: true, execute: () => 1 } }

let rig: ClusterRig
beforeEach(() => void (rig = clusterRig()))
afterEach(() => rig.close())

/** Lets time pass until something has happened, at most 2 minutes. */
async function passUntil(hasHappened: () => boolean): Promise<void> {
  for (let second = 0; second < 120 && !hasHappened(); second++) await rig.clock.run(1000)
}

/** The value of a promise, while time passes. */
async function awaitInTime<Value>(promise: Promise<Value>): Promise<Value> {
  let isSettled = false
  const settle = (): void => void (isSettled = true)
  promise.then(settle, settle)
  await passUntil(() => isSettled)
  return promise
}

/** Resolves once a server has so many lines of the plan in its log: a request needs more than turns of the event loop. */
async function hasLines(server: ServerRig, count: number): Promise<void> {
  for (let second = 0; second < 120; second++) {
    const answer = await server.get('/executions/a1')
    if (answer.headers.get('plan-line') === String(count)) return
    await rig.clock.run(1000)
  }
}

test('a planner that comes back at another server is refused there, and continues where it runs', async () => {
  const [a, b] = [rig.server('a', { tools, work: true }), rig.server('b', { tools, work: true })]
  await settle(rig)
  const body = new HeldBody().write(`{"eager": "all"}\n${line('t1')}`)
  const before = readMessages(await sendPlan(a, body, KEY))
  await hasLines(a, 2)
  body.break()
  await rig.clock.run(1000)
  const elsewhere = await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '2' })
  expect(elsewhere.headers.get('retry-after')).toBe('1')
  expect(await readProblem(elsewhere)).toMatchObject({ status: 409, code: 'PLAN_ELSEWHERE' })
  expect((await b.get('/executions/a1')).headers.get('plan-line')).toBe('2')
  const after = readMessages(await sendPlan(a, line('t2'), { ...KEY, 'Plan-Line': '2' }))
  expect((await awaitInTime(after)).at(-1)?.data).toContain('"totalTasks":2')
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
  await sendPlan(a, body, KEY)
  await hasLines(a, 1)
  a.process.die()
  await rig.clock.run(LEASE_MS + 3000)
  const after = readMessages(await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '1' }))
  expect((await awaitInTime(after)).at(-1)?.data).toContain('"status":"success"')
})

test('a planner whose server has lost the execution loses its connection', async () => {
  const [a, b] = [rig.server('a', { tools, work: true }), rig.server('b', { tools, work: true })]
  await settle(rig)
  const body = new HeldBody().write(line('t1'))
  await sendPlan(a, body, KEY)
  await hasLines(a, 1)
  expect(body.isCancelled).toBe(false)
  a.process.cutOff(true)
  await rig.clock.run(LEASE_MS + 3000)
  a.process.cutOff(false)
  await passUntil(() => body.isCancelled)
  expect(body.isCancelled).toBe(true)
  const after = readMessages(await sendPlan(b, line('t2'), { ...KEY, 'Plan-Line': '1' }))
  expect((await awaitInTime(after)).at(-1)?.data).toContain('"status":"success"')
})
