import { LogEntry } from '../../events/log-entry.ts'
import { expectCode, expectSame } from '../expectations.ts'
import {
  claimAll,
  Coordinated,
  coordinate,
  hold,
  LONG_MS,
  makeMessages,
  SHORT_MS,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeEnd, makeEntries, makeName, makeRecord, TIMESTAMP } from '../store-fixtures.ts'

/** Requirements on leases that change hands. */
export const TAKEOVER_CASES: readonly SharedCheck[] = [
  ['a lease expires after its time, however it was claimed', checkTimes],
  ['of creations at once with one key one is claimed', checkCreateRace],
  ['free executions are claimed oldest first', checkAge],
  ['an execution that was parked and resumed is free', checkResumed],
  ['a lease that was taken over writes nothing', checkFencing],
  ['an earlier lease of the same holder writes nothing, and is released without effect', checkOwnClaim],
  ['a renewal extends the leases of its holder alone', checkRenewal],
  ['messages wait for the next holder, and its workers go on', checkMessages],
  ['a deleted execution has no holder and is not free', checkDeleted],
]

async function checkTimes(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const holder = makeName('server')
  const created = await coordinate(rig, { ttlMs: SHORT_MS })
  const claimed = await coordinate(rig)
  await leases.release(claimed.lease)
  await leases.claim(holder, claimed.executionId, SHORT_MS)
  const free = await coordinate(rig)
  await leases.release(free.lease)
  expectSame(
    'claimFree()',
    await claimAll(rig, makeName('server'), [free.executionId], { limit: 1000, ttlMs: SHORT_MS }),
    [free.executionId],
  )
  const renewed = await coordinate(rig)
  await leases.renew(renewed.holder, SHORT_MS)
  const all = { created, claimed, free, renewed }
  for (const [how, { executionId }] of Object.entries(all))
    expectSame(
      `whether a lease has a holder at first: ${how}`,
      (await leases.findHolder(executionId)) === undefined,
      false,
    )
  await rig.wait(1.5 * SHORT_MS)
  for (const [how, { executionId }] of Object.entries(all))
    expectSame(`findHolder() after the time: ${how}`, await leases.findHolder(executionId), undefined)
}

async function checkCreateRace({ store }: SharedRig): Promise<void> {
  const owner = makeName('owner')
  const records = Array.from({ length: 5 }, () => makeRecord({ owner, idempotencyKey: 'once' }))
  const answers = await Promise.all(records.map(record => store.leases.create(makeName('server'), record, LONG_MS)))
  const leases = answers.flatMap(({ lease }) => lease ?? [])
  expectSame('how many of 5 create() at once have a lease', leases.length, 1)
  const ids = answers.map(({ lease, existing }) => (lease ?? existing)?.executionId)
  expectSame('how many executions they name', new Set(ids).size, 1)
}

async function checkAge(rig: SharedRig): Promise<void> {
  const { store } = rig
  const ids: string[] = []
  for (const second of [3, 1, 2]) {
    const record = makeRecord({ createdAt: `2026-01-01T00:00:0${second}.000Z` })
    const { lease } = await store.leases.create(makeName('server'), record, LONG_MS)
    if (lease !== undefined) await store.leases.release(lease)
    ids.push(record.executionId)
  }
  const found = await claimAll(rig, makeName('server'), ids, { limit: 1 })
  expectSame('claimFree()', found, [ids[1], ids[2], ids[0]])
}

async function checkResumed(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const { executionId, lease } = execution
  const head = { executionId, timestamp: TIMESTAMP }
  await execution.commit(
    [new LogEntry(1, 'execution_parked', { ...head, code: 'CRASH_LIMIT', message: '', tasks: [] })],
    {},
  )
  await execution.commit([new LogEntry(2, 'execution_resumed', { ...head, cause: 'manual', executionTimeMs: 0 })], {})
  await rig.store.leases.release(lease)
  expectSame('claimFree()', await claimAll(rig, makeName('server'), [executionId]), [executionId])
}

async function checkFencing(rig: SharedRig): Promise<void> {
  const { store } = rig
  const execution = await coordinate(rig)
  const { executionId, lease } = execution
  await store.leases.release(lease)
  const later = await store.leases.claim(makeName('server'), executionId, LONG_MS)
  if (later === undefined) throw new Error('claim() of a released execution: expected a lease, found undefined')
  if (!(later.epoch > lease.epoch))
    throw new Error(`claim(): expected an epoch above ${lease.epoch}, found ${later.epoch}`)
  await expectFenced(rig, execution)
  await store.putOutput(later, 'a', '2')
  await new Coordinated(store, execution.holder, later, undefined).commit(makeEntries(executionId, 1, 1), {})
}

/** The lease of the execution has no right any more. */
async function expectFenced({ store }: SharedRig, { executionId, lease }: Coordinated): Promise<void> {
  const round = { orders: [], consumed: [], replies: [] }
  await expectCode('append()', ['FENCED'], () => store.append(lease, 1, makeEntries(executionId, 1, 1)))
  await expectCode('append() of the end', ['FENCED'], () => store.append(lease, 1, [makeEnd(executionId, 1, 'error')]))
  await expectCode('commit()', ['FENCED'], () => store.commit(lease, 1, makeEntries(executionId, 1, 1), round))
  await expectCode('commit() without entries', ['FENCED'], () => store.commit(lease, 1, [], round))
  await expectCode('putOutput()', ['FENCED'], () => store.putOutput(lease, 'a', '1'))
  const { secrets } = store
  if (secrets !== undefined) {
    await expectCode('secrets.put()', ['FENCED'], () => secrets.put(lease, 'a.1', '1'))
    await expectCode('secrets.keep()', ['FENCED'], () => secrets.keep(lease, []))
  }
  expectSame('read()', await store.read(executionId, 0, 10), [])
  expectSame('getOutput()', await store.getOutput(executionId, 'a'), undefined)
  expectSame('the status', (await store.get(executionId))?.status, 'running')
}

async function checkOwnClaim(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const execution = await coordinate(rig)
  const { executionId, holder, lease } = execution
  const later = await leases.claim(holder, executionId, LONG_MS)
  if (later === undefined || !(later.epoch > lease.epoch))
    throw new Error(`claim() of its holder: expected an epoch above ${lease.epoch}, found ${later?.epoch}`)
  await expectFenced(rig, execution)
  await leases.release(lease)
  expectSame('findHolder() after an earlier lease was released', await leases.findHolder(executionId), holder)
  await leases.release(later)
  expectSame('findHolder() after the last lease was released', await leases.findHolder(executionId), undefined)
}

async function checkRenewal(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const [one, other] = [await coordinate(rig, { ttlMs: SHORT_MS }), await coordinate(rig, { ttlMs: SHORT_MS })]
  const second = await coordinate(rig, { ttlMs: SHORT_MS, holder: one.holder })
  const renewed = await leases.renew(one.holder, LONG_MS)
  expectSame('renew()', renewed.toSorted(), [one.executionId, second.executionId].toSorted())
  await rig.wait(1.5 * SHORT_MS)
  const holders = await Promise.all([one, second, other].map(({ executionId }) => leases.findHolder(executionId)))
  expectSame('findHolder() of its executions, and of that of another', holders, [one.holder, one.holder, undefined])
}

async function checkMessages(rig: SharedRig): Promise<void> {
  const { store } = rig
  const { execution, worker } = await hold(rig)
  const { executionId, holder, lastSeq } = execution
  const [first, last] = makeMessages(execution.key('a'), [{ type: 'token', text: '1' }, succeed()])
  if (first === undefined || last === undefined) return
  await store.inbox.post(worker, [first])
  await store.leases.release(execution.lease)
  const next = makeName('server')
  const lease = await store.leases.claim(next, executionId, LONG_MS)
  if (lease === undefined) throw new Error('claim() of a released execution: expected a lease, found undefined')
  expectSame('listWaiting() of the earlier holder', await store.inbox.listWaiting(holder), [])
  expectSame('listWaiting() of the next holder', await store.inbox.listWaiting(next), [executionId])
  expectSame('post()', await store.inbox.post(worker, [last]), [true])
  expectSame('the messages', await execution.messages(), [first, last])
  const later = new Coordinated(store, next, lease, undefined)
  later.lastSeq = lastSeq
  await later.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  expectSame('the messages once they are consumed', await execution.messages(), [])
}

async function checkDeleted(rig: SharedRig): Promise<void> {
  const { store } = rig
  const { executionId, holder } = await coordinate(rig)
  await store.delete(executionId)
  expectSame('findHolder()', await store.leases.findHolder(executionId), undefined)
  expectSame('renew()', await store.leases.renew(holder, LONG_MS), [])
  expectSame('claimFree()', await claimAll(rig, makeName('server'), [executionId]), [])
  await expectCode('claim()', ['EXECUTION_NOT_FOUND'], () => store.leases.claim(holder, executionId, LONG_MS))
}
