import type { EventData, ExecutionStatus } from '../events/events.ts'
import { LogEntry } from '../events/log-entry.ts'
import type { ExecutionRecord, ExecutionStore } from '../store/execution-store.ts'
import type { Lease, StoredEntry } from '../stream/event-log.ts'
import { expectSame } from './expectations.ts'

/** A sentence of behaviour, and what throws unless a store does it. */
export type NamedCheck = readonly [name: string, check: (store: ExecutionStore) => Promise<void>]

/** An execution that can be appended to. */
export interface Begun {
  readonly executionId: string
  readonly record: ExecutionRecord
  readonly lease: Lease
}

export const TIMESTAMP: string = '2026-01-01T00:00:00.000Z'

/** A name that no other case has. */
export function makeName(kind: string): string {
  return `${kind}-${globalThis.crypto.randomUUID()}`
}

/** A record of an execution with an id of its own. */
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

/** Entries numbered from `firstSeq`, each with a message of its own. */
export function makeEntries(executionId: string, firstSeq: number, count: number, text = 'entry'): LogEntry[] {
  const data: EventData = { executionId, timestamp: TIMESTAMP }
  return Array.from({ length: count }, (_, i) => {
    return new LogEntry(firstSeq + i, 'info', {
      ...data,
      level: 'info',
      message: `${text} ${firstSeq + i}`,
    } as EventData)
  })
}

/** The last event of an execution. */
export function makeEnd(executionId: string, seq: number, status: ExecutionStatus, figures: object = {}): LogEntry {
  return new LogEntry(seq, 'execution_complete', { executionId, timestamp: TIMESTAMP, status, ...figures } as EventData)
}

/** What a store must keep of an entry. */
export function toStored({ seq, type, json }: StoredEntry): StoredEntry {
  return { seq, type, json }
}

/** Throws unless the entries that are kept have these numbers. */
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
