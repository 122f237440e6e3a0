import { expect, test } from 'vitest'
import {
  DagstreamError,
  type ExecutionRecord,
  type ExecutionStore,
  type StoredEntry,
  type StoredExecution,
} from '../../../src/index.ts'
import { systemClock } from '../../../src/clock.ts'
import { park } from '../../../src/engine/resume/parking.ts'
import type { Parked } from '../../../src/events/events.ts'
import { leaveAfter, readKept } from '../../support/crash.ts'
import { type HandlerRig, handlerRig, ONE_TASK, readProblem } from './handler-rig.ts'
import { createGate, FakeProvider } from './provider-rig.ts'

// What becomes of an execution that an earlier process left is decided by its record: what it was told, and what can be read.

interface Left {
  readonly isCancelled?: boolean
  readonly onCrash?: 'fail'
  readonly parked?: Parked
  /** Crashes before that of this process, each while `a` ran. */
  readonly crashes?: number
  readonly record?: Partial<ExecutionRecord>
}

/** A store in which `x1` was running, as the next process finds it: listed without what was asked for. */
async function leave({ isCancelled, onCrash, parked, crashes = 0, record }: Left): Promise<ExecutionStore> {
  const rig = handlerRig()
  await rig.begin({ workflow: ONE_TASK, ...(onCrash && { options: { onCrash } }) })
  await rig.tool.nextCall('a')
  if (isCancelled) expect((await rig.send('POST', '/executions/x1/cancel')).status).toBe(202)
  await rig.tool.idle()
  const kept = await readKept(rig.store, 'x1')
  const entries = kept.entries.slice(0, isCancelled ? 3 : 2)
  const add = (type: StoredEntry['type'], data: object): void => {
    const seq = entries.length + 1
    const head = { executionId: 'x1', timestamp: '2026-01-01T00:00:00.000Z' }
    entries.push({ seq, type, json: JSON.stringify({ ...head, ...data }) })
  }
  for (let attempt = 1; attempt <= crashes; attempt++) {
    add('execution_resumed', { cause: 'crash', executionTimeMs: 0 })
    add('task_retry', { taskId: 'a', attempt, delayMs: 0, error: 'Cut', code: 'INTERRUPTED', interrupted: true })
    add('task_start', { taskId: 'a', tool: 'work', layer: 0, attempt: attempt + 1 })
  }
  const left = { ...kept, record: { ...kept.record, ...record }, entries }
  const store = await leaveAfter(left, entries.length)
  if (parked !== undefined) await park(store, 'x1', parked, systemClock)
  const { workflow: _, input: __, options: ___, ...head } = (await store.get('x1')) as StoredExecution
  return { ...store, interrupted: () => [head] }
}

async function show({ get }: HandlerRig): Promise<Record<string, unknown>> {
  return (await (await get('/executions/x1')).json()) as Record<string, unknown>
}

function withoutTools(): FakeProvider {
  const provider = new FakeProvider()
  provider.failure = new DagstreamError('TOOLS_UNAVAILABLE', 'No')
  return provider
}

const CANCELLED = { status: 'cancelled', result: { reason: { code: 'CANCELLED' } } }
const FAILED = { status: 'error', result: { errors: [{ taskId: 'a', code: 'INTERRUPTED' }] } }

test.each([
  ['a cancellation that was answered is kept to', 'after the third crash', { isCancelled: true }, CANCELLED],
  ['a cancellation that was answered is kept to', 'when tools cannot be had', { isCancelled: true }, CANCELLED],
  ['onCrash "fail" is kept to', 'after the third crash', { onCrash: 'fail' }, FAILED],
  ['onCrash "fail" is kept to', 'when tools cannot be had', { onCrash: 'fail' }, FAILED],
] as const)('%s %s', async (_, when, left, expected) => {
  const isThird = when === 'after the third crash'
  const store = await leave({ ...left, ...(isThird && { crashes: 2 }) })
  const rig = handlerRig({ store, ...(!isThird && { tools: withoutTools() }) })
  await rig.tool.idle()
  expect([await show(rig), rig.tool.started]).toMatchObject([expected, []])
  expect(await rig.figure('dagstream_executions_parked')).toBe(0)
})

test('only the head of a parked execution is read', async () => {
  const kept = await leave({ parked: { code: 'CRASH_LIMIT', message: 'parked', tasks: ['a'] } })
  const got: string[] = []
  const get: ExecutionStore['get'] = executionId => {
    got.push(executionId)
    return kept.get(executionId)
  }
  const rig = handlerRig({ store: { ...kept, get } })
  await rig.tool.idle()
  expect([got, await rig.figure('dagstream_executions_parked')]).toEqual([[], 1])
})

test('a record is not held while its tools are pending: an execution deleted meanwhile is skipped', async () => {
  const kept = await leave({})
  const provider = new FakeProvider()
  const gate = createGate()
  provider.gate = gate.opened
  const rig = handlerRig({ store: kept, tools: provider })
  await provider.tool.idle()
  await kept.delete('x1')
  gate.open()
  expect((await rig.get('/executions/x1')).status).toBe(404)
  expect([provider.tool.started, rig.log]).toEqual([[], []])
})

const TASK = { id: 'a', tool: 'work' }

test.each([
  ['a workflow that is no JSON', { workflow: '{"tasks":' }],
  ['a workflow that is none', { workflow: '{"tasks":[null]}' }],
  ['a workflow that fails its checks', { workflow: JSON.stringify({ tasks: [TASK, TASK] }) }],
  ['an input that is no JSON', { input: '{' }],
  ['options that are none', { options: '{"schedule":"no"}' }],
])('%s parks the execution, which can be deleted and nothing else', async (_, record) => {
  const rig = handlerRig({ store: await leave({ record }) })
  const { status, parked } = (await show(rig)) as { status: string; parked: Record<string, string> }
  expect([status, parked]).toEqual([
    'parked',
    {
      code: 'RECORD_UNUSABLE',
      message: expect.stringMatching(/^The record(ed)? .+: the execution can only be deleted$/),
      tasks: [],
    },
  ])
  expect(rig.log.at(-1)).toBe(
    `An execution is parked ${JSON.stringify({ executionId: 'x1', code: 'RECORD_UNUSABLE', reason: parked['message'], tasks: [] })}`,
  )
  for (const what of ['resume', 'cancel']) {
    const refused = await readProblem(await rig.send('POST', `/executions/x1/${what}`))
    expect(refused).toMatchObject({ status: 409, code: 'RECORD_UNUSABLE', detail: parked['message'] })
  }
  expect((await rig.send('DELETE', '/executions/x1')).status).toBe(204)
  expect((await rig.get('/executions/x1')).status).toBe(404)
  expect(await rig.figure('dagstream_executions_parked')).toBe(0)
})

test('an execution that was parked at its third crash can be deleted', async () => {
  const rig = handlerRig({ store: await leave({ crashes: 2 }) })
  expect(await show(rig)).toMatchObject({ status: 'parked', parked: { code: 'CRASH_LIMIT' } })
  expect((await rig.send('DELETE', '/executions/x1')).status).toBe(204)
})

test('a deletion that meets a resume by hand comes after it, and is refused', async () => {
  const provider = new FakeProvider()
  const gate = createGate()
  const store = await leave({ parked: { code: 'CRASH_LIMIT', message: 'parked', tasks: ['a'] } })
  const rig = handlerRig({ store, tools: provider })
  provider.gate = gate.opened
  const resumed = rig.send('POST', '/executions/x1/resume')
  await provider.tool.idle()
  const deleted = rig.send('DELETE', '/executions/x1')
  await provider.tool.idle()
  gate.open()
  expect([(await resumed).status, (await deleted).status]).toEqual([202, 409])
  await provider.tool.nextCall('a')
})
