import { describe, expect, test } from 'vitest'
import { createClient } from '../../../src/client/index.ts'
import { createMemoryStore, type DAGStructure } from '../../../src/index.ts'
import { idle } from '../../support/fake-clock.ts'
import { outlive } from '../../support/crash.ts'
import { type HandlerRig, handlerRig } from './handler-rig.ts'

// `finally` tasks of executions that a server ends: whatever ends the rest, they run, and a second command ends them.

const WORKFLOW: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'] },
  ],
  finally: [{ id: 'last', tool: 'work', arguments: { text: '$STATUS after ${STATUS[b]}' } }],
}

interface Shown {
  readonly status: string
  readonly result?: { readonly reason?: { readonly code: string } }
}

async function show({ get }: HandlerRig): Promise<Shown> {
  return (await (await get('/executions/x1')).json()) as Shown
}

/** How each task ended, by the events. */
async function endsOf({ store }: HandlerRig): Promise<Record<string, string>> {
  const entries = await store.read('x1', 0, 1000)
  const ends = entries.filter(({ type }) => type === 'task_complete').map(({ json }) => JSON.parse(json))
  return Object.fromEntries(ends.map(({ taskId, status, code }) => [taskId, code ?? status]))
}

const cancel = (rig: HandlerRig, key?: string): Promise<Response> =>
  rig.send('POST', '/executions/x1/cancel', key === undefined ? {} : { headers: { 'Idempotency-Key': key } })

/** Ends the tool calls that were aborted, as tools that hear their signal do. */
async function settleAborted({ tool }: HandlerRig): Promise<void> {
  await tool.idle()
  for (const call of tool.takeAll()) {
    expect(call.context.signal.aborted).toBe(true)
    call.fail()
  }
  await tool.idle()
}

describe('whatever ends an execution, its finally tasks run', () => {
  const ENDINGS = {
    'a request to cancel': {
      options: {},
      end: async (rig: HandlerRig) => expect((await cancel(rig)).status).toBe(202),
      code: 'CANCELLED',
    },
    'its timeout': {
      options: { timeoutMs: 5000 },
      end: (rig: HandlerRig) => rig.clock.run(5000),
      code: 'EXECUTION_TIMEOUT',
    },
    'the lack of a follower': {
      options: { onDisconnect: { graceMs: 1000 } },
      end: (rig: HandlerRig) => rig.clock.run(1000),
      code: 'DISCONNECTED',
    },
    'the end of a server that keeps nothing': {
      options: { drainMs: 3000 },
      end: async (rig: HandlerRig) => {
        void rig.handler.close()
        await rig.clock.run(3000)
      },
      code: 'SHUTDOWN',
    },
  }
  test.each(Object.entries(ENDINGS))('%s', async (_, { options, end, code }) => {
    const rig = handlerRig(options)
    const { leave } = await rig.follow(WORKFLOW)
    const call = await rig.tool.nextCall('a')
    await leave()
    await end(rig)
    expect(call.context.signal.aborted).toBe(true)
    call.fail()
    const last = await rig.tool.nextCall('last')
    expect(last.args).toEqual({ text: 'cancelled after cancelled' })
    await rig.clock.run(2500)
    expect(last.context.signal.aborted).toBe(false)
    last.succeed()
    await idle()
    expect(await show(rig)).toMatchObject({ status: 'cancelled', result: { reason: { code } } })
    expect(await endsOf(rig)).toEqual({ a: 'CANCELLED', b: 'CANCELLED', last: 'success' })
    expect(rig.tool.started).toEqual(['a', 'last'])
  })

  test('a budget that is spent', async () => {
    const rig = handlerRig({ maxTokens: 10 })
    await rig.begin(WORKFLOW)
    const call = await rig.tool.nextCall('a')
    call.context.reportUsage({ totalTokensIn: 11 })
    await rig.tool.idle()
    expect(call.context.signal.aborted).toBe(true)
    call.fail()
    ;(await rig.tool.nextCall('last')).succeed()
    await idle()
    expect(await show(rig)).toMatchObject({ result: { reason: { code: 'BUDGET_EXCEEDED' } } })
  })
})

describe('cancelled a second time', () => {
  test('an execution ends its finally tasks', async () => {
    const rig = handlerRig()
    await rig.begin(WORKFLOW)
    ;(await rig.tool.nextCall('a')).succeed()
    await rig.tool.nextCall('b')
    await cancel(rig)
    const last = rig.tool.nextCall('last')
    await expect(Promise.race([last, idle()])).resolves.toBeUndefined()
    expect((await cancel(rig)).status).toBe(202)
    await idle()
    await rig.clock.run(2000)
    expect(await endsOf(rig)).toEqual({ a: 'success', b: 'CANCELLED', last: 'CANCELLED' })
    expect(await show(rig)).toMatchObject({ status: 'cancelled' })
    await last.catch(() => {})
    expect(rig.tool.started).toEqual(['a', 'b'])
  })

  test('it aborts those that run, also where the first request came after the others had ended', async () => {
    const rig = handlerRig()
    await rig.begin(WORKFLOW)
    ;(await rig.tool.nextCall('a')).succeed()
    ;(await rig.tool.nextCall('b')).succeed()
    const last = await rig.tool.nextCall('last')
    await cancel(rig)
    expect(last.context.signal.aborted).toBe(true)
    last.fail()
    await idle()
    expect(await endsOf(rig)).toEqual({ a: 'success', b: 'success', last: 'CANCELLED' })
    expect(await show(rig)).toMatchObject({ status: 'partial' })
  })

  test('a client that repeats a request whose answer was lost has asked once, and asks again by another call', async () => {
    const rig = handlerRig()
    await rig.begin(WORKFLOW)
    ;(await rig.tool.nextCall('a')).succeed()
    const call = await rig.tool.nextCall('b')
    let isLost = true
    const fetch = async (request: Request): Promise<Response> => {
      const response = await rig.handler.fetch(request)
      if (!isLost) return response
      isLost = false
      throw new TypeError('fetch failed')
    }
    const client = createClient({ url: 'http://localhost', fetch, reconnection: { initialDelayMs: 0 } })
    await client.cancel('x1')
    call.fail()
    const last = await rig.tool.nextCall('last')
    expect([isLost, last.context.signal.aborted]).toEqual([false, false])
    await client.cancel('x1')
    expect(last.context.signal.aborted).toBe(true)
  })

  test('a request that is repeated under its key counts once', async () => {
    const rig = handlerRig()
    await rig.begin(WORKFLOW)
    await rig.tool.nextCall('a')
    for (let count = 0; count < 3; count++) expect((await cancel(rig, 'k')).status).toBe(202)
    await rig.clock.run(2000)
    const last = await rig.tool.nextCall('last')
    expect((await cancel(rig, 'k')).status).toBe(202)
    expect(last.context.signal.aborted).toBe(false)
    await cancel(rig, 'other')
    expect(last.context.signal.aborted).toBe(true)
    expect((await cancel(rig, 'no key')).status).toBe(400)
  })
})

test('a server that ends and keeps nothing gives finally tasks its drain time once more, and then ends them', async () => {
  const rig = handlerRig({ drainMs: 3000 })
  await rig.begin(WORKFLOW)
  const call = await rig.tool.nextCall('a')
  let isClosed = false
  void rig.handler.close().then(() => (isClosed = true))
  await rig.clock.run(3000)
  call.fail()
  const last = await rig.tool.nextCall('last')
  await rig.clock.run(4000 + 2999)
  expect(last.context.signal.aborted).toBe(false)
  await rig.clock.run(1)
  expect([last.context.signal.aborted, isClosed]).toEqual([true, false])
  last.fail()
  await rig.clock.run(2000)
  expect(isClosed).toBe(true)
  expect(await endsOf(rig)).toMatchObject({ last: 'CANCELLED' })
  expect(rig.clock.timerCount).toBe(0)
})

test('with onCrash "fail" a server with a durable store runs them as one that keeps nothing', async () => {
  const rig = handlerRig({ store: { ...createMemoryStore(), interrupted: () => [] }, onCrash: 'fail', drainMs: 0 })
  await rig.begin(WORKFLOW)
  const call = await rig.tool.nextCall('a')
  void rig.handler.close()
  await rig.clock.run(1)
  call.fail()
  ;(await rig.tool.nextCall('last')).succeed()
  await idle()
  expect(await endsOf(rig)).toEqual({ a: 'CANCELLED', b: 'CANCELLED', last: 'success' })
  expect(await show(rig)).toMatchObject({ result: { reason: { code: 'SHUTDOWN' } } })
})

test('a server with a durable store leaves finally tasks to the next process, also those of a cancelled execution', async () => {
  for (const isCancelled of [false, true]) {
    const memory = createMemoryStore()
    const first = handlerRig({ store: { ...memory, interrupted: () => [] }, drainMs: 0 })
    await first.begin(WORKFLOW)
    const call = await first.tool.nextCall('a')
    if (isCancelled) await cancel(first)
    if (isCancelled) call.fail()
    if (isCancelled) await first.tool.nextCall('last')
    void first.handler.close()
    await settleAborted(first)
    await first.clock.run(10_000)
    const types = (await memory.read('x1', 0, 100)).map(({ type }) => type)
    expect(types.at(-1)).not.toBe('execution_complete')
    expect(types).toContain('execution_handed_off')
    const second = handlerRig({ store: await outlive(memory, 'x1') })
    if (!isCancelled) {
      ;(await second.tool.nextCall('a')).succeed()
      ;(await second.tool.nextCall('b')).succeed()
    }
    ;(await second.tool.nextCall('last')).succeed()
    await idle()
    expect(await endsOf(second)).toMatchObject({ last: 'success' })
    expect(await show(second)).toMatchObject({ status: isCancelled ? 'cancelled' : 'success' })
  }
})
