import type { ExecutionStore } from '../store/execution-store.ts'
import { ExecutionSamples } from './execution-samples.ts'
import { TaskHistory } from './task-history.ts'

/** Bounds of a history: executions, and entries of their logs in total. */
export const HISTORY_LIMITS: { readonly maxExecutions: number; readonly maxEntries: number } = {
  maxExecutions: 100,
  maxEntries: 50_000,
}

/** Entries per read: the event loop turns between two reads of a store that answers later. */
const ENTRIES_AT_ONCE = 1000

/**
 * Reads what the tasks of the most recent ended executions took. An execution that would exceed the bound of entries ends the
 * search. A store without `recent` has no history.
 * @param owner reads only executions of this owner
 * @throws whatever the store throws
 */
export async function readHistory(store: ExecutionStore, owner?: string): Promise<TaskHistory> {
  const history = new TaskHistory()
  if (store.recent === undefined) return history
  const { maxExecutions, maxEntries } = HISTORY_LIMITS
  const ids = await store.recent({ ...(owner !== undefined && { owner }), limit: maxExecutions })
  let left = maxEntries
  for (const executionId of ids) {
    const samples = new ExecutionSamples()
    const base = await store.readBase?.(executionId)
    if (base !== undefined) samples.addBase(base)
    left -= base?.tasks.size ?? 0
    let seq = base?.seq ?? 0
    for (;;) {
      if (left <= 0) return history
      const entries = await store.read(executionId, seq, ENTRIES_AT_ONCE)
      for (const entry of entries) samples.addEntry(entry)
      left -= entries.length
      seq = entries.at(-1)?.seq ?? seq
      if (entries.length < ENTRIES_AT_ONCE) break
    }
    samples.addTo(history)
  }
  return history
}
