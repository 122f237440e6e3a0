import { expect, test } from 'vitest'
import { StreamingExecutor } from '../../src/index.ts'

const ONE = { tasks: [{ id: 'a', tool: 'work' }] }

test('a subscriber whose callback throws affects no other', async () => {
  const execution = new StreamingExecutor({ work: async () => 1 }).stream(ONE)
  const source = execution.subscribe()
  let calls = 0
  await source.take(1000)
  source.onReadable(() => {
    calls += 1
    throw new Error('callback')
  })
  expect([(await execution.result).status, calls]).toEqual(['success', 1])
})

test('a function that is thrown fails its task, and its source stays here', async () => {
  const work = (): never => {
    throw (): string => 'secret' // oxlint-disable-line no-throw-literal
  }
  const result = await new StreamingExecutor({ work }).execute(ONE)
  expect([result.errorCount, JSON.stringify(result).includes('secret')]).toEqual([1, false])
})
