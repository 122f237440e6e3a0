import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { outlive } from '../../support/crash.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { follow, type Following, handlerRig, readMessages, readProblem } from '../handler/handler-rig.ts'
import { HeldBody, sendPlan } from './held-body.ts'
import { line } from './plan-client.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args } }
const KEY = { 'Idempotency-Key': 'k' }

/** The data of the last event. */
const lastOf = ({ messages }: Following): unknown => JSON.parse(messages.at(-1)?.data ?? '{}')

test('a planner that comes back continues behind the last accepted line, in one stream', async () => {
  const rig = handlerRig({ tools })
  const first = new HeldBody().write(`{"name": "p"}\n${line('a')}\n{"id": "ha`)
  const before = follow(await sendPlan(rig, first, KEY))
  await idle()
  first.break()
  await idle()
  expect(await rig.get('/executions/x1').then(({ headers }) => headers.get('plan-line'))).toBe('2')

  for (const given of [undefined, '0', '1', '3']) {
    const headers = { ...KEY, ...(given !== undefined && { 'Plan-Line': given }) }
    const refused = await sendPlan(rig, line('b'), headers)
    expect(refused.headers.get('plan-line')).toBe('2')
    expect(await readProblem(refused)).toMatchObject({ status: 409, code: 'PLAN_LINE_MISMATCH', planLine: 2 })
  }
  const after = await sendPlan(rig, `\n${line('b', { dependsOn: ['a'] })}`, {
    ...KEY,
    'Plan-Line': '2',
    'Last-Event-ID': before.messages.at(-1)?.id as string,
  })
  expect([after.status, after.headers.get('execution-id'), after.headers.get('plan-line')]).toEqual([200, 'x1', '2'])
  const rest = await readMessages(after)
  await before.ended
  expect(before.messages.map(({ id }) => id)).toEqual(before.messages.map((_, at) => `x1.${at + 1}`))
  expect(before.messages.slice(-rest.length)).toEqual(rest)
  expect(lastOf(before)).toMatchObject({ status: 'success', totalTasks: 2 })
  const added = before.messages.filter(({ event }) => event === 'tasks_added')
  expect(added.map(({ data }) => (JSON.parse(data) as { tasks: unknown[] }).tasks[0])).toMatchObject([
    { taskId: 'a', line: 2 },
    { taskId: 'b', line: 4 },
  ])
  expect(rig.clock.timerCount).toBe(0)
})

test('without its planner the plan ends, or counts as complete, after the grace', async () => {
  for (const onPlanBreak of ['cancel', 'seal']) {
    const rig = handlerRig({ tools, planGraceMs: 30_000 })
    const body = new HeldBody().write(`{"onPlanBreak": "${onPlanBreak}"}\n${line('a')}`)
    const following = follow(await sendPlan(rig, body, KEY))
    await idle()
    body.break()
    await rig.clock.run(29_999)
    expect(lastOf(following)).not.toHaveProperty('totalExecutionTimeMs')
    await rig.clock.run(1)
    await following.ended
    expect(lastOf(following)).toMatchObject(
      onPlanBreak === 'seal' ? { status: 'success' } : { status: 'cancelled', reason: { code: 'PLAN_INCOMPLETE' } },
    )
    const late = await sendPlan(rig, line('b'), { ...KEY, 'Plan-Line': '2' })
    expect(await readProblem(late)).toMatchObject({ status: 409, code: 'PLAN_CLOSED', planLine: 2 })
    expect(rig.clock.timerCount).toBe(0)
  }
})

test('without a key nobody can come back: it ends at once', async () => {
  const rig = handlerRig({ tools })
  const body = new HeldBody().write(line('a'))
  const following = follow(await sendPlan(rig, body))
  await idle()
  body.break()
  await following.ended
  expect(lastOf(following)).toMatchObject({ reason: { code: 'PLAN_INCOMPLETE' } })
})

test('two planners at once: the second is refused, unless the first has been silent and it has the right line', async () => {
  const rig = handlerRig({ tools })
  const first = new HeldBody().write(line('a'))
  const before = follow(await sendPlan(rig, first, KEY))
  await idle()
  const again = { ...KEY, 'Plan-Line': '1' }
  const busy = await sendPlan(rig, line('b'), again)
  expect(busy.headers.get('retry-after')).toBe('1')
  expect(await readProblem(busy)).toMatchObject({ status: 409, code: 'PLAN_BUSY' })
  await rig.clock.run(9999)
  first.write(' ')
  await rig.clock.run(9999)
  expect(await readProblem(await sendPlan(rig, line('b'), again))).toMatchObject({ code: 'PLAN_BUSY' })
  await rig.clock.run(1)
  expect(await readProblem(await sendPlan(rig, line('b'), KEY))).toMatchObject({ code: 'PLAN_BUSY' })
  expect(first.isCancelled).toBe(false)
  const second = follow(await sendPlan(rig, line('b'), again))
  await second.ended
  expect(first.isCancelled).toBe(true)
  expect(lastOf(second)).toMatchObject({ status: 'success', totalTasks: 2 })
  await before.ended
})

test('a repetition of a complete plan attaches to it; another kind of request under its key is refused', async () => {
  const rig = handlerRig({ tools })
  const whole = `${line('a')}${line('b')}{"seal": true}\n`
  const first = await readMessages(await sendPlan(rig, whole, KEY))
  expect(await readMessages(await sendPlan(rig, whole, KEY))).toEqual(first)
  const document = { tasks: [{ id: 'a', tool: 'work' }] }
  expect(await readProblem(await rig.create(document, KEY))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  await rig.create(document, { 'Idempotency-Key': 'other' })
  const other = await sendPlan(rig, whole, { 'Idempotency-Key': 'other' })
  expect(await readProblem(other)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  const { executions } = (await (await rig.get('/executions')).json()) as { executions: unknown[] }
  expect(executions).toHaveLength(2)
})

test('one key, two first requests at once: one begins the plan, the other is refused', async () => {
  const rig = handlerRig({ tools })
  const bodies = [new HeldBody().write(line('a')), new HeldBody().write(line('b'))]
  const answers = await Promise.all(bodies.map(body => sendPlan(rig, body, KEY)))
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409])
  const won = answers.findIndex(({ status }) => status === 200)
  bodies[won]?.end()
  const messages = await readMessages(answers[won] as Response)
  expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ status: 'success', totalTasks: 1 })
})

test.each(['claim', 'append'] as const)(
  'a second request under the key of a plan is refused while the store has not answered `%s`',
  async name => {
    const store = createMemoryStore()
    let answer = (): void => {}
    const held = new Promise<void>(resolve => (answer = resolve))
    let tell = (): void => {}
    const called = new Promise<void>(resolve => (tell = resolve))
    const slow = async (...args: unknown[]): Promise<unknown> => {
      tell()
      await held
      return (store[name] as (...args: unknown[]) => unknown)(...args)
    }
    const rig = handlerRig({ tools, store: { ...store, [name]: slow } })
    const body = new HeldBody().write(line('a'))
    const first = sendPlan(rig, body, KEY)
    await called
    const second = sendPlan(rig, line('b'), KEY)
    await idle()
    answer()
    expect(await readProblem(await second)).toMatchObject({ status: 409, code: 'PLAN_BUSY' })
    body.end()
    const messages = await readMessages(await first)
    expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ status: 'success', totalTasks: 1 })
  },
)

test('after a crash the plan waits for its planner, which continues where the log ends', async () => {
  const clock = new FakeClock()
  const lines = [`{"name": "p"}`, line('a').trim(), '', line('b').trim(), line('c', { dependsOn: ['a'] }).trim()]
  const rig = handlerRig({ tools, clock })
  const body = new HeldBody()
  const answer = sendPlan(rig, body, KEY)
  for (const text of lines) {
    body.write(`${text}\n`)
    await idle()
  }
  void follow(await answer)
  const stored = await rig.store.read('x1', 0, 1000)
  for (let count = 1; count <= stored.length; count++) {
    const store = await outlive(rig.store, 'x1', count)
    const next = handlerRig({ tools, clock, store })
    const header = (await next.get('/executions/x1')).headers.get('plan-line')
    const accepted = Number(header)
    expect([0, 1, 2, 4, 5]).toContain(accepted)
    const rest = lines
      .slice(accepted)
      .map(text => `${text}\n`)
      .join('')
    const messages = await readMessages(await sendPlan(next, rest, { ...KEY, 'Plan-Line': String(accepted) }))
    expect([count, JSON.parse(messages.at(-1)?.data ?? '')]).toMatchObject([
      count,
      { status: 'success', totalTasks: 3 },
    ])
    expect(messages.map(({ id }) => id)).toEqual(messages.map((_, at) => `x1.${at + 1}`))
    await next.handler.close()
  }
  // Nobody comes back.
  const left = handlerRig({ tools, clock, store: await outlive(rig.store, 'x1'), planGraceMs: 5000 })
  const following = follow(await left.get('/executions/x1/events', { Accept: 'text/event-stream' }))
  await clock.run(5000)
  await following.ended
  expect(lastOf(following)).toMatchObject({ reason: { code: 'PLAN_INCOMPLETE' } })
})
