import { LogEntry } from '../../events/log-entry.ts'
import { expectCode, expectSame } from '../expectations.ts'
import { claimAll, coordinate, LONG_MS, SHORT_MS, type SharedCheck, type SharedRig } from '../shared-fixtures.ts'
import { create, makeEnd, makeEntries, makeName, makeRecord, TIMESTAMP } from '../store-fixtures.ts'

/** Requirements on leases of executions. */
export const LEASE_CASES: readonly SharedCheck[] = [
  ['an execution is created and claimed at once', checkCreate],
  ['an execution has one living holder', checkClaim],
  ['a lease that is not renewed is free, and fenced off by its next claim', checkExpiry],
  ['of claims at once one succeeds', checkRace],
  ['a lease that is released is free at once', checkRelease],
  ['free are only executions that run', checkFree],
  ['of free executions those that were released are claimed alone', checkReleased],
]

async function checkCreate({ store }: SharedRig): Promise<void> {
  const { leases } = store
  const holder = makeName('server')
  const record = makeRecord({ owner: makeName('owner'), idempotencyKey: 'key' })
  const { lease, existing } = await leases.create(holder, record, LONG_MS)
  expectSame('the existing execution', existing, undefined)
  expectSame('the execution of the lease', lease?.executionId, record.executionId)
  expectSame('findHolder()', await leases.findHolder(record.executionId), holder)
  const again = await leases.create(makeName('server'), { ...record, executionId: makeName('execution') }, LONG_MS)
  expectSame('create() with the same key', again, { existing: { ...record, status: 'running' } })
  expectSame('findHolder()', await leases.findHolder(record.executionId), holder)
  await expectCode('create() with a taken id', ['STORE_FAILED'], () =>
    leases.create(holder, { ...record, owner: makeName('owner') }, LONG_MS),
  )
}

async function checkClaim(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const execution = await coordinate(rig)
  const { executionId, holder } = execution
  const other = makeName('server')
  expectSame('claim() of another', await leases.claim(other, executionId, LONG_MS), undefined)
  expectSame('claimFree()', await claimAll(rig, other, [executionId]), [])
  expectSame('renew()', await leases.renew(holder, LONG_MS), [executionId])
  expectSame('renew() of another', await leases.renew(makeName('server'), LONG_MS), [])
  await execution.commit(makeEntries(executionId, 1, 1), {})
  await expectCode('claim() of an unknown execution', ['EXECUTION_NOT_FOUND'], () =>
    leases.claim(holder, makeName('unknown'), LONG_MS),
  )
  expectSame('findHolder() of an unknown execution', await leases.findHolder(makeName('unknown')), undefined)
}

async function checkExpiry(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const execution = await coordinate(rig, { ttlMs: SHORT_MS })
  const { executionId, holder, lease } = execution
  const other = makeName('server')
  await leases.renew(holder, 3 * SHORT_MS)
  await rig.wait(1.5 * SHORT_MS)
  expectSame('claimFree() after a renewal', await claimAll(rig, other, [executionId]), [])
  await rig.wait(2 * SHORT_MS)
  expectSame('findHolder() after the time', await leases.findHolder(executionId), undefined)
  expectSame('claimFree() after the time', await claimAll(rig, other, [executionId]), [executionId])
  expectSame('findHolder()', await leases.findHolder(executionId), other)
  const commit = (): Promise<void> => execution.commit(makeEntries(executionId, 1, 1), {})
  await expectCode('commit() of the earlier holder', ['FENCED'], commit)
  expectSame('renew() of the earlier holder', await leases.renew(holder, LONG_MS), [])
  await leases.release(lease)
  expectSame('findHolder() after the earlier one was released', await leases.findHolder(executionId), other)
  const later = await leases.claim(other, executionId, LONG_MS)
  if (later === undefined || !(later.epoch > lease.epoch)) {
    throw new Error(`claim() of its holder: expected an epoch above ${lease.epoch}, found ${later?.epoch}`)
  }
  execution.lease = later
  await commit()
}

async function checkRace(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const { executionId, lease } = await coordinate(rig)
  await leases.release(lease)
  const holders = Array.from({ length: 8 }, () => makeName('server'))
  const claims = await Promise.all(
    holders.map(async (holder, i) =>
      i % 2 === 0 ? [await leases.claim(holder, executionId, LONG_MS)] : leases.claimFree(holder, 100, LONG_MS),
    ),
  )
  const winners = holders.filter((_, i) => claims[i]?.some(claimed => claimed?.executionId === executionId))
  expectSame('how many of 8 claims succeeded', winners.length, 1)
  expectSame('findHolder()', await leases.findHolder(executionId), winners[0])
}

async function checkRelease(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const { executionId, holder, lease } = await coordinate(rig)
  await leases.release(lease)
  expectSame('findHolder()', await leases.findHolder(executionId), undefined)
  expectSame('renew()', await leases.renew(holder, LONG_MS), [])
  const other = makeName('server')
  const claimed = await leases.claim(other, executionId, LONG_MS)
  expectSame('whether it is claimed', claimed?.executionId, executionId)
}

async function checkFree(rig: SharedRig): Promise<void> {
  const { store } = rig
  const { executionId: created } = await create(store)
  const [running, parked, ended] = [await coordinate(rig), await coordinate(rig), await coordinate(rig)]
  const park = { executionId: parked.executionId, timestamp: TIMESTAMP, code: 'CRASH_LIMIT', message: 'x', tasks: [] }
  await parked.commit([new LogEntry(1, 'execution_parked', park)], {})
  await ended.commit([makeEnd(ended.executionId, 1, 'success')], {})
  for (const { lease } of [running, parked, ended]) await store.leases.release(lease)
  const ids = [created, ...[running, parked, ended].map(({ executionId }) => executionId)]
  expectSame('claimFree()', await claimAll(rig, makeName('server'), ids), [running.executionId])
}

async function checkReleased(rig: SharedRig): Promise<void> {
  const { leases } = rig.store
  const [released, expired] = [await coordinate(rig), await coordinate(rig, { ttlMs: SHORT_MS })]
  await leases.release(released.lease)
  await rig.wait(2 * SHORT_MS)
  const claimed = await leases.claimFree(makeName('server'), 1000, LONG_MS, 'released')
  const ids = claimed.map(({ executionId }) => executionId)
  expectSame('whether the released one is claimed', ids.includes(released.executionId), true)
  expectSame('whether the expired one is claimed', ids.includes(expired.executionId), false)
}
