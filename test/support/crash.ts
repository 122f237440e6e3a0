import {
  createMemoryStore,
  type ExecutionRecord,
  type ExecutionStore,
  type MemoryStoreOptions,
} from '../../src/index.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import type { StoredEntry } from '../../src/log/stored-entry.ts'

/** All that a store keeps of one execution. */
export interface Kept {
  readonly record: ExecutionRecord
  readonly entries: readonly StoredEntry[]
  readonly outputs: ReadonlyMap<string, string>
}

/** Everything that `store` has of an execution. */
export async function readKept(store: ExecutionStore, executionId: string): Promise<Kept> {
  const {
    status: _,
    parked: __,
    isStopping: ___,
    ...record
  } = (await store.get(executionId)) as NonNullable<Awaited<ReturnType<ExecutionStore['get']>>>
  const entries = await store.read(executionId, 0, 100_000)
  const outputs = new Map<string, string>()
  for (const { type, json } of entries) {
    const { taskId, outputPath } = JSON.parse(json) as { taskId: string; outputPath?: string }
    if (type !== 'task_complete' || outputPath === undefined) continue
    outputs.set(taskId, (await store.getOutput(executionId, taskId)) as string)
  }
  return { record, entries: entries.map(({ seq, type, json }) => ({ seq, type, json })), outputs }
}

/** A store as a process leaves it that ends when `count` entries are in the log. */
export async function leaveAfter(
  kept: Kept,
  count: number,
  { store: given, ...options }: MemoryStoreOptions & { readonly store?: ExecutionStore } = {},
): Promise<ExecutionStore> {
  const store = given ?? createMemoryStore(options)
  await store.create(kept.record)
  const lease = await store.claim(kept.record.executionId)
  for (const [taskId, json] of kept.outputs) await store.putOutput(lease, taskId, json)
  const entries = kept.entries
    .slice(0, count)
    .map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json, kept.outputs.get(JSON.parse(json).taskId)))
  if (entries.length > 0) await store.append(lease, 1, entries)
  return store
}

/** What the next process finds of an unfinished execution: a store that outlives its process. */
export async function outlive(store: ExecutionStore, executionId: string, count?: number): Promise<ExecutionStore> {
  const kept = await readKept(store, executionId)
  const next = await leaveAfter(kept, count ?? kept.entries.length)
  const found = await next.get(executionId)
  return { ...next, interrupted: () => (found?.status === 'running' ? [found] : []) }
}

/** By task, how many attempts ended by themselves in the first `count` events. */
export function countAttempts({ entries }: Kept, count: number): Map<string, number> {
  const attempts = new Map<string, number>()
  for (const { type, json } of entries.slice(0, count)) {
    if (type !== 'task_retry') continue
    const { taskId, interrupted } = JSON.parse(json) as { readonly taskId: string; readonly interrupted?: true }
    if (interrupted === undefined) attempts.set(taskId, (attempts.get(taskId) ?? 0) + 1)
  }
  return attempts
}
