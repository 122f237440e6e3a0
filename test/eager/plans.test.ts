import { expect, test } from 'vitest'
import { createMemoryStore, type PlanChunk, type SSEEvent, StreamingExecutor } from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { collectEvents } from '../support/rig.ts'

const find = { readOnly: true, execute: ({ city }: Record<string, unknown>): string => `${String(city)}!` }
const save = (): string => 'saved'

const typesOf = (events: readonly SSEEvent[]): string[] => events.map(({ type }) => type)

test('a read-only task runs before the next line is written, a task that writes waits for the seal', async () => {
  const calls: string[] = []
  let called = (): void => {}
  const isCalled = new Promise<void>(resolve => (called = resolve))
  const tools = {
    find: { readOnly: true, execute: (): number => (calls.push('find'), called(), 1) },
    save: (): number => calls.push('save'),
  }
  async function* write(): AsyncGenerator<PlanChunk> {
    yield '{"id": "s", "tool": "save"}\n{"id": "f", "tool": "find"}\n'
    await isCalled
    yield '{"id": "g", "tool": "find", "dependsOn": ["f"]}\n'
    calls.push('sealed')
  }
  const execution = await new StreamingExecutor(tools).streamPlan(write())
  expect((await execution.result).status).toBe('success')
  expect(calls[0]).toBe('find')
  expect(calls.indexOf('save')).toBeGreaterThan(calls.indexOf('sealed'))
})

test('a refused line is reported with its number and its place, and ends the execution or is left out', async () => {
  const lines = [
    '{"name": "cities"}',
    '',
    '{"id": "a", "tool": "find", "arguments": {"city": "$OUTPUT[b]"}}',
    '{"id": "b", "tool": "find"}',
  ]
  for (const onPlanError of ['fail', 'skip'] as const) {
    const execution = await new StreamingExecutor({ find }).streamPlan([lines.join('\n')], { onPlanError })
    const events = collectEvents(execution)
    const { status, reason, totalTasks } = await execution.result
    const rejected = events.find(({ type }) => type === 'plan_rejected')
    expect(rejected?.data).toMatchObject({
      line: 3,
      issues: [{ code: 'FORWARD_DEPENDENCY', pointer: '/arguments/city' }],
    })
    if (onPlanError === 'skip') expect([status, totalTasks]).toEqual(['success', 1])
    else
      expect([status, reason?.code, totalTasks, typesOf(events).includes('execution_stopping')]).toEqual([
        'cancelled',
        'PLAN_REJECTED',
        0,
        true,
      ])
  }
})

test('more than 1,000 lines are not left out: the next refused one ends the execution', async () => {
  for (const refusedCount of [1000, 1001]) {
    const lines = ['{"id": "a", "tool": "find"}', ...Array.from({ length: refusedCount }, () => '{"id": "b"}')]
    const execution = await new StreamingExecutor({ find }).streamPlan([lines.join('\n')], { onPlanError: 'skip' })
    const events = collectEvents(execution)
    const { reason } = await execution.result
    expect(reason?.code).toBe(refusedCount > 1000 ? 'PLAN_REJECTED' : undefined)
    expect(events.filter(({ type }) => type === 'plan_rejected')).toHaveLength(refusedCount)
  }
})

test('a plan that breaks off cancels, or counts as complete', async () => {
  for (const onPlanBreak of ['cancel', 'seal'] as const) {
    async function* write(): AsyncGenerator<PlanChunk> {
      yield '{"id": "s", "tool": "save"}\n{"id": "half'
      await Promise.resolve()
      throw new Error('cut')
    }
    const execution = await new StreamingExecutor({ save }).streamPlan(write(), { onPlanBreak })
    const { status, reason, totalTasks } = await execution.result
    expect([status, reason?.code, totalTasks]).toEqual(
      onPlanBreak === 'seal' ? ['success', undefined, 1] : ['cancelled', 'PLAN_INCOMPLETE', 1],
    )
  }
})

test.each([
  ['an error', () => new Error('no model'), ': no model'],
  ['a text', () => 'no model', ': no model'],
  ['a number', () => 7, ': its source has failed'],
  ['an error that cannot be read', () => new Proxy({}, { get: () => expect.unreachable() }), ': The tool'],
])('the reason says why a plan broke off: %s', async (_, thrown, why) => {
  // A failure of a source that is not asynchronous is one, too.
  function* write(): Generator<PlanChunk> {
    yield '{"id": "s", "tool": "save"}\n'
    throw thrown()
  }
  const execution = await new StreamingExecutor({ save }).streamPlan(write())
  const { reason } = await execution.result
  expect(reason?.message).toContain(`The plan broke off before it was complete${why}`)
})

test('unknown options, `layers`, and lines behind the seal are refused or ignored', async () => {
  const executor = new StreamingExecutor({ save })
  await expect(executor.streamPlan(['{"maxconcurrency": 2}\n'])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(executor.streamPlan(['{"schedule": "layers"}\n'])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  const execution = await executor.streamPlan([{ id: 'a', tool: 'save' }, { seal: true }, { id: 'a', tool: 'none' }])
  expect((await execution.result).status).toBe('success')
})

test('the log has whole tasks, the wire has not, and a fork runs the whole document', async () => {
  const store = createMemoryStore()
  const executor = new StreamingExecutor({ find }, { store })
  const execution = await executor.streamPlan([
    '{"id": "a", "tool": "find", "arguments": {"city": 12345678901234567890}}',
  ])
  const events = collectEvents(execution)
  await execution.result
  expect(JSON.stringify(events.find(({ type }) => type === 'tasks_added'))).not.toContain('definition')
  const entries = await store.read(execution.executionId, 0, 100)
  expect(entries.find(({ type }) => type === 'tasks_added')?.json).toContain('12345678901234567890')
  const fork = await executor.fork(execution.executionId)
  const { results } = await fork.result
  expect(results.map(({ taskId, reusedFrom }) => [taskId, reusedFrom?.executionId])).toEqual([
    ['a', execution.executionId],
  ])
})

test('a plan whose options follow blank lines goes on with its line numbers after a crash', async () => {
  const store = createMemoryStore()
  const lines = ['', '', '{"name": "cities"}', '{"id": "a", "tool": "find"}']
  const execution = await new StreamingExecutor({ find }, { store }).streamPlan([lines.join('\n')])
  await execution.result
  const left = await leaveAfter(await readKept(store, execution.executionId), 1)
  const resumed = await new StreamingExecutor({ find }, { store: left }).resume(execution.executionId, {
    plan: ['{"id": "a", "tool": "none"}'],
  })
  const events = collectEvents(resumed)
  await resumed.result
  expect(events.find(({ type }) => type === 'plan_rejected')?.data).toMatchObject({ line: 4 })
})
