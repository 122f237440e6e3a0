import type { ExecutionRecord, ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { Lease } from '../../log/event-log.ts'
import { askStore } from './call-store.ts'
import type { StoreRetries } from './store-retries.ts'

/** The right to run a new execution, or the one that has its key already. */
export type Registration =
  | { readonly lease: Lease; readonly existing?: undefined }
  | { readonly lease?: undefined; readonly existing: StoredExecution }

/**
 * Makes an execution known to the store.
 * @throws what the store throws; there is nothing of it then, or there will be nothing once the store works again
 */
export async function register(
  store: ExecutionStore,
  record: ExecutionRecord,
  retries: StoreRetries,
): Promise<Registration> {
  const existing = await askStore(() => store.create(record))
  if (existing !== undefined) return { existing }
  try {
    return { lease: await askStore(() => store.claim(record.executionId)) }
  } catch (error) {
    // Or its key would stand for ever for something that never ran.
    const remove = async (): Promise<void> => void (await askStore(() => store.delete(record.executionId)))
    await remove().catch(() => retries.add(record.executionId, remove))
    throw error
  }
}
