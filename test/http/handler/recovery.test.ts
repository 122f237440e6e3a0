import { expect, test } from 'vitest'
import { createMemoryStore, DagstreamError, type ExecutionStore } from '../../../src/index.ts'
import { outlive } from '../../support/crash.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { chain, diamond } from '../../support/workflows.ts'
import { type Following, follow, type HandlerRig, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

// What one process leaves, and what the next one makes of it: a store that outlives both.

/** One that says that it outlives its process. */
function durable(store: ExecutionStore): ExecutionStore {
  return { ...store, interrupted: () => [] }
}

async function next(rig: HandlerRig, options: Parameters<typeof handlerRig>[0] = {}): Promise<HandlerRig> {
  return handlerRig({ store: await outlive(rig.store, 'x1'), createId: () => 'y1', ...options })
}

function resumeAfter({ get }: HandlerRig, messages: Following['messages']): Promise<Response> {
  return get('/executions/x1/events', { 'Last-Event-ID': messages.at(-1)?.id as string })
}

test('a client that continues by its last event id sees one stream across the crash', async () => {
  const first = handlerRig()
  const before = await first.follow(diamond('a', ['b', 'c'], 'd'))
  ;(await first.tool.nextCall('a')).succeed(1)
  ;(await first.tool.nextCall('c')).succeed(3)
  await first.tool.nextCall('b')
  await first.tool.idle()
  const second = await next(first)
  const after = follow(await resumeAfter(second, before.messages))
  await second.tool.succeedAll(2)
  await after.ended
  const all = [...before.messages, ...after.messages]
  expect(all.map(({ id }) => id)).toEqual(all.map((_, at) => `x1.${at + 1}`))
  expect(all.at(-1)?.event).toBe('execution_complete')
  expect(second.tool.started).toEqual(['b', 'd'])
  const { result } = await (await second.get('/executions/x1')).json()
  expect(result).toMatchObject({ status: 'success', successCount: 4 })
  expect(result.results.map(({ output }: { output: unknown }) => output)).toEqual([1, 2, 3, 2])
})

test('it continues without a request as soon as there is a handler', async () => {
  const first = handlerRig()
  await first.begin(chain(3))
  await first.tool.nextCall('t0')
  const second = await next(first)
  await second.tool.succeedAll()
  expect(second.tool.started).toEqual(['t0', 't1', 't2'])
  expect(await second.figure('dagstream_executions_total{status="success"}')).toBe(1)
})

test('the grace of a disconnect restarts, and one that continues by itself has none', async () => {
  const followed = handlerRig()
  const reader = await followed.follow({ workflow: ONE_TASK, options: { onDisconnect: { graceMs: 5000 } } })
  await followed.tool.nextCall('a')
  const second = await next(followed)
  await second.tool.nextCall('a')
  await second.clock.run(4999)
  expect((await (await second.get('/executions/x1')).json()).status).toBe('running')
  await second.clock.run(1)
  await second.clock.run(2000)
  const { status, result } = await (await second.get('/executions/x1')).json()
  expect([status, result.reason.code]).toEqual(['cancelled', 'DISCONNECTED'])
  await reader.leave()

  const unfollowed = handlerRig()
  await unfollowed.begin(ONE_TASK)
  const third = await next(unfollowed)
  await third.tool.nextCall('a')
  await third.clock.run(3_600_000)
  expect((await (await third.get('/executions/x1')).json()).status).toBe('running')
})

test('a cancellation that was answered is kept to', async () => {
  const first = handlerRig()
  await first.begin(ONE_TASK)
  await first.tool.nextCall('a')
  expect((await first.send('POST', '/executions/x1/cancel')).status).toBe(202)
  const second = await next(first)
  await second.tool.idle()
  expect(second.tool.started).toEqual([])
  const { result } = await (await second.get('/executions/x1')).json()
  expect(result).toMatchObject({ status: 'cancelled', reason: { code: 'CANCELLED', message: 'Cancelled by request' } })
})

test('a repeat under the same key finds the execution, and starts nothing', async () => {
  const key = { 'Idempotency-Key': 'k' }
  const first = handlerRig()
  await first.begin(ONE_TASK, key)
  await first.tool.nextCall('a')
  const second = await next(first)
  const response = second.create(ONE_TASK, key)
  ;(await second.tool.nextCall('a')).succeed(5)
  expect(await (await response).json()).toMatchObject({ executionId: 'x1', results: [{ output: 5, attempts: 2 }] })
})

test('onCrash "fail" may be asked for', async () => {
  const first = handlerRig()
  await first.begin({ workflow: ONE_TASK, options: { onCrash: 'fail' } })
  await first.tool.nextCall('a')
  const second = await next(first)
  await second.tool.idle()
  const { result } = await (await second.get('/executions/x1')).json()
  expect(result.errors).toMatchObject([{ taskId: 'a', code: 'INTERRUPTED' }])
  expect(await readProblem(await first.create({ workflow: ONE_TASK, options: { onCrash: 'never' } }))).toMatchObject({
    status: 400,
    detail: 'Expected `options.onCrash` to be "resume" or "fail", got `"never"` (string)',
  })
})

/** The rig of the process after the third that ended with it. */
async function crashThrice(): Promise<HandlerRig> {
  let rig = handlerRig()
  await rig.begin(ONE_TASK)
  for (let crashes = 1; crashes <= 3; crashes++) {
    await rig.tool.nextCall('a')
    await rig.tool.idle()
    rig = await next(rig)
  }
  await rig.tool.idle()
  return rig
}

test('an execution whose task was in flight in three crashes in a row is parked, its readers are notified, and it does not run', async () => {
  const rig = await crashThrice()
  expect(rig.tool.started).toEqual([])
  const parked = {
    code: 'CRASH_LIMIT',
    message: 'In flight in each of the last 3 crashes of the execution: `a`. Resume it by hand',
    tasks: ['a'],
  }
  expect(await (await rig.get('/executions/x1')).json()).toEqual({ executionId: 'x1', status: 'parked', parked })
  expect((await (await rig.get('/executions')).json()).executions).toMatchObject([{ status: 'parked' }])
  const { messages, ended } = follow(await rig.get('/executions/x1/events'))
  await ended
  expect(JSON.parse(messages.at(-1)?.data as string)).toMatchObject({ code: 'CRASH_LIMIT', error: parked.message })
  // The next process leaves it alone too.
  const after = await next(rig)
  await after.tool.idle()
  expect(after.tool.started).toEqual([])
  expect((await (await after.get('/executions/x1')).json()).status).toBe('parked')
})

test('a parked execution is resumed by hand, and may crash three times again', async () => {
  let rig = await crashThrice()
  const response = await rig.send('POST', '/executions/x1/resume')
  expect([response.status, await response.json()]).toEqual([202, { executionId: 'x1', status: 'running' }])
  await rig.tool.nextCall('a')
  // Asked for again, it is the same.
  expect((await rig.send('POST', '/executions/x1/resume')).status).toBe(202)
  for (let crashes = 1; crashes <= 2; crashes++) {
    rig = await next(rig)
    const call = await rig.tool.nextCall('a')
    if (crashes === 2) call.succeed('at last')
  }
  await rig.tool.idle()
  const { result } = await (await rig.get('/executions/x1')).json()
  expect(result.results).toMatchObject([{ output: 'at last', attempts: 6 }])
  expect(await readProblem(await rig.send('POST', '/executions/x1/resume'))).toMatchObject({
    status: 409,
    code: 'EXECUTION_ENDED',
  })
})

test('a parked execution can be cancelled, and then removed', async () => {
  const rig = await crashThrice()
  expect((await rig.send('POST', '/executions/x1/cancel')).status).toBe(202)
  await rig.tool.idle()
  expect(rig.tool.started).toEqual([])
  expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'cancelled' })
  expect((await rig.send('DELETE', '/executions/x1')).status).toBe(204)
})

test('asked for at once by many, it is resumed once', async () => {
  const rig = await crashThrice()
  const all = await Promise.all([1, 2, 3].map(() => rig.send('POST', '/executions/x1/resume')))
  expect(all.map(({ status }) => status)).toEqual([202, 202, 202])
  await rig.tool.idle()
  expect(rig.tool.started).toEqual(['a'])
})

test('tools that are unavailable now park it; by hand it continues once they can', async () => {
  const first = handlerRig()
  await first.begin(ONE_TASK)
  await first.tool.nextCall('a')
  let isDown = true
  const tools = { work: first.tool.execute }
  const provider = {
    toolsFor: async () => {
      if (isDown) throw new DagstreamError('TOOLS_UNAVAILABLE', 'No', { details: { servers: [{ name: 'm' }] } })
      return tools
    },
    tools: async () => tools,
  }
  const second = await next(first, { tools: provider })
  expect(await (await second.get('/executions/x1')).json()).toMatchObject({
    status: 'parked',
    parked: { code: 'TOOLS_UNAVAILABLE' },
  })
  expect(await readProblem(await second.send('POST', '/executions/x1/resume'))).toMatchObject({
    status: 503,
    code: 'TOOLS_UNAVAILABLE',
  })
  isDown = false
  expect((await second.send('POST', '/executions/x1/resume')).status).toBe(202)
  ;(await first.tool.nextCall('a')).succeed(1)
})

test('a store that cannot list unfinished executions is reported, and the handler works anyway', async () => {
  const store = createMemoryStore()
  const rig = handlerRig({
    store: {
      ...store,
      interrupted: () => {
        throw new Error('unreadable')
      },
    },
  })
  await rig.begin(ONE_TASK)
  await rig.tool.succeedAll()
  expect((await (await rig.get('/executions/x1')).json()).status).toBe('success')
  expect(rig.log.join('\n')).toContain('Unfinished executions of earlier processes could not be listed')
})

test('executions that do not end during the drain are handed off, which is not a crash', async () => {
  let rig = handlerRig({ store: durable(createMemoryStore()), drainMs: 1000 })
  const reader = await rig.follow(diamond('a', ['b', 'c'], 'd'))
  ;(await rig.tool.nextCall('a')).succeed(1)
  for (let life = 1; life <= 4; life++) {
    const [b] = await rig.tool.nextCalls('b', 'c')
    b.context.signal.addEventListener('abort', () => b.fail(new Error('Aborted')))
    b.context.reportUsage({ totalTokensIn: 5 })
    const closed = rig.handler.close()
    await rig.clock.run(1000)
    expect(b.context.signal.aborted).toBe(true)
    // `c` takes no notice, and is abandoned.
    await rig.clock.run(2000)
    await closed
    const before = follow(await rig.get('/executions/x1/events'))
    await before.ended
    const retries = before.messages.filter(({ event }) => event === 'task_retry')
    expect(retries).toHaveLength(2 * life)
    expect(before.messages.filter(({ event }) => event === 'token_usage')).toHaveLength(life)
    rig = await next(rig, { drainMs: 1000 })
  }
  await rig.tool.succeedAll(2)
  const { result } = await (await rig.get('/executions/x1')).json()
  expect(result).toMatchObject({ status: 'success', tokenUsage: { totalTokensIn: 20 } })
  await reader.ended
  expect(reader.messages.at(-1)?.event).toBe('error')
  expect(JSON.parse(reader.messages.at(-1)?.data as string)).toMatchObject({ code: 'SHUTTING_DOWN' })
})

test('with onCrash "fail" the drain cancels it', async () => {
  const rig = handlerRig({ store: durable(createMemoryStore()), drainMs: 0 })
  await rig.begin({ workflow: ONE_TASK, options: { onCrash: 'fail' } })
  await rig.tool.nextCall('a')
  const closed = rig.handler.close()
  await rig.clock.run(5000)
  await closed
  const { result } = await (await rig.get('/executions/x1')).json()
  expect(result).toMatchObject({ status: 'cancelled', reason: { code: 'SHUTDOWN' } })
})

test('an execution in recovery when the handler closes is resumed or left, never half', async () => {
  const first = handlerRig()
  await first.begin(ONE_TASK)
  await first.tool.nextCall('a')
  const clock = new FakeClock()
  const second = await next(first, { clock, drainMs: 0 })
  const closed = second.handler.close()
  await clock.run(60_000)
  await closed
  const response = await second.send('POST', '/executions/x1/resume')
  expect(response.status).toBe(503)
  expect(follow(await second.get('/executions/x1/events')).response.headers.get('content-type')).toContain(STREAM)
})
