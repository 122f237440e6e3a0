import { expect, test } from 'vitest'
import { meterStore } from '../../../src/host/observers/metered-store.ts'
import { Meters } from '../../../src/host/observers/meters.ts'
import { createMemoryStore, type ExecutionStore } from '../../../src/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function meter(store: ExecutionStore): ExecutionStore {
  return meterStore(store, new Meters(), new FakeClock())
}

test('it has the methods that the store has, and no others', () => {
  const plain = createMemoryStore()
  const full: ExecutionStore = { ...plain, interrupted: () => [] }
  const least = Object.fromEntries(
    Object.entries(plain).filter(([name]) => name !== 'findByKey' && name !== 'readBase'),
  ) as unknown as ExecutionStore
  for (const store of [plain, full, least]) {
    expect(Object.keys(meter(store)).sort()).toEqual(Object.keys(store).sort())
  }
})

test('the methods of a store that is an object of a class are called on it', async () => {
  class Counting {
    readonly #names: string[] = []
    get(): undefined {
      this.#names.push('get')
    }
    append(): void {
      this.#names.push('append')
    }
    get names(): readonly string[] {
      return this.#names
    }
  }
  const counting = new Counting()
  const store = meter(counting as unknown as ExecutionStore)
  await store.get('x')
  await store.append({ executionId: 'x', epoch: 1 }, 1, [])
  expect(counting.names).toEqual(['get', 'append'])
})
