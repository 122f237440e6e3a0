import { afterEach, beforeEach, expect, test } from 'vitest'
import { setCarrier } from '../../../src/http/body/carrier.ts'
import { follow, readMessages, readProblem } from '../../http/handler/handler-rig.ts'
import { HeldBody, sendPlan } from '../../http/plans/held-body.ts'
import { idle } from '../../support/fake-clock.ts'
import { LEASE_MS, type ServerRig, settle } from './cluster-rig.ts'
import { fold, KEY, PlanRig, task } from './plan-rig.ts'

let rig: PlanRig
beforeEach(() => void (rig = new PlanRig()))
afterEach(() => rig.cluster.close())

test('when its server dies, the plan waits at the next one', async () => {
  const [a, b] = [rig.server('a'), rig.server('b')]
  await settle(rig.cluster)
  await sendPlan(a, new HeldBody().write(task('t1')), KEY)
  await rig.hasLines(a, 1)
  a.process.die()
  await rig.cluster.clock.run(LEASE_MS + 3000)
  const after = readMessages(await rig.write(b, 1, task('t2')))
  expect((await rig.inTime(after)).at(-1)?.data).toContain('"status":"success"')
})

test('a planner whose server has lost the execution loses its connection', async () => {
  const [a, b] = [rig.server('a'), rig.server('b')]
  await settle(rig.cluster)
  const body = new HeldBody().write(task('t1'))
  await sendPlan(a, body, KEY)
  await rig.hasLines(a, 1)
  expect(body.isCancelled).toBe(false)
  a.process.cutOff(true)
  await rig.cluster.clock.run(LEASE_MS + 3000)
  a.process.cutOff(false)
  await rig.passUntil(() => body.isCancelled)
  const after = readMessages(await rig.write(b, 1, task('t2')))
  expect((await rig.inTime(after)).at(-1)?.data).toContain('"status":"success"')
})

test('a whole plan that was read and is not in the log when its server loses the execution: its planner notices', async () => {
  const [a, b] = [rig.server('a'), rig.server('b')]
  await settle(rig.cluster)
  for (const [count, more] of [{}, { Prefer: 'respond-async' }].entries()) {
    const headers = { ...KEY, 'Idempotency-Key': `k${count}`, 'Content-Type': 'application/x-ndjson', ...more }
    const body = new HeldBody().write(task(`t${count}`))
    const init = { method: 'POST', headers, body: body.stream, duplex: 'half' }
    const request = new Request('http://localhost/executions', init)
    let isAborted = false
    setCarrier(request, { liftTimeLimit: () => {}, abort: () => void (isAborted = true) })
    const answered = a.handler.fetch(request)
    await rig.hasLines(a, 1, `a${count + 1}`)
    a.process.cutOff(true)
    body.end(`${task('late')}{"seal": true}\n`)
    await rig.cluster.clock.run(LEASE_MS + 3000)
    a.process.cutOff(false)
    await rig.passUntil(() => isAborted)
    void (await rig.inTime(answered)).body?.cancel()
    const after = await rig.follow(b, 1, task('t2'), { 'Idempotency-Key': `k${count}` })
    await rig.inTime(after.ended)
    expect(JSON.parse(after.messages.at(-1)?.data ?? '')).toMatchObject({ status: 'success', totalTasks: 2 })
    await rig.cluster.clock.run(LEASE_MS)
  }
})

test('a planner that comes back at another server goes on there, in one stream', async () => {
  const [a, b] = await rig.begin(`{"name": "p"}\n${task('t1')}`, 'a', 'b')
  const after = await rig.write(b, 2, `${task('t2')}\r\n  \n${task('t3', { dependsOn: ['t2'] })}`)
  expect([after.status, after.headers.get('execution-id'), after.headers.get('plan-line')]).toEqual([200, 'a1', '2'])
  const messages = await rig.inTime(readMessages(after))
  expect(fold(messages)).toMatchObject({ status: 'success', counts: { totalTasks: 3 }, planLine: 6 })
  expect(await rig.readAll(a)).toEqual(messages)
  expect(rig.calls).toEqual(['t1', 't2', 't3'])
  // A repetition of a complete plan is answered anywhere.
  const repeated = await sendPlan(b, 'anything', KEY)
  expect([repeated.status, repeated.headers.get('execution-id')]).toEqual([200, 'a1'])
  expect(await readProblem(await rig.write(b, 6, task('t4')))).toMatchObject({ code: 'PLAN_CLOSED' })
})

test('another server answers as the coordinator does: with 202 once the log has the plan, or with the result', async () => {
  for (const [at, headers] of [{ Prefer: 'respond-async' }, { Accept: 'application/json' }].entries()) {
    const own = new PlanRig()
    const [a, b] = await own.begin(task('t1'), 'a', 'b')
    const body = new HeldBody().write(task('t2'))
    const [sent] = await own.send(b, body, { 'Plan-Line': '1', ...headers })
    let isAnswered = false
    void (sent as Promise<Response>).then(() => (isAnswered = true))
    await own.hasLines(a, 2)
    // Headers of a result are sent at once.
    if (at === 0) expect(isAnswered).toBe(false)
    body.end(task('t3'))
    const answer = await own.inTime(sent as Promise<Response>)
    expect(answer.status).toBe([202, 200][at])
    expect((await a.get('/executions/a1')).headers.get('plan-line')).toBe('3')
    const result = (await own.inTime(answer.json())) as object
    expect(result).toMatchObject(at === 0 ? { executionId: 'a1' } : { status: 'success', totalTasks: 3 })
    own.cluster.close()
  }
})

test('a planner changes servers back and forth, in the middle of lines', async () => {
  const servers = await rig.begin(task('t0'), 'a', 'b', 'c')
  for (let line = 1; line < 12; line++) {
    const body = new HeldBody().write(`${task(`t${line}`)}{"id": "half`)
    const server = servers[line % 3] as ServerRig
    const response = await rig.write(server, line, body)
    expect(response.status).toBe(200)
    await rig.hasLines(servers[0], line + 1)
    body.break()
    await rig.cluster.clock.run(1000)
  }
  await rig.inTime(readMessages(await rig.write(servers[1], 12, '{"seal": true}\n')))
  for (const server of servers) expect(await rig.readEnd(server)).toMatchObject({ counts: { successCount: 12 } })
  expect(rig.calls).toEqual(Array.from({ length: 12 }, (_, at) => `t${at}`))
})

test('many lines travel in batches, and their order stays', async () => {
  const [a, b] = await rig.begin(task('t0'), 'a', 'b')
  let sentCount = 0
  const { inbox } = rig.cluster.store
  const send = inbox.send.bind(inbox)
  b.process.store.inbox.send = command => {
    sentCount += 1
    return send(command)
  }
  const lines = Array.from({ length: 2000 }, (_, at) => task(`t${at + 1}`, { dependsOn: [`t${at}`] }))
  const body = new HeldBody()
  const following = await rig.follow(b, 1, body)
  // The pieces of a socket.
  const text = lines.join('')
  for (let at = 0; at < text.length; at += 16_384) body.write(text.slice(at, at + 16_384))
  body.end()
  await rig.inTime(following.ended)
  expect(fold(following.messages)).toMatchObject({ counts: { successCount: 2001 } })
  expect(rig.calls).toEqual(Array.from({ length: 2001 }, (_, at) => `t${at}`))
  expect(await rig.readAll(a)).toEqual(following.messages)
  expect(sentCount).toBeLessThan(40)
})

test('two planners at two servers: the second is refused, unless the first has been silent and it has the right line', async () => {
  const [a, b, c] = await rig.begin(task('t1'), 'a', 'b', 'c')
  const first = new HeldBody().write(task('t2'))
  await rig.write(b, 1, first)
  await rig.hasLines(a, 2)
  const busy = async (server: ServerRig | undefined, line: number): Promise<unknown> =>
    (await readProblem(await rig.write(server as ServerRig, line, task('t3')))).code
  for (const server of [a, b, c]) expect(await busy(server, 2)).toBe('PLAN_BUSY')
  // White space counts.
  for (let count = 0; count < 10; count++) {
    await rig.cluster.clock.run(4000)
    first.write(' ')
  }
  for (const server of [a, b, c]) expect(await busy(server, 2)).toBe('PLAN_BUSY')
  await rig.cluster.clock.run(8000)
  expect(await busy(c, 2)).toBe('PLAN_BUSY')
  await rig.cluster.clock.run(2500)
  expect(await busy(c, 1)).toBe('PLAN_BUSY')
  expect(first.isCancelled).toBe(false)
  const second = await rig.follow(c as ServerRig, 2, task('t3'))
  await rig.inTime(second.ended)
  await rig.passUntil(() => first.isCancelled)
  expect(fold(second.messages)).toMatchObject({ status: 'success' })
  expect(rig.calls).toEqual(['t1', 't2', 't3'])
})

test('a silent planner at the coordinator gives way to one at another server', async () => {
  const [a, b] = [rig.server('a'), rig.server('b')]
  await settle(rig.cluster)
  const first = new HeldBody().write(task('t1'))
  void follow(await sendPlan(a, first, KEY))
  await rig.hasLines(a, 1)
  await rig.cluster.clock.run(10_000)
  const second = await rig.follow(b, 1, task('t2'))
  expect(first.isCancelled).toBe(true)
  await rig.inTime(second.ended)
  expect(fold(second.messages)).toMatchObject({ counts: { successCount: 2 } })
})

test('two requests that begin one plan at two servers at once: one begins it, the other is refused', async () => {
  const servers = [rig.server('a'), rig.server('b')]
  await settle(rig.cluster)
  const bodies = servers.map((_, at) => new HeldBody().write(task(`t${at}`)))
  const sent = servers.map((server, at) => sendPlan(server, bodies[at] as HeldBody, KEY))
  const answers = await rig.inTime(Promise.all(sent))
  expect(answers.map(({ status }) => status).sort((x, y) => x - y)).toEqual([200, 409])
  const won = answers.findIndex(({ status }) => status === 200)
  bodies[won]?.end()
  const messages = await rig.inTime(readMessages(answers[won] as Response))
  expect(fold(messages)).toMatchObject({ status: 'success', counts: { totalTasks: 1 } })
})

test('a repetition of a plan whose seal its server has not read yet follows it', async () => {
  const [a, b] = await rig.begin(task('t1'), 'a', 'b')
  const { inbox } = rig.cluster.store
  b.process.store.inbox.send = async command => {
    void follow(await sendPlan(a, '{"seal": true}\n', { ...KEY, 'Plan-Line': '1' }))
    await idle()
    return inbox.send(command)
  }
  const [sent] = await rig.send(b, 'anything')
  const repeated = await rig.inTime(sent as Promise<Response>)
  expect(repeated.status).toBe(200)
  expect(fold(await rig.inTime(readMessages(repeated)))).toMatchObject({ status: 'success' })
})
