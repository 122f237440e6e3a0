import { expect, test } from 'vitest'
import { type DAGStructure, LIMITS, parseJson, StreamingExecutor } from '../../src/index.ts'

const executor = new StreamingExecutor({ quick: () => 1 })

async function readError(workflow: DAGStructure, input: unknown): Promise<string> {
  const { results } = await executor.stream(workflow, { input }).result
  return results[0]?.error as string
}

test('a false condition tells numbers digit by digit', async () => {
  const error = await readError(
    { tasks: [{ id: 'a', tool: 'quick', when: 'input.id == 1' }] },
    parseJson('{"id":9007199254740993}'),
  )
  expect(error).toBe('The condition is false: `input.id == 1` with {"input.id":9007199254740993}')
})

test('what a false condition tells is bounded like every message', async () => {
  const names = Array.from({ length: 18 }, (_, index) => `${'k'.repeat(190)}${index}`)
  const when = names.map(name => `input.${name} == 1`).join(' || ')
  const input = Object.fromEntries(names.map(name => [name, '漢'.repeat(300)]))
  const error = await readError({ tasks: [{ id: 'a', tool: 'quick', when }] }, input)
  expect(Buffer.byteLength(error)).toBeLessThanOrEqual(LIMITS.maxMessageBytes)
})

test('the event loop turns between the conditions of items', async () => {
  const list = Array.from({ length: 200_000 }, (_, index) => index)
  const items = Array.from({ length: 200 }, () => -1)
  const task = { id: 'each', tool: 'quick', forEach: '$INPUT.items', when: 'item in input.list' }
  let turnCount = 0
  let isOver = false
  const count = (): void => {
    turnCount += 1
    if (!isOver) setImmediate(count)
  }
  const execution = executor.stream({ tasks: [task] }, { input: { list, items } })
  count()
  const { skippedCount } = await execution.result
  isOver = true
  expect(skippedCount).toBe(200)
  expect(turnCount).toBeGreaterThan(6)
})
