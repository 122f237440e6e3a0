import { expect, test } from 'vitest'
import { makeMember } from '../../src/testing/shared-fixtures.ts'
import { SharedRig } from '../support/shared/shared-rig.ts'
import type { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { task, workflow } from '../support/workflows.ts'

// A worker that holds an order posts what no worker should. Its coordinator must go on, and say so.

interface HostileRig {
  readonly rig: SharedRig
  readonly coordinator: TestCoordinator
  /** Posts news of the only task, numbered by their place. */
  readonly post: (...news: readonly unknown[]) => Promise<readonly boolean[]>
}

async function hold(workerId = 'hostile'): Promise<HostileRig> {
  const rig = new SharedRig({ work: { execute: () => null } })
  await rig.store.members.announce(makeMember(workerId, ['work']), 'store', 1e9)
  const coordinator = await rig.start(workflow(task('a', [], { tool: 'work', retry: { maxAttempts: 1 } })))
  await rig.clock.run(0)
  expect(await rig.store.orders.take(workerId, 1, 1e9)).toHaveLength(1)
  let number = 0
  const key = { executionId: 'x', taskId: 'a', attempt: 1 }
  const post = async (...news: readonly unknown[]): Promise<readonly boolean[]> => {
    const messages = news.map(each => ({ key, number: ++number, news: each as never }))
    const accepted = await rig.store.inbox.post(workerId, messages)
    await rig.clock.run(0)
    return accepted
  }
  return { rig, coordinator, post }
}

const GOOD = { type: 'settled', report: { status: 'success', outputJson: '{"n":1}', executionTimeMs: 1 } }

test.each([
  ['a type that does not exist', { type: 'explode' }],
  ['a token without text', { type: 'token', text: 7 }],
  ['progress that is no number', { type: 'progress', progress: { progress: 'half' } }],
  ['a line of log without text', { type: 'log', level: 'loud', message: {} }],
  ['usage below zero', { type: 'usage', usage: { totalTokensIn: -5, totalTokensOut: 0 } }],
  ['a count that would never end', { type: 'dropped', count: 1e15 }],
  ['a question without a text', { type: 'question', question: { number: 1 } }],
  ['a question without a number', { type: 'question', question: { number: 1e12, message: 'Go?' } }],
  ['an interruption, which is for the store to say', { type: 'interrupted', cause: 'lost' }],
])('a message with %s is refused with a warning, and the attempt goes on', async (_, news) => {
  const { rig, coordinator, post } = await hold()
  await post(news)
  await post(GOOD)
  expect(await coordinator.loop.result).toMatchObject({ status: 'success', results: [{ output: { n: 1 } }] })
  const warnings = (await rig.events()).flatMap(({ type, data }) => (type === 'info' ? [data] : []))
  expect(warnings).toMatchObject([
    { level: 'warning', message: expect.stringContaining('A message of the worker was refused') as unknown },
  ])
})

test.each([
  ['no report', {}],
  ['a report without a status', { report: { outputJson: '1' } }],
  ['an output that is not JSON', { report: { status: 'success', outputJson: '{"a":' } }],
  ['an output that is no text', { report: { status: 'success', outputJson: { a: 1 } } }],
  ['an output deeper than the stack', { report: { status: 'success', outputJson: '['.repeat(1e5) + ']'.repeat(1e5) } }],
  ['a failure without a code', { report: { status: 'error', message: 'no' } }],
])('an outcome with %s is a failure of its attempt', async (_, rest) => {
  const { coordinator, post } = await hold()
  await post({ type: 'settled', ...rest })
  expect(await coordinator.loop.result).toMatchObject({
    status: 'error',
    results: [{ code: 'INVALID_OUTCOME', error: expect.stringContaining('cannot be used') as unknown }],
  })
})

test('an outcome cannot forge an event, nor fields of one', async () => {
  const { rig, coordinator, post } = await hold()
  const metrics = { executionId: 'other', taskId: 'b', ttftMs: 1, totalMs: -1, tokenCount: 'x', tokensPerSec: 2 }
  const outputJson = '{"a":\n\n"event: execution_complete",\r\n"__proto__":{"isAdmin":true}}'
  await post({ type: 'settled', report: { status: 'success', outputJson, executionTimeMs: -3, metrics } })
  await coordinator.loop.result
  const entries = await rig.entries()
  expect(entries.filter(({ json }) => /[\n\r]/.test(json))).toEqual([])
  expect(entries.every(({ json }) => (JSON.parse(json) as { executionId: string }).executionId === 'x')).toBe(true)
  expect((await rig.events()).find(({ type }) => type === 'metrics')?.data).toMatchObject({
    taskId: 'a',
    ttftMs: 1,
    totalMs: 0,
    tokenCount: 0,
  })
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
})

test('a message and a code of any length are cut', async () => {
  const { coordinator, post } = await hold()
  const report = { status: 'error', code: 'C'.repeat(1e5), message: 'm'.repeat(1e6), isRetryable: true }
  await post({ type: 'log', level: 'info', message: 'l'.repeat(1e6) }, { type: 'settled', report })
  const [result] = (await coordinator.loop.result).results
  expect([result?.code?.length, result?.error?.length]).toEqual([200, 8192])
})

test('an outcome for an attempt that the worker does not hold is refused, and changes nothing', async () => {
  const { rig, coordinator, post } = await hold()
  const other = await rig.store.inbox.post('another', [
    { key: { executionId: 'x', taskId: 'a', attempt: 1 }, number: 1, news: GOOD as never },
  ])
  const elsewhere = await rig.store.inbox.post('hostile', [
    { key: { executionId: 'y', taskId: 'a', attempt: 1 }, number: 1, news: GOOD as never },
    { key: { executionId: 'x', taskId: 'b', attempt: 1 }, number: 1, news: GOOD as never },
    { key: { executionId: 'x', taskId: 'a', attempt: 2 }, number: 1, news: GOOD as never },
  ])
  expect([other, elsewhere]).toEqual([[false], [false, false, false]])
  expect(await rig.outline('task_complete')).toEqual([])
  expect(await post(GOOD)).toEqual([true])
  expect(await coordinator.loop.result).toMatchObject({ status: 'success' })
})
