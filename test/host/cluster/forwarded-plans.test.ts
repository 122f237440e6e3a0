import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CommandMessage } from '../../../src/cluster/inbox.ts'
import { readProblem } from '../../http/handler/handler-rig.ts'
import { HeldBody } from '../../http/plans/held-body.ts'
import { LEASE_MS, type ServerRig } from './cluster-rig.ts'
import { fold, PlanRig, task } from './plan-rig.ts'

let rig: PlanRig
beforeEach(() => void (rig = new PlanRig()))
afterEach(() => rig.cluster.close())

/** A coordinator, another server, and a planner there that has written two of its lines. */
async function forwardingRig(
  names: readonly [string, string, ...string[]] = ['a', 'b'],
): Promise<{ servers: ServerRig[]; a: ServerRig; b: ServerRig; body: HeldBody; response: Response }> {
  const servers = await rig.begin(task('t1'), ...names)
  const [a, b] = servers
  const body = new HeldBody().write(task('t2'))
  const response = await rig.write(b, 1, body)
  await rig.hasLines(a, 2)
  return { servers, a, b, body, response }
}

test('when the coordinator dies, the planner at another server writes on and does not notice', async () => {
  const { a, b, body } = await forwardingRig(['a', 'b', 'c'])
  a.process.die()
  body.write(task('t3'))
  await rig.hasLines(b, 3)
  body.end(task('t4'))
  expect(await rig.readEnd(b)).toMatchObject({ status: 'success', counts: { successCount: 4 }, planLine: 4 })
  expect(body.isCancelled).toBe(false)
  expect([...new Set(rig.calls)]).toEqual(['t1', 't2', 't3', 't4'])
})

test('a coordinator that dies with lines which it has recorded and not committed costs none of them', async () => {
  const { a, b, body } = await forwardingRig(['a', 'b', 'c'])
  a.process.hang(true, ['commit'])
  body.write(`${task('t3')}${task('t4')}`)
  await rig.passUntil(() => a.process.hangingCount() > 0)
  a.process.die()
  await rig.hasLines(b, 4)
  body.end(task('t5'))
  expect(await rig.readEnd(b)).toMatchObject({ status: 'success', counts: { successCount: 5 } })
  expect(rig.calls).toEqual(['t1', 't2', 't3', 't4', 't5'])
})

test('a coordinator that is cut off and finds another one leaves the planner to it', async () => {
  const { a, b, body } = await forwardingRig(['a', 'b', 'c'])
  a.process.cutOff(true)
  body.write(task('t3'))
  await rig.hasLines(b, 3)
  a.process.cutOff(false)
  await rig.cluster.clock.run(LEASE_MS)
  body.end(task('t4'))
  expect(await rig.readEnd(a)).toMatchObject({ status: 'success', counts: { successCount: 4 } })
})

test('a step or a reply that is lost on the way to the store is asked for again, and no line comes twice', async () => {
  const { a, b, body } = await forwardingRig()
  const { inbox } = rig.cluster.store
  const own = b.process.store.inbox
  let lostCount = 0
  const lose = async (answer: unknown): Promise<never> => {
    await answer
    lostCount += 1
    throw new Error('The answer is lost')
  }
  // After it took effect, and before.
  const faults = [
    () => (own.send = command => (restore(), lose(inbox.send(command)))),
    () => (own.send = () => (restore(), lose(undefined))),
    () => (own.findReply = id => (restore(), lose(inbox.findReply(id)))),
  ]
  const restore = (): void => {
    own.send = command => inbox.send(command)
    own.findReply = id => inbox.findReply(id)
  }
  for (const [at, fail] of faults.entries()) {
    fail()
    body.write(task(`t${at + 3}`))
    await rig.hasLines(a, at + 3)
  }
  body.end()
  expect(await rig.readEnd(a)).toMatchObject({ status: 'success', counts: { successCount: 5 } })
  expect([lostCount, rig.calls]).toEqual([3, ['t1', 't2', 't3', 't4', 't5']])
})

test('a step that comes again after its planner has left changes nothing', async () => {
  const { a, body } = await forwardingRig()
  const steps: CommandMessage[] = []
  const { inbox } = rig.cluster.store
  const read = inbox.read.bind(inbox)
  a.process.store.inbox.read = async (...args) => {
    const found = await read(...args)
    for (const { message } of found.get('a1') ?? []) if ('commandId' in message) steps.push(message)
    return found
  }
  body.write(task('t3'))
  await rig.hasLines(a, 3)
  body.break()
  await rig.cluster.clock.run(2000)
  for (const [at, step] of steps.entries()) await inbox.send({ ...step, commandId: `again ${at}` })
  await rig.cluster.clock.run(2000)
  expect((await a.get('/executions/a1')).headers.get('plan-line')).toBe('3')
  await rig.write(a, 3, '{"seal": true}')
  expect(await rig.readEnd(a)).toMatchObject({ status: 'success', counts: { successCount: 3 } })
  expect(rig.calls).toEqual(['t1', 't2', 't3'])
})

test('when the server of the planner dies, the planner goes on at another one within 10 s', async () => {
  const { a, b, servers } = await forwardingRig(['a', 'b', 'c'])
  b.process.die()
  const c = servers[2] as ServerRig
  expect((await readProblem(await rig.write(c, 2, task('t3')))).code).toBe('PLAN_BUSY')
  await rig.cluster.clock.run(10_000)
  const after = await rig.follow(c, 2, task('t3'))
  await rig.inTime(after.ended)
  expect(fold(after.messages)).toMatchObject({ status: 'success', counts: { successCount: 3 } })
  expect(await rig.readEnd(a)).toMatchObject({ counts: { successCount: 3 } })
})

test('a planner at another server is present: the grace begins once it is gone', async () => {
  const { a, b, body } = await forwardingRig()
  for (let count = 0; count < 20; count++) {
    await rig.cluster.clock.run(5000)
    body.write(' ')
  }
  expect(await (await a.get('/executions/a1')).json()).toMatchObject({ status: 'running' })
  body.break()
  await rig.cluster.clock.run(25_000)
  expect(await (await a.get('/executions/a1')).json()).toMatchObject({ status: 'running' })
  const message = 'The plan broke off before it was complete: The plan could not be read'
  const reason = { code: 'PLAN_INCOMPLETE', message }
  expect(await rig.readEnd(b)).toMatchObject({ status: 'cancelled', reason })
})

test('when its server dies and nobody comes back, the plan breaks off', async () => {
  const { a, b } = await forwardingRig()
  b.process.die()
  await rig.cluster.clock.run(38_000)
  expect(await (await a.get('/executions/a1')).json()).toMatchObject({ status: 'running' })
  const message = 'The plan broke off before it was complete: The server of its planner is gone'
  expect(await rig.readEnd(a)).toMatchObject({ status: 'cancelled', reason: { code: 'PLAN_INCOMPLETE', message } })
})

test('an outage of the store does not break a plan off, and its planner may come back', async () => {
  const { a, b, body } = await forwardingRig()
  for (const { process } of [a, b]) process.cutOff(true)
  body.write(task('t3'))
  await rig.cluster.clock.run(60_000)
  expect(body.isCancelled).toBe(true)
  for (const { process } of [a, b]) process.cutOff(false)
  await rig.cluster.clock.run(5000)
  const line = Number((await b.get('/executions/a1')).headers.get('plan-line'))
  expect([2, 3]).toContain(line)
  const after = await rig.follow(b, line, line === 2 ? `${task('t3')}${task('t4')}` : task('t4'))
  await rig.inTime(after.ended)
  expect(fold(after.messages)).toMatchObject({ status: 'success', counts: { successCount: 4 } })
})

test('a server that leaves tells its planners', async () => {
  const { a, b, body } = await forwardingRig(['a', 'b', 'c'])
  const closed = b.handler.close()
  await rig.passUntil(() => body.isCancelled)
  await rig.inTime(closed)
  const after = await rig.follow(a, 2, task('t3'))
  await rig.inTime(after.ended)
  expect(fold(after.messages)).toMatchObject({ status: 'success', counts: { successCount: 3 } })
})

test('a coordinator that leaves hands the planner over', async () => {
  const { a, b, body } = await forwardingRig()
  body.write(task('t3'))
  await rig.hasLines(b, 3)
  await rig.inTime(a.handler.close())
  body.end(task('t4'))
  expect(await rig.readEnd(b)).toMatchObject({ status: 'success', counts: { successCount: 4 } })
  expect(body.isCancelled).toBe(false)
})

test('a coordinator that does not know the command is named', async () => {
  const [a, b] = await rig.begin(task('t1'), 'a', 'b')
  const { inbox } = rig.cluster.store
  const read = inbox.read.bind(inbox)
  // As a coordinator of an earlier version sees it.
  a.process.store.inbox.read = async (...args) =>
    new Map(
      Array.from(await read(...args), ([id, messages]) => [
        id,
        messages.map(each => {
          const { message } = each
          const isPlan = 'commandId' in message && message.news.type === 'plan'
          return isPlan ? { ...each, message: { ...message, news: { type: 'strange' } as never } } : each
        }),
      ]),
    )
  const refused = await rig.write(b, 1, task('t2'))
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await readProblem(refused)).toMatchObject({ status: 409, code: 'PLAN_ELSEWHERE' })
})

test('without a coordinator the planner gets 503', async () => {
  const [a, b] = await rig.begin(task('t1'), 'a', 'b')
  a.process.hang(true, ['read', 'commit'])
  const problem = await readProblem(await rig.write(b, 1, task('t2')))
  expect(problem).toMatchObject({ status: 503, code: 'COORDINATOR_UNAVAILABLE' })
})
