import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/store/memory-store.ts'
import { testStore } from '../../../src/testing/store-conformance.ts'
import { createDurable, DURABLE_FAULTS } from './durable-faults.ts'
import { LOG_FAULTS, type StorePlant } from './log-faults.ts'
import { PART_FAULTS } from './part-faults.ts'
import { expectDistinct, expectFound, type Planted } from './planted.ts'
import { RECORD_FAULTS } from './record-faults.ts'

const FAULTS: readonly Planted<StorePlant>[] = [...LOG_FAULTS, ...RECORD_FAULTS, ...PART_FAULTS]

describe('the suite of stores finds one that', () => {
  test.each(FAULTS)('%s', async (_, plant, found) => {
    const create = () => {
      const store = createMemoryStore()
      return { ...store, ...plant(store) }
    }
    await expectFound(testStore(create), found)
  })

  test.each(DURABLE_FAULTS)('%s, as its next process shows', async (_, plant, found) => {
    const { create, reopen } = createDurable(plant)
    await expectFound(testStore(create, { reopen }), found)
  })
})

describe('a store without a fault, and the next process on its disk', () => {
  const { create, reopen } = createDurable()
  for (const { name, run } of testStore(create, { reopen })) test(name, run)
})

test('each fault has a name of its own', () => {
  expectDistinct([...FAULTS, ...DURABLE_FAULTS])
})

test('a case names the expected and the found value', async () => {
  const store = createMemoryStore()
  const cases = testStore(() => ({ ...store, claim: id => ({ executionId: id, epoch: 1 }) }))
  const messages: string[] = []
  for (const { run } of cases) await run().catch((error: Error) => messages.push(error.message))
  expect(messages).toContain('different epochs of 3 claim() at once: expected 3, found 1')
})
