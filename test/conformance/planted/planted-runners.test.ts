import { describe, expect, test } from 'vitest'
import { testRunner } from '../../../src/testing/runner/runner-conformance.ts'
import { expectDistinct, expectFound } from './planted.ts'
import { createPlanted, RUNNER_FAULTS } from './runner-faults.ts'

describe('the suite of runners finds one that', () => {
  // At once, since a case waits some seconds for what never comes.
  test.concurrent.each(RUNNER_FAULTS)('%s', async (_, plant, found) => {
    await expectFound(testRunner(createPlanted(plant)), found)
  })
})

test('each fault has a name of its own', () => {
  expectDistinct(RUNNER_FAULTS)
})

test('a runner without a fault passes all cases at once', async () => {
  const cases = testRunner(createPlanted(() => ({})))
  expect(await Promise.all(cases.map(({ run }) => run()))).toHaveLength(cases.length)
})
