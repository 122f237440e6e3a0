import { callStore } from '../store/call-store.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import type { Claimant } from './execution/claimant.ts'
import type { StoreRetries } from './storage/store-retries.ts'

/** The execution that a claimant asked for before, once the store works for it again. */
export async function findKnown(
  store: ExecutionStore,
  retries: StoreRetries,
  { owner, idempotencyKey }: Claimant,
): Promise<StoredExecution | undefined> {
  if (idempotencyKey === undefined) return undefined
  const find = (): Promise<StoredExecution | undefined> => callStore(() => store.findByKey?.(owner, idempotencyKey))
  const known = await find()
  if (known === undefined || !retries.has(known.executionId)) return known
  // An execution that the store failed is resumed; a record without a lease is removed.
  await retries.now(known.executionId)
  return find()
}
