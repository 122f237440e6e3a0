import type { ExecutionStore } from '../../store/execution-store.ts'
import type { StoredEntry } from '../../log/stored-entry.ts'
import { expectSame } from '../expectations.ts'
import { begin, makeEnd, makeEntries, makeName, makeRecord, type NamedCheck, toStored } from '../store-fixtures.ts'

/** Requirements on a store for objects that it shares with its callers. */
export const SNAPSHOT_CASES: readonly NamedCheck[] = [
  ['a page that was read stays as it is while more is appended', checkPage],
  ['an execution that was got or listed stays as it is while it goes on', checkExecution],
  ['a list of entries and a record belong to their caller again once they are written', checkArguments],
  ['the state of evicted entries ends where the log begins, and belongs to its caller', checkBase],
]

async function checkPage(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  const page = await store.read(executionId, 0, 100)
  const before = page.map(toStored)
  await store.append(lease, 3, makeEntries(executionId, 3, 2))
  expectSame('the page that was read before an append', page.map(toStored), before)
}

async function checkExecution(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const { executionId, record, lease } = await begin(store, { owner })
  const got = await store.get(executionId)
  const listed = await store.list({ owner, limit: 10 })
  await store.append(lease, 1, [makeEnd(executionId, 1, 'success')])
  const expected = { ...record, status: 'running' }
  expectSame('what get() returned before the end', got, expected)
  expectSame('what list() returned before the end', listed, [expected])
}

async function checkArguments(store: ExecutionStore): Promise<void> {
  const record = { ...makeRecord({ owner: makeName('owner') }) }
  const { executionId } = record
  const expected = { ...record, status: 'running' }
  await store.create(record)
  record.createdAt = '2000-01-01T00:00:00.000Z'
  expectSame('get() after its caller changed the record', await store.get(executionId), expected)
  const lease = await store.claim(executionId)
  const entries = makeEntries(executionId, 1, 2)
  const stored = entries.map(toStored)
  await store.append(lease, 1, entries)
  entries.length = 0
  const expectStored = async (what: string, all: readonly StoredEntry[]): Promise<void> =>
    expectSame(what, (await store.read(executionId, 0, 100)).map(toStored), all)
  await expectStored('read() after its caller emptied the list', stored)
  entries.push(...makeEntries(executionId, 3, 1))
  await store.append(lease, 3, entries)
  await expectStored('read() after another append of the same list', [...stored, ...entries.map(toStored)])
}

/** Only for a store that evicts entries. */
async function checkBase(store: ExecutionStore): Promise<void> {
  if (store.readBase === undefined) return
  const { executionId, lease } = await begin(store)
  const text = 'x'.repeat(1024 * 1024)
  for (let seq = 1; seq <= 24; seq += 4) await store.append(lease, seq, makeEntries(executionId, seq, 4, text))
  const base = await store.readBase(executionId)
  const seq = base?.seq ?? 0
  const found = (await store.read(executionId, seq, 1000)).map(entry => entry.seq)
  const expected = Array.from({ length: 24 - seq }, (_, i) => seq + 1 + i)
  expectSame('the seqs behind readBase()', found, expected)
  if (base !== undefined) (base as { seq: number }).seq = -1
  expectSame('readBase() after its caller changed it', (await store.readBase(executionId))?.seq ?? 0, seq)
  expectSame('readBase() of an unknown execution', await store.readBase(makeName('unknown')), undefined)
}
