import { describe, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { testDispatcher, testSharedStore } from '../../src/testing/shared-conformance.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'
import type { HintDelay } from '../support/shared/hints.ts'
import { expectHints } from './hints.ts'

const clock = new FakeClock()
const wait = (ms: number): Promise<void> => clock.run(ms)

describe('the shared store in memory', () => {
  const create = (): SharedStore => createMemorySharedStore(clock)
  const cases = [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait }), ...storeConformance(create)]
  for (const { name, run } of cases) test(name, run)
})

test('one shared store serves all cases in turn', async () => {
  const store = createMemorySharedStore(clock)
  const connect = (): SharedStore => store.connect()
  for (const { run } of [...testSharedStore(connect, { wait }), ...testDispatcher(connect, { wait })]) await run()
})

test('hints come for entries, messages, orders, cancellations and replies', async () => {
  await expectHints({ store: createMemorySharedStore(clock), wait })
})

describe.each<readonly [string, HintDelay]>([
  ['never', () => undefined],
  ['late', () => 400],
])('a shared store whose hints come %s', (_, delay) => {
  const create = (): SharedStore => {
    const store = createMemorySharedStore(clock)
    store.delayHints(delay)
    return store
  }
  for (const { name, run } of [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })])
    test(name, run)
})

describe('a shared store whose hints are repeated and joined', () => {
  const create = (): SharedStore => {
    const store = createMemorySharedStore(clock)
    return {
      ...store,
      hints: { subscribe: wake => store.hints.subscribe(hints => wake(hints && [...hints, ...hints])) },
    }
  }
  for (const { name, run } of [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })])
    test(name, run)
})
