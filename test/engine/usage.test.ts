import { expect, test } from 'vitest'
import type { TokenUsage } from '../../src/index.ts'
import { endings, outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { chain, fan, workflow } from '../support/workflows.ts'

test('usage that a tool reports in parts adds up, zero stays and unreported fields are absent', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.context.reportUsage({ totalTokensIn: 10, totalCost: 0 })
  a.context.reportUsage({ totalTokensOut: 5, contextTokens: 15 })
  b.context.reportUsage({ totalTokensIn: 1, totalCost: 0.5, contextTokens: 7 })
  a.succeed()
  b.succeed()
  const { tokenUsage } = await execution.result
  expect(tokenUsage).toEqual({ totalTokensIn: 11, totalTokensOut: 5, totalCost: 0.5, contextTokens: 7 })
  expect(outline(events).filter(line => line.startsWith('token_usage'))).toEqual(['token_usage a', 'token_usage b'])
  expect(events.at(-1)?.data).toMatchObject({ tokenUsage })
})

test('a field that is not a count is omitted with a warning, and never fails the task', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  a.context.reportUsage({ totalTokensIn: Number.NaN, totalTokensOut: 2, totalCost: -1 })
  a.context.reportUsage({ totalTokensIn: '5' } as unknown as TokenUsage)
  a.context.reportUsage(null as unknown as TokenUsage)
  a.succeed()
  const { tokenUsage, status } = await execution.result
  expect([status, tokenUsage]).toEqual(['success', { totalTokensIn: 0, totalTokensOut: 2 }])
  expect(events.filter(({ type }) => type === 'info').map(({ data }) => data)).toMatchObject([
    { level: 'warning', taskId: 'a', message: expect.stringContaining('totalTokensIn, totalCost') },
    { level: 'warning', taskId: 'a', message: expect.stringContaining('totalTokensIn') },
    { level: 'warning', taskId: 'a' },
  ])
})

test('an execution without usage has none, and no token_usage is reported', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  a.context.reportUsage({})
  a.succeed()
  const result = await execution.result
  expect('tokenUsage' in result).toBe(false)
  expect(outline(events)).not.toContain('token_usage a')
})

test('usage that is reported after the abort still counts, until the attempt is over', async () => {
  const { tool, execution, clock } = rig(workflow({ id: 'a', tool: 'work', timeoutMs: 10 }))
  const a = await tool.nextCall('a')
  await clock.run(10)
  a.context.reportUsage({ totalTokensIn: 3 })
  a.fail()
  await tool.idle()
  a.context.reportUsage({ totalTokensIn: 100 })
  expect((await execution.result).tokenUsage).toEqual({ totalTokensIn: 3, totalTokensOut: 0 })
})

test('an execution that uses more tokens than maxTokens is cancelled while they are spent', async () => {
  const { tool, execution } = rig(fan(3), { maxTokens: 100, maxConcurrency: 2 })
  const [a, b] = await tool.nextCalls('t0', 't1')
  a.context.reportUsage({ totalTokensIn: 60 })
  b.context.reportUsage({ totalTokensOut: 40 })
  await tool.idle()
  expect(a.context.signal.aborted).toBe(false)
  b.context.reportUsage({ totalTokensOut: 1 })
  expect([a.context.signal.aborted, b.context.signal.aborted]).toEqual([true, true])
  a.succeed()
  b.succeed()
  const result = await execution.result
  expect(endings(result)).toEqual(['t0 cancelled', 't1 cancelled', 't2 cancelled'])
  expect([result.reason, result.tokenUsage]).toEqual([
    { code: 'BUDGET_EXCEEDED', message: '101 tokens are more than `maxTokens`, 100' },
    { totalTokensIn: 60, totalTokensOut: 41 },
  ])
})

test('an execution that costs more than maxCost is cancelled', async () => {
  const { tool, execution } = rig(chain(2), { maxCost: 0.5 })
  const a = await tool.nextCall('t0')
  a.context.reportUsage({ totalCost: 0.5 })
  expect(a.context.signal.aborted).toBe(false)
  a.context.reportUsage({ totalCost: 0.01 })
  a.succeed()
  expect(await execution.result).toMatchObject({
    status: 'cancelled',
    reason: { code: 'BUDGET_EXCEEDED' },
    tokenUsage: { totalCost: 0.51 },
    cancelledCount: 2,
  })
})

test('a budget of 0 allows nothing that costs, and everything that does not', async () => {
  const { tool, execution } = rig(chain(2), { maxCost: 0, maxTokens: 0 })
  ;(await tool.nextCall('t0')).succeed()
  const a = await tool.nextCall('t1')
  a.context.reportUsage({ totalCost: 0, totalTokensIn: 0 })
  a.succeed()
  expect((await execution.result).status).toBe('success')
})
