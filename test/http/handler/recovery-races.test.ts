import { systemClock } from '../../../src/clock.ts'
import { park as parkExecution } from '../../../src/engine/resume/parking.ts'
import { expect, test, vi } from 'vitest'
import { LogEntry } from '../../../src/events/log-entry.ts'
import { createMemoryStore, DagstreamError, type ExecutionStore, type StoredExecution } from '../../../src/index.ts'
import { answerLater } from '../../conformance/later-store.ts'
import { readKept } from '../../support/crash.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { follow, type HandlerRig, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'
import { createGate, FakeProvider } from './provider-rig.ts'

// What happens while executions of an earlier process are being taken up, and what comes in between.

const KEY = { 'Idempotency-Key': 'k' }

/** A store in which `count` executions of one task were running, `x1`, `x2`, … */
async function leave(count = 1, headers: Record<string, string> = {}): Promise<ExecutionStore> {
  const rig = handlerRig()
  for (let at = 0; at < count; at++) {
    await rig.begin(ONE_TASK, at === 0 ? headers : {})
    await rig.tool.nextCall('a')
  }
  await rig.tool.idle()
  const store = createMemoryStore()
  const interrupted: StoredExecution[] = []
  for (let at = 1; at <= count; at++) {
    const { record, entries } = await readKept(rig.store, `x${at}`)
    await store.create(record)
    const lease = await store.claim(record.executionId)
    await store.append(
      lease,
      1,
      entries.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json)),
    )
    interrupted.push({ ...record, status: 'running' })
  }
  return { ...store, interrupted: () => interrupted }
}

/** Parks `x1` there. */
async function park(store: ExecutionStore): Promise<ExecutionStore> {
  const found = (await store.interrupted?.()) ?? []
  const parked = { code: 'CRASH_LIMIT', message: 'parked', tasks: ['a'] }
  await parkExecution(store, 'x1', parked, systemClock)
  const [first, ...rest] = found
  return { ...store, interrupted: () => (first ? [{ ...first, parked }, ...rest] : []) }
}

async function statusOf({ get }: HandlerRig, executionId = 'x1'): Promise<string> {
  return ((await (await get(`/executions/${executionId}`)).json()) as { status: string }).status
}

test('one whose tools are slow to come holds up no other', async () => {
  const tool = new ControlledTool()
  const gate = createGate()
  let isFirst = true
  const provider = {
    toolsFor: async () => {
      const waits = isFirst
      isFirst = false
      if (waits) await gate.opened
      return { work: tool.execute }
    },
    tools: async () => ({}),
  }
  const rig = handlerRig({ store: await leave(3), tools: provider })
  expect(await statusOf(rig, 'x2')).toBe('running')
  expect(await statusOf(rig, 'x3')).toBe('running')
  await tool.nextCalls('a', 'a')
  await tool.idle()
  expect(tool.started).toHaveLength(2)
  gate.open()
  await tool.nextCall('a')
  expect(await rig.figure('dagstream_executions_resumed_total')).toBe(3)
})

test('cancel and delete wait for the decision whether it resumes here', async () => {
  const provider = new FakeProvider()
  const gate = createGate()
  provider.gate = gate.opened
  const rig = handlerRig({ store: await leave(), tools: provider })
  const answers = [rig.send('DELETE', '/executions/x1'), rig.send('POST', '/executions/x1/cancel')]
  await provider.tool.idle()
  gate.open()
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([409, 202])
  await rig.clock.run(2000)
  expect(await statusOf(rig)).toBe('cancelled')
})

test('a resume by hand, and a repeat under its key, find the one that is being taken up', async () => {
  const provider = new FakeProvider()
  const gate = createGate()
  provider.gate = gate.opened
  const rig = handlerRig({ store: await leave(1, KEY), tools: provider, createId: () => 'y1' })
  const resumed = rig.send('POST', '/executions/x1/resume')
  const repeated = rig.create(ONE_TASK, KEY)
  await provider.tool.idle()
  gate.open()
  expect((await resumed).status).toBe(202)
  ;(await provider.tool.nextCall('a')).succeed(1)
  expect(await (await repeated).json()).toMatchObject({ executionId: 'x1', status: 'success' })
  expect(provider.tool.started).toEqual(['a'])
  expect(await rig.figure('dagstream_executions_resumed_total')).toBe(1)
})

test('two cancellations at once of one that is parked are both taken, and it ends once', async () => {
  const rig = handlerRig({ store: await park(await leave()) })
  const answers = await Promise.all([1, 2].map(() => rig.send('POST', '/executions/x1/cancel')))
  expect(answers.map(({ status }) => status)).toEqual([202, 202])
  await rig.tool.idle()
  expect([await statusOf(rig), rig.tool.started]).toEqual(['cancelled', []])
  expect(await rig.figure('dagstream_executions_total{status="cancelled"}')).toBe(1)
})

test('a parked execution is counted until it resumes', async () => {
  const rig = handlerRig({ store: await park(await leave(2)) })
  await rig.tool.nextCall('a')
  expect(await rig.figure('dagstream_executions_parked')).toBe(1)
  await rig.send('POST', '/executions/x1/resume')
  expect(await rig.figure('dagstream_executions_parked')).toBe(0)
})

test('those that are being taken up have their places: no more begin, or are resumed, than may run', async () => {
  const provider = new FakeProvider()
  provider.gate = createGate().opened
  const rig = handlerRig({ store: await park(await leave(3)), tools: provider, maxExecutions: 2 })
  await provider.tool.idle()
  expect(await readProblem(await rig.create(ONE_TASK))).toMatchObject({ status: 429, code: 'TOO_MANY_EXECUTIONS' })
  expect((await rig.send('POST', '/executions/x1/resume')).status).toBe(429)
  const only = handlerRig({ store: await park(await leave()), maxExecutions: 1 })
  expect((await only.send('POST', '/executions/x1/resume')).status).toBe(202)
})

test('closing waits for no tools: their executions stay unchanged, and readers are notified', async () => {
  const provider = new FakeProvider()
  provider.gate = createGate().opened
  const store = await leave(2)
  const rig = handlerRig({ store, tools: provider })
  const reading = rig.get('/executions/x1/events')
  const resumed = rig.send('POST', '/executions/x2/resume')
  await provider.tool.idle()
  const closed = rig.handler.close()
  const { messages, ended } = follow(await reading)
  await ended
  expect(JSON.parse(messages.at(-1)?.data as string)).toMatchObject({ code: 'INTERRUPTED' })
  expect((await resumed).status).toBe(503)
  await closed
  expect([rig.clock.timerCount, await store.get('x1')]).toMatchObject([0, { status: 'running' }])
})

test.each([
  ['by itself', false],
  ['by hand', true],
])('one that is taken up %s while the handler closes is drained like the others', async (_, byHand) => {
  const kept = byHand ? await park(await leave()) : await leave()
  const gate = createGate()
  const clock = new FakeClock()
  const slow: ExecutionStore = {
    ...kept,
    claim: async executionId => {
      await gate.opened
      return kept.claim(executionId)
    },
  }
  const rig = handlerRig({ store: slow, clock, drainMs: 1000 })
  await rig.tool.idle()
  const resumed = byHand ? rig.send('POST', '/executions/x1/resume') : undefined
  await rig.tool.idle()
  let isClosed = false
  const closed = rig.handler.close().then(() => (isClosed = true))
  await clock.run(1500)
  expect(isClosed).toBe(false)
  gate.open()
  await clock.run(2500)
  await closed
  await resumed
  expect(await (await rig.get('/executions/x1')).json()).toEqual({ executionId: 'x1', status: 'running' })
  expect(clock.timerCount).toBe(0)
  // It is left as one that ran here is: the next process goes on.
  expect((await slow.read('x1', 0, 100)).map(({ type }) => type)).toContain('execution_handed_off')
})

test('a store that never answers does not keep the handler from closing', async () => {
  const clock = new FakeClock()
  const kept = await leave()
  const rig = handlerRig({ store: { ...kept, claim: () => new Promise(() => {}) }, clock })
  await rig.tool.idle()
  const closed = rig.handler.close()
  await clock.run(60_000)
  await closed
})

test.each(['claim', 'read'] as const)(
  'a store whose %s fails leaves it for later; by hand it continues',
  async what => {
    const kept = await leave()
    let isDown = true
    const fail = (): void => {
      if (isDown) throw new Error('disk gone')
    }
    const store: ExecutionStore = {
      ...kept,
      [what]: (...args: unknown[]) => {
        fail()
        return (kept[what] as (...args: unknown[]) => unknown)(...args)
      },
    }
    const rig = handlerRig({ store })
    await rig.tool.idle()
    expect(rig.log.join('\n')).toContain('An execution could not be resumed')
    expect((await rig.send('POST', '/executions/x1/resume')).status).toBe(503)
    expect(await rig.figure('dagstream_executions_running')).toBe(0)
    isDown = false
    expect(await statusOf(rig)).toBe('running')
    expect((await rig.send('POST', '/executions/x1/resume')).status).toBe(202)
    ;(await rig.tool.nextCall('a')).succeed()
    await rig.tool.idle()
    expect(await statusOf(rig)).toBe('success')
  },
)

test('a process that ends while it reads the log leaves it as it was', async () => {
  const kept = await leave()
  const endless: ExecutionStore = { ...kept, read: () => new Promise(() => {}) }
  const before = await kept.read('x1', 0, 100)
  const rig = handlerRig({ store: endless })
  await rig.tool.idle()
  expect(await kept.read('x1', 0, 100)).toEqual(before)
})

test('an execution that is listed as unfinished while it is being registered here is not resumed', async () => {
  const store = createMemoryStore()
  const gate = createGate()
  const listed: ExecutionStore = {
    ...answerLater(store),
    interrupted: async () => {
      await gate.opened
      return store.list({ limit: 10 })
    },
  }
  const rig = handlerRig({ store: listed })
  const begun = rig.begin(ONE_TASK)
  const call = await rig.tool.nextCall('a')
  gate.open()
  expect(await begun).toBe('x1')
  await rig.tool.idle()
  call.succeed(1)
  await rig.tool.idle()
  await vi.waitFor(async () => expect(await statusOf(rig)).toBe('success'))
  expect([rig.tool.started, await rig.figure('dagstream_executions_resumed_total')]).toEqual([['a'], 0])
})

test('of two handlers that take up the same, one keeps it and the other detaches; its readers are notified', async () => {
  const store = await leave()
  const first = handlerRig({ store })
  const reader = follow(await first.get('/executions/x1/events', { Accept: STREAM }))
  const lost = await first.tool.nextCall('a')
  const second = handlerRig({ store })
  const call = await second.tool.nextCall('a')
  lost.succeed('of the first')
  await reader.ended
  expect(JSON.parse(reader.messages.at(-1)?.data as string)).toMatchObject({ code: 'FENCED' })
  expect(await first.figure('dagstream_executions_total{status="lost"}')).toBe(1)
  call.succeed('of the second')
  await second.tool.idle()
  for (const { get } of [first, second]) {
    const { result } = await (await get('/executions/x1')).json()
    expect(result.results).toMatchObject([{ output: 'of the second', attempts: 3 }])
  }
})

test('a failure of the provider itself leaves the execution unchanged and is logged', async () => {
  const provider = new FakeProvider()
  provider.failure = new DagstreamError('STORE_FAILED', 'odd')
  const rig = handlerRig({ store: await leave(), tools: provider })
  await provider.tool.idle()
  expect([await statusOf(rig), rig.log.length]).toEqual(['running', 1])
})
