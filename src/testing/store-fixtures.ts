import type { ExecutionStatus } from '../events/events.ts'
import { LogEntry } from '../events/log-entry.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { ExecutionRecord, ExecutionStore } from '../store/execution-store.ts'
import type { Lease } from '../log/event-log.ts'
import type { StoredEntry } from '../log/stored-entry.ts'
import { expectSame } from './expectations.ts'

/** A sentence of behaviour with its check, which throws if a store violates it. */
export type NamedCheck = readonly [name: string, check: (store: ExecutionStore) => Promise<void>]

/** A claimed execution. */
export interface Begun {
  readonly executionId: string
  readonly record: ExecutionRecord
  readonly lease: Lease
}

export const TIMESTAMP: string = '2026-01-01T00:00:00.000Z'

/** Creates a unique name. */
export function makeName(kind: string): string {
  return `${kind}-${globalThis.crypto.randomUUID()}`
}

/** A record of an execution with a unique id. */
export function makeRecord(more: Partial<ExecutionRecord> = {}): ExecutionRecord {
  return { executionId: makeName('execution'), createdAt: TIMESTAMP, ...more }
}

/** Creates an execution, which must be new. */
export async function create(
  store: ExecutionStore,
  more: Partial<ExecutionRecord> = {},
): Promise<{ executionId: string; record: ExecutionRecord }> {
  const record = makeRecord(more)
  expectSame('create()', await store.create(record), undefined)
  return { executionId: record.executionId, record }
}

/** Creates an execution and claims it. */
export async function begin(store: ExecutionStore, more: Partial<ExecutionRecord> = {}): Promise<Begun> {
  const created = await create(store, more)
  return { ...created, lease: await store.claim(created.executionId) }
}

/** Entries numbered from `firstSeq`, each with a distinct message. */
export function makeEntries(executionId: string, firstSeq: number, count: number, text = 'entry'): LogEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const message = `${text} ${firstSeq + i}`
    return new LogEntry(firstSeq + i, 'info', { executionId, timestamp: TIMESTAMP, level: 'info', message })
  })
}

/** The last event of an execution. */
export function makeEnd(
  executionId: string,
  seq: number,
  status: ExecutionStatus,
  figures: Partial<LoggedData<'execution_complete'>> = {},
): LogEntry {
  const counts = { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
  const times = { totalExecutionTimeMs: 0, speedup: 0, criticalPathMs: 0, parallelizationLayers: 0 }
  const data = { executionId, timestamp: TIMESTAMP, status, ...counts, ...times, ...figures }
  return new LogEntry(seq, 'execution_complete', data)
}

/** The part of an entry that a store must keep. */
export function toStored({ seq, type, json }: StoredEntry): StoredEntry {
  return { seq, type, json }
}

/** Throws unless the stored entries have these sequence numbers. */
export async function expectSeqs(
  store: ExecutionStore,
  executionId: string,
  expected: readonly number[],
): Promise<void> {
  const found = await store.read(executionId, 0, 1000)
  expectSame(
    'the entries that are kept',
    found.map(toStored).map(({ seq }) => seq),
    expected,
  )
}
