import type { ExecutionStore } from '../../store/execution-store.ts'
import { expectCode, expectSame } from '../expectations.ts'
import { begin, type Begun, expectSeqs, makeEnd, makeEntries, makeName, type NamedCheck } from '../store-fixtures.ts'

/** Requirements on a store for the removal of executions. */
export const DELETION_CASES: readonly NamedCheck[] = [
  ['a deleted execution is gone whole, its id and key are free', checkDelete],
  ['nothing is written to a deleted execution', checkWrites],
  ['nothing of a deleted execution comes back with a new one of its id', checkLeftovers],
  ['a deletion leaves other executions whole', checkOthers],
  ['a sweep leaves what runs', checkSweep],
]

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
  expectSame('findByKey()', await store.findByKey?.(owner, 'k'), undefined)
  expectSame('read()', await store.read(executionId, 0, 10), [])
  expectSame('getOutput()', await store.getOutput(executionId, 'a'), undefined)
  const listed = await store.list({ owner, limit: 10 })
  expectSame('list()', listed, [{ ...kept.record, status: 'success' }])
  if (store.recent !== undefined) expectSame('recent()', await store.recent({ owner, limit: 10 }), [kept.executionId])
  if (store.summarize !== undefined) expectSame('summarize()', await store.summarize([executionId]), [{}])
  const gone = ['EXECUTION_NOT_FOUND', 'FENCED']
  await expectCode('append()', gone, () => store.append(lease, 2, makeEntries(executionId, 2, 1)))
  await expectCode('claim()', ['EXECUTION_NOT_FOUND'], () => store.claim(executionId))
  expectSame('create() with the same id, owner and key', await store.create(record), undefined)
  expectSame('read() of the new one', await store.read(executionId, 0, 10), [])
}

async function checkWrites(store: ExecutionStore): Promise<void> {
  const { executionId, record, lease } = await begin(store)
  await store.delete(executionId)
  const gone = ['EXECUTION_NOT_FOUND', 'FENCED']
  await expectCode('append()', gone, () => store.append(lease, 1, makeEntries(executionId, 1, 1)))
  await expectCode('putOutput()', gone, () => store.putOutput(lease, 'a', '1'))
  const { secrets } = store
  if (secrets !== undefined) {
    await expectCode('secrets.put()', gone, () => secrets.put(lease, 'a.1', '1'))
    await expectCode('secrets.keep()', gone, () => secrets.keep(lease, []))
  }
  expectSame('get()', await store.get(executionId), undefined)
  await expectFresh(store, { ...record, executionId }, executionId)
}

async function checkLeftovers(store: ExecutionStore): Promise<void> {
  const { executionId, record, lease } = await begin(store, { workflow: '{"name":"old","tasks":[]}' })
  await fill(store, { executionId, record, lease })
  await store.append(lease, 3, [makeEnd(executionId, 3, 'success')])
  await store.delete(executionId)
  await expectFresh(store, { executionId, createdAt: record.createdAt }, executionId)
}

async function checkOthers(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const gone = await begin(store, { owner, idempotencyKey: 'gone' })
  const kept = await begin(store, { owner, idempotencyKey: 'kept' })
  for (const each of [gone, kept]) await fill(store, each)
  await store.delete(gone.executionId)
  await expectSeqs(store, kept.executionId, [1, 2])
  expectSame('getOutput() of another', await store.getOutput(kept.executionId, 'a'), '1')
  if (store.secrets !== undefined)
    expectSame('secrets.get() of another', await store.secrets.get(kept.executionId, 'a.1'), '"s"')
  const again = await store.create({ ...kept.record, executionId: makeName('execution') })
  expectSame('create() with the key of another', again?.executionId, kept.executionId)
  await store.append(kept.lease, 3, makeEntries(kept.executionId, 3, 1))
  await expectSeqs(store, kept.executionId, [1, 2, 3])
}

/** Running, and just ended ones: no retention is so short. */
async function checkSweep(store: ExecutionStore): Promise<void> {
  const running = await begin(store)
  await fill(store, running)
  const ended = await begin(store)
  await fill(store, ended)
  await store.append(ended.lease, 3, [makeEnd(ended.executionId, 3, 'success')])
  const count = await store.sweep()
  expectSame('whether sweep() gives a number', Number.isInteger(count) && count >= 0, true)
  for (const { executionId, seqs, status } of [
    { ...running, seqs: [1, 2], status: 'running' },
    { ...ended, seqs: [1, 2, 3], status: 'success' },
  ]) {
    expectSame('the status after a sweep', (await store.get(executionId))?.status, status)
    await expectSeqs(store, executionId, seqs)
    expectSame('getOutput() after a sweep', await store.getOutput(executionId, 'a'), '1')
  }
  if (store.secrets !== undefined)
    expectSame('secrets.get() after a sweep', await store.secrets.get(running.executionId, 'a.1'), '"s"')
}

/** Two entries, an output and a secret. */
async function fill(store: ExecutionStore, { executionId, lease }: Begun): Promise<void> {
  await store.append(lease, 1, makeEntries(executionId, 1, 2))
  await store.putOutput(lease, 'a', '1')
  await store.secrets?.put(lease, 'a.1', '"s"')
}

/** Creates an execution, and throws if it has anything yet. */
async function expectFresh(store: ExecutionStore, record: Begun['record'], executionId: string): Promise<void> {
  expectSame('create() with the id of a deleted one', await store.create(record), undefined)
  expectSame('get() of the new one', await store.get(executionId), { ...record, status: 'running' })
  expectSame('read() of the new one', await store.read(executionId, 0, 10), [])
  expectSame('getOutput() of the new one', await store.getOutput(executionId, 'a'), undefined)
  if (store.secrets !== undefined)
    expectSame('secrets.get() of the new one', await store.secrets.get(executionId, 'a.1'), undefined)
  if (store.summarize !== undefined && record.workflow === undefined)
    expectSame('summarize() of the new one', await store.summarize([executionId]), [{}])
  const lease = await store.claim(executionId)
  await store.append(lease, 1, makeEntries(executionId, 1, 1))
  await expectSeqs(store, executionId, [1])
}
