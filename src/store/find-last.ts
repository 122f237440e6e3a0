import type { StoredEntry } from '../log/stored-entry.ts'
import type { ExecutionStore } from './execution-store.ts'

/** Upper bound of the number of events of an execution. */
const MAX_SEQ = 2 ** 32

/**
 * Finds the last entry of a log by binary search, which works because a log has no gaps.
 * @throws any error of the store
 */
export async function findLast(
  store: Pick<ExecutionStore, 'read' | 'readBase'>,
  executionId: string,
): Promise<StoredEntry | undefined> {
  let found: StoredEntry | undefined
  let low = (await store.readBase?.(executionId))?.seq ?? 0
  for (let high = MAX_SEQ; low < high; ) {
    const middle = Math.floor((low + high) / 2)
    const [entry] = await store.read(executionId, middle, 1)
    if (entry === undefined) high = middle
    else {
      found = entry
      low = entry.seq
    }
  }
  return found
}
