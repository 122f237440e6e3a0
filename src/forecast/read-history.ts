import type { ExecutionState } from '../events/execution-state.ts'
import type { StoredEntry } from '../log/stored-entry.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import { TIMED_TYPES, type TimedEntry } from '../store/timed-entries.ts'
import { ExecutionSamples } from './execution-samples.ts'
import { TaskHistory } from './task-history.ts'

/** Bounds of a history: executions, and entries of their logs in total. */
export const HISTORY_LIMITS: { readonly maxExecutions: number; readonly maxEntries: number } = {
  maxExecutions: 100,
  maxEntries: 50_000,
}

const TYPES: ReadonlySet<string> = new Set(TIMED_TYPES)

/** Entries per read: some 2 ms of a store that answers at once. */
const ENTRIES_AT_ONCE = 500

/** Work on a store: yields what the store answers, a value or a promise of it, and gets the value. */
export type StoreSteps<Result = void> = Generator<unknown, Result, unknown>

/** What is read for a history. */
export interface HistoryRequest {
  readonly store: ExecutionStore
  /** Reads only executions of this owner. */
  readonly owner?: string | undefined
  /** Executions that are left out: their samples are there already. */
  readonly skips?: (executionId: string) => boolean
  /** Called with the samples of each execution, the most recent one first. */
  readonly onSamples: (executionId: string, samples: ExecutionSamples) => void
}

/**
 * Reads what the tasks of the most recent ended executions took. An execution that would exceed the bound of entries ends the
 * search. A store without `recent` has no history.
 * @throws whatever the store throws
 */
export function* historySteps({ store, owner, skips = () => false, onSamples }: HistoryRequest): StoreSteps {
  if (store.recent === undefined) return
  const { maxExecutions, maxEntries } = HISTORY_LIMITS
  const found = yield store.recent({ ...(owner !== undefined && { owner }), limit: maxExecutions })
  let left = maxEntries
  for (const executionId of found as readonly string[]) {
    if (skips(executionId)) continue
    const samples = new ExecutionSamples()
    const count = yield* readSamples(store, executionId, samples, left)
    if (count === undefined) return
    left -= count
    onSamples(executionId, samples)
  }
}

/** Reads one execution. @returns the number of its entries; `undefined` if it has more than `maxEntries` */
export function* readSamples(
  store: ExecutionStore,
  executionId: string,
  samples: ExecutionSamples,
  maxEntries: number,
): StoreSteps<number | undefined> {
  const base = store.readBase && ((yield store.readBase(executionId)) as ExecutionState | undefined)
  if (base !== undefined) samples.addBase(base)
  let count = base?.tasks.size ?? 0
  let seq = base?.seq ?? 0
  for (;;) {
    if (count >= maxEntries) return undefined
    const entries = yield* readEntries(store, executionId, seq)
    for (const { type, data } of entries) samples.add(type, data)
    count += entries.length
    seq = entries.at(-1)?.seq ?? seq
    if (entries.length < ENTRIES_AT_ONCE) return count
  }
}

function* readEntries(store: ExecutionStore, executionId: string, afterSeq: number): StoreSteps<readonly TimedEntry[]> {
  if (store.readTimes !== undefined) {
    return (yield store.readTimes(executionId, afterSeq, ENTRIES_AT_ONCE)) as readonly TimedEntry[]
  }
  const entries = (yield store.read(executionId, afterSeq, ENTRIES_AT_ONCE)) as readonly StoredEntry[]
  return entries.map(({ seq, type, json }) => ({ seq, type, data: TYPES.has(type) ? parse(json) : {} }))
}

/** The object of a text; an empty one for any other text. */
function parse(json: string): TimedEntry['data'] {
  try {
    return (JSON.parse(json) ?? {}) as TimedEntry['data']
  } catch {
    return {}
  }
}

/**
 * The history of the most recent ended executions.
 * @param owner reads only executions of this owner
 * @throws whatever the store throws
 */
export async function readHistory(store: ExecutionStore, owner?: string): Promise<TaskHistory> {
  const history = new TaskHistory()
  const steps = historySteps({ store, owner, onSamples: (_, samples) => samples.addTo(history) })
  for (let step = steps.next(); !step.done; step = steps.next(await step.value));
  return history
}
