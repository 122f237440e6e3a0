import { expect, test } from 'vitest'
import type { SSEEvent } from '../../../src/index.ts'
import { outline } from '../../support/outline.ts'
import { chatRig, chats } from './chat-rig.ts'
import { DONE, message, usageMessage } from './stream-rig.ts'

const without = (events: readonly SSEEvent[], ...types: readonly string[]): string[] =>
  outline(events.filter(({ type }) => !types.includes(type)))

const AROUND = ['execution_start', 'execution_complete']

test('a time-out of the task closes the connection and keeps the usage that was reported', async () => {
  const { call, execution, events, clock } = chatRig(chats({ id: 'a', timeoutMs: 100, retry: { maxAttempts: 1 } }))
  const a = await call('a')
  await a.send(message('half'), usageMessage(5, 1))
  await clock.run(100)
  const { results, tokenUsage } = await execution.result
  expect(results[0]).toMatchObject({ status: 'error', code: 'TASK_TIMEOUT' })
  expect(results[0]).not.toHaveProperty('abandoned')
  expect([a.isLeft, tokenUsage]).toEqual([true, { totalTokensIn: 5, totalTokensOut: 1 }])
  expect(without(events, ...AROUND).slice(-3)).toEqual([
    'metrics a',
    'token_usage a',
    'task_complete a error TASK_TIMEOUT',
  ])
})

test('a cancelled execution closes its connections and keeps the usage that was reported', async () => {
  const { call, execution, events } = chatRig(chats('a', 'b'))
  const [a, b] = [await call('a'), await call('b')]
  await a.send(message('half'), usageMessage(5, 1))
  await b.send(message('half'))
  execution.cancel('enough')
  const { tokenUsage, reason } = await execution.result
  expect([a.isLeft, b.isLeft, reason?.code]).toEqual([true, true, 'CANCELLED'])
  expect(tokenUsage).toEqual({ totalTokensIn: 5, totalTokensOut: 1 })
  const ofA = outline(events.filter(({ data }) => (data as { taskId?: string }).taskId === 'a'))
  expect(ofA).toEqual(['task_start a', 'token a', 'metrics a', 'token_usage a', 'task_complete a cancelled'])
})

test.each([
  [{ maxTokens: 20 }, '22 tokens are more than `maxTokens`, 20'],
  [{ maxCost: 0.9 }, 'A cost of 1 is more than `maxCost`, 0.9'],
])('a budget cancels what runs, and what it used counts: %j', async (budget, why) => {
  const { call, execution, events } = chatRig(chats('a', 'b', 'c'), budget)
  const [a, b, c] = [await call('a'), await call('b'), await call('c')]
  await c.send(message('half'))
  await a.send(message('one', 'stop'), usageMessage(10, 1, { cost: 0.5 }), DONE)
  await b.send(message('two', 'stop'), usageMessage(10, 1, { cost: 0.5 }), DONE)
  const result = await execution.result
  expect(result.reason).toEqual({ code: 'BUDGET_EXCEEDED', message: why })
  expect(result.results.map(({ status }) => status)).toEqual(['success', 'cancelled', 'cancelled'])
  expect(result.tokenUsage).toEqual({ totalTokensIn: 20, totalTokensOut: 2, totalCost: 1 })
  expect([c.isLeft, events.filter(({ type }) => type === 'token_usage').length]).toEqual([true, 2])
})

test('silence of the model fails the attempt, though the task has no time-out of its own', async () => {
  const options = { idleTimeoutMs: 100, firstTokenTimeoutMs: 500 }
  const { call, execution, clock } = chatRig(chats({ id: 'a', retry: { maxAttempts: 1 } }), {}, options)
  const a = await call('a')
  await clock.run(99)
  await a.send(message('half'))
  await clock.run(100)
  expect((await execution.result).results[0]).toMatchObject({ status: 'error', code: 'CONNECTION_TIMEOUT' })
  expect(a.isLeft).toBe(true)
})
