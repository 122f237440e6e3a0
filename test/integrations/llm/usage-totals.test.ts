import { expect, test } from 'vitest'
import type { SSEEvent, TokenUsage } from '../../../src/index.ts'
import { createRandom, forSeeds } from '../../support/random-graph.ts'
import { chatRig, chats } from './chat-rig.ts'
import { DONE, message, usageMessage } from './stream-rig.ts'

const usagesOf = (events: readonly SSEEvent[]): TokenUsage[] =>
  events.flatMap(event => (event.type === 'token_usage' ? [event.data.tokenUsage] : []))

test('the totals of an execution are the sums of the reported usage, over parallel tasks, retries and a cancellation', async () => {
  const names = Array.from({ length: 6 }, (_, at) => `t${at}`)
  const { call, execution, events, clock } = chatRig(chats(...names))
  const calls = await Promise.all(names.map(name => call(name)))
  // Two answer, one fails for good, one is lost twice and answers then, two are cancelled: one has told usage, one has not.
  await calls[0]?.send(message('a', 'stop'), usageMessage(1, 10, { cost: 0.5 }), DONE)
  await calls[1]?.send(message('a', 'stop'), usageMessage(2, 20, { cost: 0.25 }), DONE)
  await calls[2]?.send(message('a'), usageMessage(4, 40), 'data: {"error":{"code":400}}\n\n')
  await calls[3]?.send(message('a'), usageMessage(8, 80, { prompt_tokens_details: { cached_tokens: 6 } }))
  await calls[3]?.drop()
  await clock.run(1100)
  const second = await call('t3')
  await second.send(message('a'), usageMessage(16, 160, { prompt_tokens_details: { cached_tokens: 16 } }))
  await second.drop()
  await clock.run(2200)
  const third = await call('t3')
  await third.send(message('a', 'stop'), usageMessage(32, 320), DONE)
  await calls[4]?.send(message('a'), usageMessage(64, 640, { cache_creation_input_tokens: 5 }))
  await calls[5]?.send(message('a'))
  execution.cancel()

  const { tokenUsage, results } = await execution.result
  expect(results.map(({ status }) => status)).toEqual([
    'success',
    'success',
    'error',
    'success',
    'cancelled',
    'cancelled',
  ])
  const total = {
    totalTokensIn: 1 + 2 + 4 + 8 + 16 + 32 + 64,
    totalTokensOut: 1270,
    totalCost: 0.75,
    totalCacheReads: 22,
    totalCacheWrites: 5,
  }
  expect(tokenUsage).toEqual(total)
  const usages = usagesOf(events)
  expect(usages.length).toBe(7)
  expect(usages.reduce((sum, { totalTokensIn }) => sum + totalTokensIn, 0)).toBe(total.totalTokensIn)
  expect(events.findLast(({ type }) => type === 'token_usage')?.data).toMatchObject({ executionTokenUsage: total })
  expect(events.at(-1)?.data).toMatchObject({ tokenUsage: total })
})

test('so they are for any mix of answers, failures and lost connections', async () => {
  await forSeeds(20, async seed => {
    const random = createRandom(seed)
    const names = Array.from({ length: 8 }, (_, at) => `t${at}`)
    const { calls, execution, events, clock } = chatRig(chats(...names))
    let told = { in: 0, out: 0 }
    let answered = 0
    for (let turn = 0; turn < 100 && answered < 24; turn++) {
      await clock.run(5000)
      const call = calls[answered]
      if (call === undefined) break
      answered += 1
      const usage = { in: Math.floor(random() * 100), out: Math.floor(random() * 100) }
      const kind = random()
      await call.send(message('a', kind < 0.5 ? 'stop' : null))
      if (random() < 0.8) {
        await call.send(usageMessage(usage.in, usage.out))
        told = { in: told.in + usage.in, out: told.out + usage.out }
      }
      if (kind < 0.5) await call.send(DONE)
      else if (kind < 0.8) await call.drop()
      else await call.end()
    }
    const { tokenUsage, successCount, errorCount } = await execution.result
    expect(successCount + errorCount).toBe(8)
    expect([tokenUsage?.totalTokensIn ?? 0, tokenUsage?.totalTokensOut ?? 0]).toEqual([told.in, told.out])
    const usages = usagesOf(events)
    expect(usages.reduce((sum, each) => sum + each.totalTokensOut, 0)).toBe(told.out)
  })
})
