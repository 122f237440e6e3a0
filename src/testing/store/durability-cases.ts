import { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { expectCode, expectSame } from '../expectations.ts'
import {
  begin,
  create,
  expectSeqs,
  makeEnd,
  makeEntries,
  makeName,
  makeRecord,
  TIMESTAMP,
  toStored,
} from '../store-fixtures.ts'

/** Ends the process that has a store open, and opens its data as another process does. */
export type Reopen = (store: ExecutionStore) => ExecutionStore | Promise<ExecutionStore>

/** A sentence of behaviour with its check, which throws if a store violates it. */
export type DurabilityCheck = readonly [name: string, check: (store: ExecutionStore, reopen: Reopen) => Promise<void>]

/** Requirements on a store that outlives its process. */
export const DURABILITY_CASES: readonly DurabilityCheck[] = [
  ['what was acknowledged is there after the end of its process', checkKept],
  ['what was removed is gone after the end of its process', checkRemoved],
  ['a lease of an earlier process is fenced off by a claim of the next one', checkFencing],
  ['executions that were running are interrupted after the end of their process, the oldest first', checkInterrupted],
]

async function checkKept(store: ExecutionStore, reopen: Reopen): Promise<void> {
  const identity = { owner: makeName('owner'), idempotencyKey: 'key' }
  const { executionId, record, lease } = await begin(store, { ...identity, input: '{"n":1.0}' })
  const parked = { code: 'CRASH_LIMIT', message: 'é', tasks: ['a'] } as const
  const head = { executionId, timestamp: TIMESTAMP }
  const entries = [
    ...makeEntries(executionId, 1, 2, 'é 🧵 \u0000'),
    new LogEntry(3, 'execution_stopping', { ...head, message: 'Enough' }),
    new LogEntry(4, 'execution_parked', { ...head, ...parked }),
  ]
  await store.append(lease, 1, entries)
  await store.putOutput(lease, 'a', '{"b":1.0,"a":"\\u0000"}')
  await store.secrets?.put(lease, 'a.1', '"secret"')
  const memory = { key: 'd'.repeat(64), owner: identity.owner }
  const remembered = { executionId, taskId: 'a', output: '1.0' }
  await store.remember?.(memory, remembered)
  const ended = await begin(store, { owner: identity.owner, createdAt: '2027-01-01T00:00:00.000Z' })
  await store.append(ended.lease, 1, [makeEnd(ended.executionId, 1, 'partial')])

  const next = await reopen(store)
  const expected = { ...record, status: 'running', parked, isStopping: true }
  expectSame('get()', await next.get(executionId), expected)
  expectSame('get() of an ended one', await next.get(ended.executionId), { ...ended.record, status: 'partial' })
  const ids = (await next.list({ owner: identity.owner, limit: 10 })).map(each => each.executionId)
  expectSame('list()', ids, [executionId, ended.executionId])
  expectSame('read()', (await next.read(executionId, 0, 100)).map(toStored), entries.map(toStored))
  expectSame('getOutput()', await next.getOutput(executionId, 'a'), '{"b":1.0,"a":"\\u0000"}')
  if (store.secrets !== undefined) expectSame('secrets.get()', await next.secrets?.get(executionId, 'a.1'), '"secret"')
  if (store.recall !== undefined) expectSame('recall()', await next.recall?.(memory, 1e9), remembered)
  const again = await next.create(makeRecord(identity))
  expectSame('the execution that create() with the same key finds', again?.executionId, executionId)
}

async function checkRemoved(store: ExecutionStore, reopen: Reopen): Promise<void> {
  const gone = await begin(store)
  const { executionId, lease } = await begin(store)
  await store.putOutput(gone.lease, 'a', '1')
  await store.append(gone.lease, 1, makeEntries(gone.executionId, 1, 1))
  await store.delete(gone.executionId)
  await store.secrets?.put(lease, 'a.1', '1')
  await store.secrets?.put(lease, 'a.2', '2')
  await store.secrets?.keep(lease, ['a.2'])
  const next = await reopen(store)
  expectSame('get()', await next.get(gone.executionId), undefined)
  expectSame('read()', await next.read(gone.executionId, 0, 10), [])
  expectSame('getOutput()', await next.getOutput(gone.executionId, 'a'), undefined)
  const { secrets } = next
  if (secrets === undefined) return
  const found = [await secrets.get(executionId, 'a.1'), await secrets.get(executionId, 'a.2')]
  expectSame('the secrets', found, [undefined, '2'])
}

async function checkFencing(store: ExecutionStore, reopen: Reopen): Promise<void> {
  const { executionId, lease } = await begin(store)
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  const next = await reopen(store)
  const later = await next.claim(executionId)
  if (!(later.epoch > lease.epoch))
    throw new Error(`claim(): expected an epoch above ${lease.epoch}, found ${later.epoch}`)
  const entries = makeEntries(executionId, 3, 1)
  await expectCode('append() with an earlier lease', ['FENCED'], () => next.append(lease, 3, entries))
  await expectCode('append() from 1', ['SEQ_CONFLICT'], () => next.append(later, 1, makeEntries(executionId, 1, 1)))
  await next.append(later, 3, entries)
  await expectSeqs(next, executionId, [1, 2, 3])
}

/** Only for a store that knows them. */
async function checkInterrupted(store: ExecutionStore, reopen: Reopen): Promise<void> {
  if (store.interrupted === undefined) return
  const at = (second: number): { createdAt: string } => ({ createdAt: `2026-01-01T00:00:0${second}.000Z` })
  const [late, early, claimed] = [await begin(store, at(3)), await begin(store, at(1)), await begin(store, at(2))]
  const ended = await begin(store)
  const waiting = await create(store)
  await store.append(early.lease, 1, makeEntries(early.executionId, 1, 1))
  await store.append(ended.lease, 1, [makeEnd(ended.executionId, 1, 'success')])
  const next = await reopen(store)
  const own = [late, early, claimed, ended, waiting].map(({ executionId }) => executionId)
  const find = async (): Promise<readonly string[]> => {
    const ids = ((await next.interrupted?.()) ?? []).map(({ executionId }) => executionId)
    return ids.filter(id => own.includes(id))
  }
  expectSame('interrupted()', await find(), [early.executionId, claimed.executionId, late.executionId])
  await next.claim(claimed.executionId)
  expectSame('interrupted() after a claim', await find(), [early.executionId, late.executionId])
}
