import type { EventData, ExecutionStatus } from '../events/events.ts'
import { LogEntry } from '../events/log-entry.ts'
import type { ExecutionRecord, ExecutionStore } from '../store/execution-store.ts'
import type { Lease, StoredEntry } from '../stream/event-log.ts'
import { expectCode, expectSame, settle } from './expectations.ts'

/** One thing that a store must do. */
export interface StoreCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the store does it; rejects with an `Error` that says what was expected and what was found. */
  run(): Promise<void>
}

/** How a store is made for a case: a fresh one each time, or the same one over and over. */
export type CreateStore = () => ExecutionStore | Promise<ExecutionStore>

/**
 * Everything that an `ExecutionStore` must do, in cases for any test runner.
 *
 * Every execution of the suite has ids and owners of its own, so that a store may be shared and need not be empty.
 *
 * @example
 * for (const { name, run } of storeConformance(createMyStore)) test(name, run)
 */
export function storeConformance(createStore: CreateStore): readonly StoreCase[] {
  return CASES.map(([name, check]) => ({
    name,
    run: async () => check(await createStore()),
  }))
}

type Check = (store: ExecutionStore) => Promise<void>

const CASES: readonly (readonly [name: string, check: Check])[] = [
  ['an execution is got as it was created, and runs', checkCreate],
  ['an id is created once', checkUniqueId],
  ['an owner and idempotency key have one execution', checkUniqueKey],
  ['of creations at once with one key exactly one is new', checkCreateRace],
  ['a claim takes the right to append from earlier leases', checkFencing],
  ['of two claims at once one lease appends', checkClaimRace],
  ['what was not created cannot be claimed', checkClaimUnknown],
  ['appended entries are read in order, in pages, from any place', checkPages],
  ['reading never waits for new entries', checkReadEnds],
  ['an append that does not follow is refused whole', checkSeqConflict],
  ['of appends at once for one place exactly one succeeds, whole', checkAppendRace],
  ['executions appended to at once keep their own entries', checkAppendApart],
  ['the JSON of an entry comes back to the byte', checkBytes],
  ['the last event gives the execution its status', checkStatus],
  ['executions are listed oldest first, by owner, in pages', checkList],
  ['outputs are kept beside the log', checkOutputs],
  ['a deleted execution is gone whole, its id and key are free', checkDelete],
  ['a sweep leaves what runs', checkSweep],
]

async function checkCreate(store: ExecutionStore): Promise<void> {
  const plain = makeRecord()
  const full = makeRecord({ owner: makeName('owner'), idempotencyKey: 'a key' })
  for (const record of [plain, full]) {
    expectSame('create()', await store.create(record), undefined)
    expectSame('get()', await store.get(record.executionId), { ...record, status: 'running' })
  }
  expectSame('get() of an unknown execution', await store.get(makeName('unknown')), undefined)
}

async function checkUniqueId(store: ExecutionStore): Promise<void> {
  const record = makeRecord()
  await store.create(record)
  await expectCode('create() with a taken id', ['STORE_FAILED'], () => store.create({ ...record, owner: 'another' }))
  expectSame('get() afterwards', await store.get(record.executionId), { ...record, status: 'running' })
}

async function checkUniqueKey(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const idempotencyKey = makeName('key')
  const first = makeRecord({ owner, idempotencyKey })
  const expected = { ...first, status: 'running' }
  expectSame('create()', await store.create(first), undefined)
  const again = makeRecord({ owner, idempotencyKey })
  expectSame('create() with the same owner and key', await store.create(again), expected)
  expectSame('get() of the execution that was not created', await store.get(again.executionId), undefined)
  const others = [
    makeRecord({ owner, idempotencyKey: makeName('key') }),
    makeRecord({ owner: makeName('owner'), idempotencyKey }),
    makeRecord({ idempotencyKey }),
    makeRecord({ owner }),
    makeRecord({ owner }),
  ]
  for (const other of others) expectSame('create() with another owner or key', await store.create(other), undefined)
}

async function checkCreateRace(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const records = Array.from({ length: 5 }, () => makeRecord({ owner, idempotencyKey: 'once' }))
  const answers = await Promise.all(records.map(async record => store.create(record)))
  const created = records.filter((_, i) => answers[i] === undefined)
  expectSame('how many of 5 create() at once were new', created.length, 1)
  const existing = { ...created[0], status: 'running' }
  expectSame('the other answers', answers.filter(Boolean), [existing, existing, existing, existing])
}

async function checkFencing(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  const later = await store.claim(executionId)
  if (!(later.epoch > lease.epoch)) throw new Error(`claim(): expected an epoch above ${lease.epoch}, found ${later.epoch}`)
  expectSame('the execution of a lease', later.executionId, executionId)
  const entries = makeEntries(executionId, 3, 1)
  await expectCode('append() with an earlier lease', ['FENCED'], () => store.append(lease, 3, entries))
  await expectCode('putOutput() with an earlier lease', ['FENCED'], () => store.putOutput(lease, 'a', '1'))
  await store.append(later, 3, entries)
  await expectCode('append() with an earlier lease', ['FENCED'], () => store.append(lease, 4, entries))
  await expectSeqs(store, executionId, [1, 2, 3])
}

async function checkClaimRace(store: ExecutionStore): Promise<void> {
  const { executionId } = await create(store)
  const leases = await Promise.all([1, 2, 3].map(async () => store.claim(executionId)))
  const epochs = new Set(leases.map(({ epoch }) => epoch))
  expectSame('different epochs of 3 claim() at once', epochs.size, 3)
  const newest = Math.max(...epochs)
  for (const lease of leases) {
    const append = (): unknown => store.append(lease, 1, makeEntries(executionId, 1, 1))
    if (lease.epoch === newest) await append()
    else await expectCode('append() with an earlier lease', ['FENCED'], append)
  }
}

async function checkClaimUnknown(store: ExecutionStore): Promise<void> {
  await expectCode('claim() of an unknown execution', ['EXECUTION_NOT_FOUND'], () => store.claim(makeName('unknown')))
}

async function checkPages(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const entries = makeEntries(executionId, 1, 25)
  await store.append(lease, 1, entries.slice(0, 1))
  await store.append(lease, 2, entries.slice(1, 20))
  await store.append(lease, 21, entries.slice(20))
  const expected = entries.map(toStored)
  for (const limit of [1, 7, 25, 1000]) {
    const found: StoredEntry[] = []
    for (;;) {
      const page = await store.read(executionId, found.length, limit)
      if (page.length > limit) throw new Error(`read(): expected at most ${limit} entries, found ${page.length}`)
      if (page.length === 0) break
      found.push(...page)
    }
    expectSame(`all entries in pages of ${limit}`, found.map(toStored), expected)
  }
  for (const after of [0, 1, 12, 24]) {
    const page = await store.read(executionId, after, 3)
    expectSame(`3 entries after ${after}`, page.map(toStored), expected.slice(after, after + 3))
  }
}

async function checkReadEnds(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  expectSame('read() before the first entry', await store.read(executionId, 0, 10), [])
  await store.append(lease, 1, makeEntries(executionId, 1, 3))
  expectSame('read() at the end', await store.read(executionId, 3, 10), [])
  expectSame('read() beyond the end', await store.read(executionId, 300, 10), [])
  expectSame('read() of an unknown execution', await store.read(makeName('unknown'), 0, 10), [])
}

async function checkSeqConflict(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const refuse = (from: number): Promise<void> =>
    expectCode(`append() from ${from}`, ['SEQ_CONFLICT'], () =>
      store.append(lease, from, makeEntries(executionId, from, 3)),
    )
  await refuse(2)
  await expectSeqs(store, executionId, [])
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  await refuse(1)
  await refuse(2)
  await refuse(4)
  await expectSeqs(store, executionId, [1, 2])
  await store.append(lease, 3, makeEntries(executionId, 3, 1))
  await expectSeqs(store, executionId, [1, 2, 3])
}

async function checkAppendRace(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const batches = ['a', 'b', 'c', 'd'].map(text => makeEntries(executionId, 1, 5, text))
  const answers = await Promise.all(batches.map(batch => settle(() => store.append(lease, 1, batch))))
  const won = batches.filter((_, i) => !('error' in (answers[i] as object)))
  expectSame('how many of 4 append() at once for one place succeeded', won.length, 1)
  const codes = answers.flatMap(answer => ('error' in answer ? [(answer.error as { code?: unknown }).code] : []))
  expectSame('the codes of the others', codes, ['SEQ_CONFLICT', 'SEQ_CONFLICT', 'SEQ_CONFLICT'])
  expectSame('what is read', (await store.read(executionId, 0, 100)).map(toStored), won[0]?.map(toStored))
}

async function checkAppendApart(store: ExecutionStore): Promise<void> {
  const begun = await Promise.all(Array.from({ length: 5 }, () => begin(store)))
  const write = async ({ executionId, lease }: Begun): Promise<void> => {
    for (let seq = 1; seq <= 9; seq += 3) await store.append(lease, seq, makeEntries(executionId, seq, 3))
  }
  await Promise.all(begun.map(write))
  for (const { executionId } of begun) {
    const found = await store.read(executionId, 0, 100)
    expectSame('what is read', found.map(toStored), makeEntries(executionId, 1, 9).map(toStored))
  }
}

async function checkBytes(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const texts = [
    '{"output":{"__proto__":{"polluted":true},"constructor":1}}',
    '{"text":"żółć 🧵 漢字 \u2028 \u2029 \u00a0 \u0007"}',
    '{"text":"\\ud800 \\u0000 \\r\\n \\"\\\\"}',
    '{ "spaces" : [ 1.0, 1e3, -0, 0.1000 ] , "b":1, "a":2, "a":3 }',
    `{"text":"${'long '.repeat(20_000)}"}`,
    '{}',
  ]
  const types = ['task_complete', 'token', 'info', 'token_usage', 'task_complete', 'task_progress'] as const
  const data: EventData = { executionId, timestamp: TIMESTAMP }
  const entries = texts.map((json, i) => new LogEntry(i + 1, types[i] as LogEntry['type'], data, json))
  await store.append(lease, 1, entries)
  const found = await store.read(executionId, 0, 100)
  expectSame('what is read', found.map(toStored), entries.map(toStored))
  await store.putOutput(lease, '__proto__', texts[1] as string)
  await store.putOutput(lease, 'constructor', texts[2] as string)
  expectSame('the output of `__proto__`', await store.getOutput(executionId, '__proto__'), texts[1])
  expectSame('the output of `constructor`', await store.getOutput(executionId, 'constructor'), texts[2])
  expectSame('the output of `toString`', await store.getOutput(executionId, 'toString'), undefined)
}

async function checkStatus(store: ExecutionStore): Promise<void> {
  for (const status of ['success', 'partial', 'error', 'cancelled'] as const) {
    const { executionId, record, lease } = await begin(store, { owner: makeName('owner') })
    await store.append(lease, 1, makeEntries(executionId, 1, 2))
    expectSame('the status before the last event', (await store.get(executionId))?.status, 'running')
    await store.append(lease, 3, [...makeEntries(executionId, 3, 1), makeEnd(executionId, 4, status)])
    const expected = { ...record, status }
    expectSame('get() after the last event', await store.get(executionId), expected)
    const listed = await store.list({ owner: record.owner as string, limit: 10 })
    expectSame('list() after the last event', listed, [expected])
  }
}

async function checkList(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const records: ExecutionRecord[] = []
  for (let i = 0; i < 5; i++) {
    // The same moment for some: the order of creation counts.
    const createdAt = new Date(Date.UTC(2026, 0, 1) + Math.floor(i / 2)).toISOString()
    records.push((await create(store, { owner, createdAt })).record)
    await create(store, { owner: makeName('another') })
  }
  const expected = records.map(record => ({ ...record, status: 'running' }))
  expectSame('list() of an owner', await store.list({ owner, limit: 100 }), expected)
  expectSame('the first 2', await store.list({ owner, limit: 2 }), expected.slice(0, 2))
  for (const [i, { executionId }] of records.entries()) {
    const page = await store.list({ owner, after: executionId, limit: 2 })
    expectSame(`2 after number ${i + 1}`, page, expected.slice(i + 1, i + 3))
  }
  expectSame('list() of an unknown owner', await store.list({ owner: makeName('unknown'), limit: 10 }), [])
  const after = (records[3] as ExecutionRecord).executionId
  const ids = (await store.list({ after, limit: 100 })).map(({ executionId }) => executionId)
  expectSame('whether list() of all owners has another owner and the last', ids.length >= 2, true)
  expectSame('whether it begins behind `after`', ids.includes(after), false)
  expectSame('whether it has the last', ids.includes((records[4] as ExecutionRecord).executionId), true)
}

async function checkOutputs(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const other = await begin(store)
  expectSame('getOutput() before', await store.getOutput(executionId, 'a'), undefined)
  await store.putOutput(lease, 'a', '{"n":1}')
  await store.putOutput(lease, 'b', 'null')
  await store.putOutput(lease, 'a', '{"n":2}')
  expectSame('getOutput() of what was put twice', await store.getOutput(executionId, 'a'), '{"n":2}')
  expectSame('getOutput() of another task', await store.getOutput(executionId, 'b'), 'null')
  expectSame('getOutput() of another execution', await store.getOutput(other.executionId, 'a'), undefined)
  expectSame('getOutput() of an unknown execution', await store.getOutput(makeName('unknown'), 'a'), undefined)
  await expectSeqs(store, executionId, [])
}

async function checkDelete(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const { executionId, record, lease } = await begin(store, { owner, idempotencyKey: 'k' })
  const kept = await begin(store, { owner })
  for (const each of [lease, kept.lease]) {
    await store.append(each, 1, [makeEnd(each.executionId, 1, 'success')])
    await store.putOutput(each, 'a', '1')
  }
  expectSame('delete()', await store.delete(executionId), true)
  expectSame('delete() again', await store.delete(executionId), false)
  expectSame('get()', await store.get(executionId), undefined)
  expectSame('read()', await store.read(executionId, 0, 10), [])
  expectSame('getOutput()', await store.getOutput(executionId, 'a'), undefined)
  const listed = await store.list({ owner, limit: 10 })
  expectSame('list()', listed, [{ ...kept.record, status: 'success' }])
  expectSame('getOutput() of another execution', await store.getOutput(kept.executionId, 'a'), '1')
  const gone = ['EXECUTION_NOT_FOUND', 'FENCED']
  await expectCode('append()', gone, () => store.append(lease, 2, makeEntries(executionId, 2, 1)))
  await expectCode('claim()', ['EXECUTION_NOT_FOUND'], () => store.claim(executionId))
  expectSame('create() with the same id, owner and key', await store.create(record), undefined)
  expectSame('read() of the new one', await store.read(executionId, 0, 10), [])
}

async function checkSweep(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  const count = await store.sweep()
  expectSame('whether sweep() gives a number', Number.isInteger(count) && count >= 0, true)
  expectSame('the status of what runs', (await store.get(executionId))?.status, 'running')
  await expectSeqs(store, executionId, [1, 2])
}

interface Begun {
  readonly executionId: string
  readonly record: ExecutionRecord
  readonly lease: Lease
}

const TIMESTAMP = '2026-01-01T00:00:00.000Z'

function makeName(kind: string): string {
  return `${kind}-${globalThis.crypto.randomUUID()}`
}

function makeRecord(more: Partial<ExecutionRecord> = {}): ExecutionRecord {
  return { executionId: makeName('execution'), createdAt: TIMESTAMP, ...more }
}

async function create(
  store: ExecutionStore,
  more: Partial<ExecutionRecord> = {},
): Promise<{ executionId: string; record: ExecutionRecord }> {
  const record = makeRecord(more)
  expectSame('create()', await store.create(record), undefined)
  return { executionId: record.executionId, record }
}

async function begin(store: ExecutionStore, more: Partial<ExecutionRecord> = {}): Promise<Begun> {
  const created = await create(store, more)
  return { ...created, lease: await store.claim(created.executionId) }
}

function makeEntries(executionId: string, firstSeq: number, count: number, text = 'entry'): LogEntry[] {
  const data: EventData = { executionId, timestamp: TIMESTAMP }
  return Array.from({ length: count }, (_, i) => {
    return new LogEntry(firstSeq + i, 'info', { ...data, level: 'info', message: `${text} ${firstSeq + i}` } as EventData)
  })
}

function makeEnd(executionId: string, seq: number, status: ExecutionStatus): LogEntry {
  return new LogEntry(seq, 'execution_complete', { executionId, timestamp: TIMESTAMP, status } as EventData)
}

function toStored({ seq, type, json }: StoredEntry): StoredEntry {
  return { seq, type, json }
}

async function expectSeqs(store: ExecutionStore, executionId: string, expected: readonly number[]): Promise<void> {
  const found = await store.read(executionId, 0, 1000)
  expectSame('the entries that are kept', found.map(toStored).map(({ seq }) => seq), expected)
}
