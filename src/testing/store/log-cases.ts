import { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { StoredEntry } from '../../log/stored-entry.ts'
import { expectCode, expectSame, settle } from '../expectations.ts'
import {
  type Begun,
  begin,
  create,
  expectSeqs,
  makeEnd,
  makeEntries,
  makeName,
  type NamedCheck,
  TIMESTAMP,
  toStored,
} from '../store-fixtures.ts'

/** Requirements on a store for leases and logs. */
export const LOG_CASES: readonly NamedCheck[] = [
  ['a claim takes the right to append from earlier leases', checkFencing],
  ['of two claims at once one lease appends', checkClaimRace],
  ['what was not created cannot be claimed', checkClaimUnknown],
  ['appended entries are read in order, in pages, from any place', checkPages],
  ['a long append is written whole', checkLong],
  ['reading never waits for new entries', checkReadEnds],
  ['an append that does not follow is refused whole', checkSeqConflict],
  ['an end that is refused ends nothing', checkRefusedEnd],
  ['of appends at once for one place exactly one succeeds, whole', checkAppendRace],
  ['executions appended to at once keep their own entries', checkAppendApart],
  ['the JSON of an entry comes back to the byte', checkBytes],
  ['the last event gives the execution its status', checkStatus],
]

async function checkFencing(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  const later = await store.claim(executionId)
  if (!(later.epoch > lease.epoch))
    throw new Error(`claim(): expected an epoch above ${lease.epoch}, found ${later.epoch}`)
  expectSame('the execution of a lease', later.executionId, executionId)
  const entries = makeEntries(executionId, 3, 1)
  await expectCode('append() with an earlier lease', ['FENCED'], () => store.append(lease, 3, entries))
  await expectCode('putOutput() with an earlier lease', ['FENCED'], () => store.putOutput(lease, 'a', '1'))
  expectSame('getOutput() after a refusal', await store.getOutput(executionId, 'a'), undefined)
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
      if (found.length > expected.length) break
    }
    expectSame(`all entries in pages of ${limit}`, found.map(toStored), expected)
  }
  for (const after of [0, 1, 12, 24]) {
    const page = await store.read(executionId, after, 3)
    expectSame(`3 entries after ${after}`, page.map(toStored), expected.slice(after, after + 3))
  }
}

async function checkLong(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const count = 5000
  await store.append(lease, 1, makeEntries(executionId, 1, count))
  let last = 0
  for (let page = 0; page < count; page++) {
    const found = await store.read(executionId, last, 1024)
    if (found.length === 0) break
    for (const { seq } of found) {
      if (seq !== last + 1) throw new Error(`read(): expected entry ${last + 1}, found ${seq}`)
      last = seq
    }
  }
  expectSame('the last entry', last, count)
}

async function checkReadEnds(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  expectSame('read() before the first entry', await store.read(executionId, 0, 10), [])
  await store.append(lease, 1, makeEntries(executionId, 1, 3))
  expectSame('read() at the end', await store.read(executionId, 3, 10), [])
  expectSame('read() beyond the end', await store.read(executionId, 300, 10), [])
  expectSame('the number of entries of 2 read() at once', await readTwice(store, executionId), [3, 3])
  expectSame('read() of an unknown execution', await store.read(makeName('unknown'), 0, 10), [])
}

async function readTwice(store: ExecutionStore, executionId: string): Promise<number[]> {
  const pages = await Promise.all([store.read(executionId, 0, 10), store.read(executionId, 0, 10)])
  return pages.map(({ length }) => length)
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

/** The last event among what is refused must not end the execution. */
async function checkRefusedEnd(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const { executionId, record, lease } = await begin(store, { owner })
  const end = (seq: number): LogEntry[] => [...makeEntries(executionId, seq, 1), makeEnd(executionId, seq + 1, 'error')]
  await expectCode('append() from 2', ['SEQ_CONFLICT'], () => store.append(lease, 2, end(2)))
  const later = await store.claim(executionId)
  await expectCode('append() with an earlier lease', ['FENCED'], () => store.append(lease, 1, end(1)))
  const expected = { ...record, status: 'running' }
  expectSame('get()', await store.get(executionId), expected)
  expectSame('list()', await store.list({ owner, limit: 10 }), [expected])
  await store.append(later, 1, makeEntries(executionId, 1, 1))
  await expectSeqs(store, executionId, [1])
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
    '{"text":"żółć 🧵 漢字 \u2028 \u2029 \u00a0 \u007f"}',
    '{"text":"\\ud800 \\u0000 \\r\\n \\"\\\\"}',
    '{"n":[9007199254740993,0.10,1e400,123456789012345678901234567890]}',
    '{ "spaces" : [ 1.0, 1e3, -0, 0.1000 ] , "b":1, "a":2, "a":3 }',
    `{"text":"${'long '.repeat(20_000)}"}`,
    '{}',
  ]
  const types = ['task_complete', 'token', 'info', 'token_usage', 'task_complete', 'task_progress', 'info'] as const
  // Only the JSON of an entry is kept.
  const data = { executionId, timestamp: TIMESTAMP, level: 'info', message: '', text: '' } as const
  const entries = texts.map((json, i) => new LogEntry(i + 1, types[i] as 'info', data, json))
  await store.append(lease, 1, entries)
  const found = await store.read(executionId, 0, 100)
  expectSame('what is read', found.map(toStored), entries.map(toStored))
  await store.putOutput(lease, '__proto__', texts[1] as string)
  await store.putOutput(lease, 'constructor', texts[2] as string)
  // The output of the workflow has no task.
  await store.putOutput(lease, '', texts[3] as string)
  for (const [i, json] of texts.entries()) await store.putOutput(lease, `task ${i} é/"[1]`, json)
  expectSame('the output of `__proto__`', await store.getOutput(executionId, '__proto__'), texts[1])
  expectSame('the output of `constructor`', await store.getOutput(executionId, 'constructor'), texts[2])
  expectSame('the output of the workflow', await store.getOutput(executionId, ''), texts[3])
  for (const [i, json] of texts.entries())
    expectSame('an output', await store.getOutput(executionId, `task ${i} é/"[1]`), json)
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
