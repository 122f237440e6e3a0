import { expect, test } from 'vitest'
import { createMemoryStore, type ExecutionStore } from '../../../src/index.ts'
import { follow, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

/** Whether a promise has settled, without waiting for it. */
function watch(promise: Promise<unknown>): () => boolean {
  let isSettled = false
  void promise.then(() => (isSettled = true))
  return () => isSettled
}

test('a handler with nothing to do closes at once, again too', async () => {
  const { handler, clock } = handlerRig()
  const closed = handler.close()
  await closed
  expect(handler.close()).toBe(closed)
  expect(clock.timerCount).toBe(0)
})

test('running executions continue to their end, and readers receive it', async () => {
  const { handler, follow: followNew, create, tool, clock } = handlerRig()
  const streaming = await followNew(ONE_TASK)
  const waiting = (await create(ONE_TASK)).json()
  const first = await tool.nextCall('a')
  const second = await tool.nextCall('a')
  const isClosed = watch(handler.close())
  await clock.run(9999)
  expect([first.context.signal.aborted, isClosed()]).toEqual([false, false])
  first.succeed(1)
  second.succeed(2)
  await streaming.ended
  expect(streaming.messages.at(-1)?.event).toBe('execution_complete')
  expect(await waiting).toMatchObject({ status: 'success' })
  await tool.idle()
  expect([isClosed(), clock.timerCount]).toEqual([true, 0])
})

test('executions that still run at the bound are cancelled with SHUTDOWN, and their readers are notified', async () => {
  const { handler, follow: followNew, create, tool, clock } = handlerRig({ drainMs: 5000 })
  const streaming = await followNew(ONE_TASK)
  const waiting = (await create(ONE_TASK)).json()
  const calls = [await tool.nextCall('a'), await tool.nextCall('a')]
  const isClosed = watch(handler.close())
  await clock.run(4999)
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([false, false])
  await clock.run(1)
  expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true])
  expect(isClosed()).toBe(false)
  for (const call of calls) call.fail()
  await streaming.ended
  const end = { status: 'cancelled', reason: { code: 'SHUTDOWN' } }
  expect(JSON.parse(streaming.messages.at(-1)?.data as string)).toMatchObject(end)
  expect(await waiting).toMatchObject(end)
  await tool.idle()
  expect([isClosed(), clock.timerCount]).toEqual([true, 0])
})

test('a drain time of 0 cancels at once', async () => {
  const { handler, begin, tool, clock } = handlerRig({ drainMs: 0 })
  await begin(ONE_TASK)
  const call = await tool.nextCall('a')
  const closed = handler.close()
  await clock.run(0)
  expect(call.context.signal.aborted).toBe(true)
  call.fail()
  await closed
})

test('new starts get 503 in every form; an execution started before under the same key is found', async () => {
  const { handler, begin, create, tool } = handlerRig()
  const key = { 'Idempotency-Key': 'k' }
  await begin(ONE_TASK, key)
  const call = await tool.nextCall('a')
  const closed = handler.close()
  for (const headers of [{}, { Accept: STREAM }, { Prefer: 'respond-async' }] as Record<string, string>[]) {
    const response = await create(ONE_TASK, headers)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await readProblem(response)).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' })
  }
  const repeated = await create(ONE_TASK, key)
  call.succeed()
  expect((await repeated.json()) as object).toMatchObject({ executionId: 'x1', status: 'success' })
  await closed
  expect((await create(ONE_TASK)).status).toBe(503)
  expect(tool.started).toEqual(['a'])
})

test('pending starts are drained too', async () => {
  const memory = createMemoryStore()
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => (open = resolve))
  let ask: () => void = () => {}
  const asked = new Promise<void>(resolve => (ask = resolve))
  const store: ExecutionStore = {
    ...memory,
    async create(record) {
      ask()
      await gate
      return memory.create(record)
    },
  }
  const { handler, create, tool, clock } = handlerRig({ store, drainMs: 5000 })
  const creating = create(ONE_TASK)
  await asked
  const isClosed = watch(handler.close())
  open()
  const result = (await creating).json()
  const call = await tool.nextCall('a')
  await clock.run(4999)
  expect([call.context.signal.aborted, isClosed()]).toEqual([false, false])
  call.succeed(1)
  expect(await result).toMatchObject({ status: 'success' })
  await tool.idle()
  expect(isClosed()).toBe(true)
})

test('a pending start that fails rejects its waiters', async () => {
  const memory = createMemoryStore()
  let fail: (error: Error) => void = () => {}
  const failure = new Promise<never>((_, reject) => (fail = reject))
  let ask: () => void = () => {}
  const asked = new Promise<void>(resolve => (ask = resolve))
  const create = (): Promise<never> => {
    ask()
    return failure
  }
  const rig = handlerRig({ store: { ...memory, create } })
  const creating = rig.create(ONE_TASK)
  await asked
  const isClosed = watch(rig.handler.close())
  await rig.tool.idle()
  expect(isClosed()).toBe(false)
  fail(new Error('no'))
  expect((await creating).status).toBe(503)
  await rig.tool.idle()
  expect([isClosed(), rig.clock.timerCount]).toEqual([true, 0])
})

test('existing executions can still be read and resumed', async () => {
  const { handler, follow: followNew, get, send, tool } = handlerRig()
  const { ended, messages } = await followNew(ONE_TASK)
  const call = await tool.nextCall('a')
  const closed = handler.close()
  const resumed = follow(await get('/executions/x1/events?after=x1.1'))
  expect(await (await get('/executions/x1')).json()).toEqual({ executionId: 'x1', status: 'running' })
  expect((await send('POST', '/executions/x1/cancel')).status).toBe(202)
  call.fail()
  await Promise.all([ended, resumed.ended, closed])
  expect(resumed.messages).toEqual(messages.slice(1))
  expect(await (await get('/executions/x1')).json()).toMatchObject({ status: 'cancelled' })
})

test('it closes within its bounds although a reader stalls', async () => {
  const { handler, create, tool, clock } = handlerRig({ drainMs: 5000 })
  await create(ONE_TASK, { Accept: STREAM })
  const call = await tool.nextCall('a')
  const isClosed = watch(handler.close())
  call.succeed()
  await clock.run(1999)
  expect(isClosed()).toBe(false)
  await clock.run(1)
  expect(isClosed()).toBe(true)
})

test('it closes within its bounds although a tool ignores its abort', async () => {
  const { handler, follow: followNew, tool, clock } = handlerRig({ drainMs: 5000, abortGraceMs: 700 })
  const { ended, messages } = await followNew(ONE_TASK)
  await tool.nextCall('a')
  const isClosed = watch(handler.close())
  await clock.run(5700)
  await ended
  expect(messages.at(-1)?.event).toBe('execution_complete')
  await tool.idle()
  expect([isClosed(), clock.timerCount]).toEqual([true, 0])
})

test('it closes within its bounds although a store never answers', async () => {
  const memory = createMemoryStore()
  let isStuck = false
  let ask: () => void = () => {}
  const asked = new Promise<void>(resolve => (ask = resolve))
  const { handler, begin, create, tool, clock } = handlerRig({
    store: {
      ...memory,
      create(record) {
        if (!isStuck) return memory.create(record)
        ask()
        return new Promise(() => {})
      },
      append: (...args) => (isStuck ? new Promise(() => {}) : memory.append(...args)),
    },
    drainMs: 5000,
  })
  await begin(ONE_TASK)
  const call = await tool.nextCall('a')
  isStuck = true
  void create(ONE_TASK)
  await asked
  call.succeed()
  const isClosed = watch(handler.close())
  await clock.run(5000 + 2000 + 2000 + 2000)
  expect(isClosed()).toBe(true)
})
