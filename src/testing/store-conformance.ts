import type { ExecutionStore } from '../store/execution-store.ts'
import { LOG_CASES } from './log-cases.ts'
import { RECORD_CASES } from './record-cases.ts'

/** One thing that a store must do. */
export interface StoreCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the store does it; rejects with an `Error` that says what was expected and what was found. */
  readonly run: () => Promise<void>
}

/**
 * Everything that an `ExecutionStore` must do, in cases for any test runner.
 *
 * Every execution of the suite has an id and an owner of its own, so `createStore` may give a fresh store each time or the same
 * one over and over; it need not be empty.
 *
 * @example
 * for (const { name, run } of testStore(createMyStore)) test(name, run)
 */
export function testStore(createStore: () => ExecutionStore | Promise<ExecutionStore>): readonly StoreCase[] {
  return [...RECORD_CASES, ...LOG_CASES].map(([name, check]) => ({
    name,
    run: async () => check(await createStore()),
  }))
}

/** The same as `testStore`, by the name it had first. */
export const storeConformance: typeof testStore = testStore
