import { describe, test } from 'vitest'
import { testKeyDispatcher } from '../../../src/testing/dispatch/dispatcher-conformance.ts'
import type { KeyReceiver } from '../../../src/cluster/order.ts'
import { MemoryQueue } from '../../support/memory-dispatcher.ts'
import { DISPATCHER_FAULTS } from './dispatcher-faults.ts'
import { expectDistinct, expectFound } from './planted.ts'

describe('the suite of dispatchers of keys finds one that', () => {
  test.concurrent.each(DISPATCHER_FAULTS)('%s', async (_, plant, found) => {
    const queue = new MemoryQueue()
    const workers: KeyReceiver[] = []
    const create = () => {
      const dispatcher = queue.connect()
      return { ...dispatcher, ...plant(dispatcher, workers) }
    }
    await expectFound(testKeyDispatcher(create, { patienceMs: 500 }), found)
  })
})

test('each fault has a name of its own', () => {
  expectDistinct(DISPATCHER_FAULTS)
})
