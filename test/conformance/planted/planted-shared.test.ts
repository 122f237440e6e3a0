import { describe, test } from 'vitest'
import { testDispatcher, testSharedStore } from '../../../src/testing/shared-conformance.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { EXCHANGE_FAULTS } from './exchange-faults.ts'
import { INBOX_FAULTS } from './inbox-faults.ts'
import { LEASE_FAULTS } from './lease-faults.ts'
import { ORDER_FAULTS } from './order-faults.ts'
import { expectDistinct, expectFound, type Planted } from './planted.ts'
import { createPlanted, type SharedPlant } from './shared-planted.ts'

const FAULTS: readonly Planted<SharedPlant>[] = [...LEASE_FAULTS, ...INBOX_FAULTS, ...ORDER_FAULTS, ...EXCHANGE_FAULTS]

const clock = new FakeClock()
const wait = (ms: number): Promise<void> => clock.run(ms)

describe('the suites of shared stores and dispatchers find one that', () => {
  test.each(FAULTS)('%s', async (_, plant, found) => {
    const create = () => createPlanted(plant, clock)
    await expectFound([...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })], found)
  })
})

test('each fault has a name of its own', () => {
  expectDistinct(FAULTS)
})
