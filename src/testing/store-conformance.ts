import type { ExecutionStore } from '../store/execution-store.ts'
import { LOG_CASES } from './log-cases.ts'
import { MEMORY_CASES } from './memory-cases.ts'
import { RECENT_CASES } from './recent-cases.ts'
import { RECORD_CASES } from './record-cases.ts'
import { SECRET_CASES } from './secret-cases.ts'

/** One requirement on a store. */
export interface StoreCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the store conforms; rejects with an `Error` that names the expected and the actual value. */
  readonly run: () => Promise<void>
}

/**
 * The conformance suite of an `ExecutionStore`, as cases for any test runner.
 *
 * Every execution of the suite has a unique id and owner, so `createStore` may return a new store each time or the same one
 * repeatedly; it need not be empty.
 *
 * @example for (const { name, run } of testStore(createMyStore)) test(name, run)
 */
export function testStore(createStore: () => ExecutionStore | Promise<ExecutionStore>): readonly StoreCase[] {
  return [...RECORD_CASES, ...RECENT_CASES, ...LOG_CASES, ...MEMORY_CASES, ...SECRET_CASES].map(([name, check]) => ({
    name,
    run: async () => check(await createStore()),
  }))
}

/** Alias of `testStore`, its former name. */
export const storeConformance: typeof testStore = testStore
