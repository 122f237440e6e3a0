import type { Lease } from '../log/event-log.ts'
import { callStore } from './call-store.ts'
import type { ExecutionRecord, ExecutionStore, StoredExecution } from './execution-store.ts'

/** The lease of a new execution, or the execution that has its key already. */
export type Registration =
  | { readonly lease: Lease; readonly existing?: undefined }
  | { readonly lease?: undefined; readonly existing: StoredExecution }

/**
 * Creates the record of an execution and claims its lease: the only way in which an execution begins in a store.
 * @param onOrphan called with the removal of the record where the claim has failed and the removal has, too
 * @throws the errors of the store; the record is then removed
 */
export async function createAndClaim(
  store: ExecutionStore,
  record: ExecutionRecord,
  onOrphan: (remove: () => Promise<void>) => void,
): Promise<Registration> {
  const existing = await callStore(() => store.create(record))
  if (existing !== undefined) return { existing }
  try {
    return { lease: await callStore(() => store.claim(record.executionId)) }
  } catch (error) {
    // Otherwise its key would belong for ever to an execution that never ran.
    const remove = async (): Promise<void> => void (await callStore(() => store.delete(record.executionId)))
    await remove().catch(() => onOrphan(remove))
    throw error
  }
}
