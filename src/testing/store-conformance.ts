import type { ExecutionStore } from '../store/execution-store.ts'
import { DURABILITY_CASES, type Reopen } from './store/durability-cases.ts'
import { DELETION_CASES } from './store/deletion-cases.ts'
import { IDENTITY_CASES } from './store/identity-cases.ts'
import { LOG_CASES } from './store/log-cases.ts'
import { MEMORY_CASES } from './store/memory-cases.ts'
import { RECENT_CASES } from './store/recent-cases.ts'
import { RECORD_CASES } from './store/record-cases.ts'
import { SECRET_CASES } from './store/secret-cases.ts'
import { SNAPSHOT_CASES } from './store/snapshot-cases.ts'
import type { NamedCheck } from './store-fixtures.ts'

/** One requirement on a store. */
export interface StoreCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the store conforms; rejects with an `Error` that names the expected and the actual value. */
  readonly run: () => Promise<void>
}

const CASES: readonly NamedCheck[] = [
  ...RECORD_CASES,
  ...IDENTITY_CASES,
  ...RECENT_CASES,
  ...LOG_CASES,
  ...SNAPSHOT_CASES,
  ...DELETION_CASES,
  ...MEMORY_CASES,
  ...SECRET_CASES,
]

/** How a store is tested. */
export interface StoreTestOptions {
  /**
   * Ends the process that has a store open, and opens its data as another process does: closes the store and opens it again, say.
   * For a store that outlives its process. @defaultValue the cases of what outlives a process are left out
   */
  readonly reopen?: Reopen
}

/**
 * The conformance suite of an `ExecutionStore`, as cases for any test runner.
 *
 * Every execution of the suite has a unique id and owner, so `createStore` may return a new store each time or the same one
 * repeatedly, unless `reopen` closes it; it need not be empty.
 *
 * @example for (const { name, run } of testStore(createMyStore)) test(name, run)
 */
export function testStore(
  createStore: () => ExecutionStore | Promise<ExecutionStore>,
  { reopen }: StoreTestOptions = {},
): readonly StoreCase[] {
  const cases = CASES.map(([name, check]) => ({ name, run: async () => check(await createStore()) }))
  if (reopen === undefined) return cases
  const durable = DURABILITY_CASES.map(([name, check]) => ({
    name,
    run: async () => check(await createStore(), reopen),
  }))
  return [...cases, ...durable]
}

/** Alias of `testStore`, its former name. */
export const storeConformance: typeof testStore = testStore
