import { expect, test } from 'vitest'
import { createMemoryStore, DagstreamError, type ExecutionStore } from '../../../src/index.ts'
import { chain } from '../../support/workflows.ts'
import { follow, handlerRig, type HandlerRig, ONE_TASK, readProblem, seqsOf, STREAM } from './handler-rig.ts'

// A store that fails for a while and comes back, under a handler that lives on.

const KEY = { 'Idempotency-Key': 'k' }

interface FailingStore {
  readonly store: ExecutionStore
  /** These methods throw from now on, and no others. */
  readonly fail: (...methods: (keyof ExecutionStore)[]) => void
}

/** A store that outlives its process, as it says, and whose methods fail on command. */
function failingStore(kept: ExecutionStore = { ...createMemoryStore(), interrupted: () => [] }): FailingStore {
  let failing: readonly string[] = []
  const methods = Object.entries(kept).map(([name, method]: [string, (...args: unknown[]) => unknown]) => {
    const guarded = (...args: unknown[]): unknown => {
      if (failing.includes(name)) throw new Error(`private: no ${name}`)
      return method(...args)
    }
    return [name, guarded] as const
  })
  const fail = (...names: string[]): void => void (failing = names)
  return { store: Object.fromEntries(methods) as unknown as ExecutionStore, fail }
}

/** A rig over a failing store, in which a task of `x1` runs. */
async function begunRig(
  options: Parameters<typeof handlerRig>[0] = {},
): Promise<HandlerRig & Pick<FailingStore, 'fail'>> {
  const { store, fail } = failingStore(options.store)
  const rig = handlerRig({ ...options, store })
  await rig.begin(ONE_TASK, KEY)
  return { ...rig, fail }
}

/** The execution is lost as soon as its task has settled. */
async function lose({ tool, fail }: HandlerRig & Pick<FailingStore, 'fail'>): Promise<void> {
  const call = await tool.nextCall('a')
  fail('append')
  call.succeed('lost')
  await tool.idle()
}

async function codesOf(response: Response): Promise<unknown[]> {
  const { messages, ended } = follow(response)
  await ended
  return messages.filter(({ event }) => event === 'error').map(({ data }) => JSON.parse(data).code)
}

test.each([
  ['that outlives its process', undefined],
  ['in memory', createMemoryStore()],
])('a start that a store %s refused never runs, and is removed once the store works', async (_, kept) => {
  const { store, fail } = failingStore(kept)
  const rig = handlerRig({ store })
  fail('claim', 'delete')
  expect(await readProblem(await rig.create(ONE_TASK))).toMatchObject({ status: 503, code: 'STORE_FAILED' })
  expect((await store.get('x1'))?.status).toBe('running')
  await rig.clock.run(1000)
  fail()
  await rig.clock.run(1999)
  expect(await store.get('x1')).toBeDefined()
  await rig.clock.run(1)
  expect([await store.list({ limit: 10 }), rig.tool.started, rig.clock.timerCount]).toEqual([[], [], 0])
})

test('a repeat of a refused start is refused while the store fails, and starts as soon as it works', async () => {
  const { store, fail } = failingStore()
  const rig = handlerRig({ store })
  fail('claim', 'delete')
  for (const headers of [KEY, KEY, { ...KEY, Accept: STREAM }]) {
    expect(await readProblem(await rig.create(ONE_TASK, headers))).toMatchObject({ status: 503, code: 'STORE_FAILED' })
  }
  fail()
  const [id, again] = await Promise.all([rig.begin(ONE_TASK, KEY), rig.begin(ONE_TASK, KEY)])
  await rig.tool.nextCall('a')
  await rig.clock.run(120_000)
  expect([id, rig.tool.started, (await store.list({ limit: 10 })).length]).toEqual([again, ['a'], 1])
  expect(await store.get('x1')).toBeUndefined()
})

test('a lost execution resumes by itself: after 1 s, then twice as long each time, up to a minute', async () => {
  const { store, fail } = failingStore()
  const tries: number[] = []
  const counted: ExecutionStore = {
    ...store,
    claim: executionId => {
      tries.push(rig.clock.wallTime())
      return store.claim(executionId)
    },
  }
  const rig = handlerRig({ store: counted })
  await rig.begin(ONE_TASK)
  await lose({ ...rig, fail })
  fail('claim')
  const lostAt = rig.clock.wallTime()
  tries.length = 0
  await rig.clock.run(240_000)
  expect(tries.map(at => (at - lostAt) / 1000)).toEqual([1, 3, 7, 15, 31, 63, 123, 183])
  fail()
  await rig.clock.run(3000)
  ;(await rig.tool.nextCall('a')).succeed('kept')
  await rig.tool.idle()
  const { status, result } = await (await rig.get('/executions/x1')).json()
  expect([status, result.results[0].output, rig.clock.timerCount]).toEqual(['success', 'kept', 0])
  // None of the tries counted: nothing had come of them.
  expect(await readCauses(store)).toEqual(['crash'])
})

test('its readers are notified meanwhile, and one that comes back gets the unbroken stream', async () => {
  const { store, fail } = failingStore()
  const rig = handlerRig({ store })
  const before = await rig.follow(chain(2))
  ;(await rig.tool.nextCall('t0')).succeed(1)
  const call = await rig.tool.nextCall('t1')
  fail('append')
  call.succeed(2)
  await before.ended
  expect(JSON.parse(before.messages.at(-1)?.data as string).code).toBe('STORE_FAILED')
  const seen = before.messages.filter(({ id }) => id !== undefined)
  const back = (): Promise<Response> => rig.get('/executions/x1/events', { 'Last-Event-ID': seen.at(-1)?.id as string })
  expect(await codesOf(await back())).toEqual(['INTERRUPTED'])
  fail()
  await rig.clock.run(1000)
  const after = follow(await back())
  ;(await rig.tool.nextCall('t1')).succeed(3)
  await after.ended
  const all = seqsOf([...seen, ...after.messages])
  expect(all).toEqual(all.map((_, at) => at + 1))
  expect([after.messages.at(-1)?.event, rig.tool.started]).toEqual(['execution_complete', ['t0', 't1', 't1']])
})

test('a repeat of its request takes it up at once, and finds it', async () => {
  const rig = await begunRig()
  await lose(rig)
  rig.fail('claim')
  expect(await readProblem(await rig.create(ONE_TASK, KEY))).toMatchObject({ status: 503, code: 'STORE_FAILED' })
  rig.fail()
  const response = await rig.create(ONE_TASK, KEY)
  expect(response.headers.get('execution-id')).toBe('x1')
  ;(await rig.tool.nextCall('a')).succeed('kept')
  expect(await response.json()).toMatchObject({ executionId: 'x1', results: [{ output: 'kept', attempts: 2 }] })
  expect([rig.clock.timerCount, await rig.figure('dagstream_executions_resumed_total')]).toEqual([0, 1])
})

test('an execution that is lost three times, each time after progress, is parked', async () => {
  const rig = await begunRig()
  for (let losses = 1; losses <= 3; losses++) {
    await lose(rig)
    rig.fail()
    await rig.clock.run(1000)
  }
  await rig.clock.run(600_000)
  expect(rig.tool.started).toEqual(['a', 'a', 'a'])
  expect(await (await rig.get('/executions/x1')).json()).toMatchObject({
    status: 'parked',
    parked: { code: 'CRASH_LIMIT' },
  })
  expect([rig.clock.timerCount, await rig.figure('dagstream_executions_parked')]).toEqual([0, 1])
  expect((await rig.send('POST', '/executions/x1/resume')).status).toBe(202)
  ;(await rig.tool.nextCall('a')).succeed()
})

test('one that is taken up and lost before anything came of it is not nearer to being parked, and waits longer', async () => {
  const rig = await begunRig()
  await lose(rig)
  // It can be claimed and noted, but nothing can be appended.
  await rig.clock.run(600_000)
  expect(rig.tool.started).toEqual(['a'])
  const lostCount = await rig.figure('dagstream_executions_total{status="lost"}')
  expect(lostCount).toBeGreaterThan(5)
  expect(lostCount).toBeLessThan(20)
  rig.fail()
  await rig.clock.run(60_000)
  ;(await rig.tool.nextCall('a')).succeed('kept')
  await rig.tool.idle()
  expect((await (await rig.get('/executions/x1')).json()).status).toBe('success')
})

test('a cancellation of a lost execution ends it, and calls no tool', async () => {
  const rig = await begunRig()
  await lose(rig)
  rig.fail()
  expect((await rig.send('POST', '/executions/x1/cancel')).status).toBe(202)
  await rig.clock.run(60_000)
  expect([(await (await rig.get('/executions/x1')).json()).status, rig.tool.started]).toEqual(['cancelled', ['a']])
  expect(rig.clock.timerCount).toBe(0)
})

test('an execution that a failing store keeps from resuming at the start resumes once the store works', async () => {
  const first = await begunRig()
  await first.tool.nextCall('a')
  const found = (await first.store.get('x1')) as NonNullable<Awaited<ReturnType<ExecutionStore['get']>>>
  const { store, fail } = failingStore({ ...first.store, interrupted: () => [found] })
  fail('claim')
  const second = handlerRig({ store })
  await second.clock.run(100_000)
  expect(second.tool.started).toEqual([])
  fail()
  await second.clock.run(60_000)
  ;(await second.tool.nextCall('a')).succeed()
  await second.tool.idle()
  expect(await readCauses(store)).toEqual(['crash'])
})

test('nothing is retried once the handler closes', async () => {
  const rig = await begunRig()
  await lose(rig)
  expect(rig.clock.timerCount).toBe(1)
  const closed = rig.handler.close()
  await rig.clock.run(0)
  await closed
  rig.fail()
  await rig.clock.run(120_000)
  expect([rig.clock.timerCount, rig.tool.started]).toEqual([0, ['a']])
})

test('an execution that another process has claimed is left to it', async () => {
  const rig = await begunRig()
  const call = await rig.tool.nextCall('a')
  await rig.store.claim('x1')
  call.succeed()
  await rig.tool.idle()
  expect([await rig.figure('dagstream_executions_total{status="lost"}'), rig.clock.timerCount]).toEqual([1, 0])
})

test('on a store that does not outlive its process, a lost execution stays lost', async () => {
  const rig = await begunRig({ store: createMemoryStore() })
  await lose(rig)
  rig.fail()
  expect(rig.clock.timerCount).toBe(0)
  expect(await readProblem(await rig.create(ONE_TASK, KEY))).toMatchObject({ status: 503, code: 'INTERRUPTED' })
  expect(rig.tool.started).toEqual(['a'])
})

test('a lost execution whose tools are gone is parked as soon as that can be recorded', async () => {
  let isDown = false
  const rig = handlerRig()
  const provider = {
    toolsFor: async () => {
      if (isDown) throw new DagstreamError('TOOLS_UNAVAILABLE', 'No', { details: { servers: [] } })
      return { work: rig.tool.execute }
    },
    tools: async () => ({}),
  }
  const lost = await begunRig({ tools: provider })
  await lose({ ...lost, tool: rig.tool })
  isDown = true
  lost.fail('claim')
  await lost.clock.run(1000)
  expect((await (await lost.get('/executions/x1')).json()).status).toBe('running')
  lost.fail()
  await lost.clock.run(2000)
  expect(await (await lost.get('/executions/x1')).json()).toMatchObject({ parked: { code: 'TOOLS_UNAVAILABLE' } })
})

/** Why it was resumed, each time. */
async function readCauses(store: ExecutionStore): Promise<string[]> {
  const resumed = (await store.read('x1', 0, 1000)).filter(({ type }) => type === 'execution_resumed')
  return resumed.map(({ json }) => (JSON.parse(json) as { cause: string }).cause)
}
