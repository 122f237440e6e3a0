import { expectCode, expectSame } from '../expectations.ts'
import {
  coordinate,
  DISPATCHER,
  LONG_MS,
  makeMember,
  namesOf,
  SHORT_MS,
  type SharedCheck,
  type SharedRig,
} from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on members. */
export const MEMBER_CASES: readonly SharedCheck[] = [
  ['members are listed while they live, with what they announced last', checkMembers],
  ['members with another dispatcher are refused while others live', checkDispatcher],
  ['subscribers of an execution are counted at all living members', checkSubscribers],
  ['a worker takes orders of the tools that it announced last', checkTools],
]

async function checkMembers(rig: SharedRig): Promise<void> {
  const { members } = rig.store
  const tool = { name: 'a é', limit: 2, rate: { max: 3, perMs: 1000 }, inputSchema: { type: 'object' }, readOnly: true }
  const [one, other] = [makeMember(makeName('worker'), [tool]), makeMember(makeName('worker'), [])]
  const list = async (): Promise<unknown> =>
    (await members.list())
      .filter(({ memberId }) => memberId === one.memberId || memberId === other.memberId)
      .map(({ seenAt, ...member }) => ({ ...member, isTime: !Number.isNaN(Date.parse(seenAt)) }))
  const later = { ...other, startedAt: '2026-01-02T00:00:00.000Z' }
  await members.announce(later, DISPATCHER, LONG_MS)
  await members.announce({ ...one, running: 1 }, DISPATCHER, SHORT_MS)
  const shown = { ...later, isTime: true }
  expectSame('list()', await list(), [{ ...one, running: 1, isTime: true }, shown])
  await members.announce({ ...one, running: 2 }, DISPATCHER, 3 * SHORT_MS)
  await rig.wait(1.5 * SHORT_MS)
  expectSame('list() after a renewal', await list(), [{ ...one, running: 2, isTime: true }, shown])
  await rig.wait(2 * SHORT_MS)
  expectSame('list() after the time of one', await list(), [shown])
  await members.leave(other.memberId)
  await members.leave(other.memberId)
  expectSame('list() after the other left', await list(), [])
}

async function checkDispatcher({ store }: SharedRig): Promise<void> {
  const { members } = store
  const member = makeMember(makeName('worker'), [])
  await members.announce(member, DISPATCHER, LONG_MS)
  const other = makeMember(makeName('worker'), [])
  await expectCode('announce()', ['DISPATCHER_CONFLICT'], () => members.announce(other, 'another', LONG_MS))
  const ids = (await members.list()).map(({ memberId }) => memberId)
  expectSame('whether it is listed', ids.includes(other.memberId), false)
  await members.announce(other, DISPATCHER, LONG_MS)
}

async function checkSubscribers(rig: SharedRig): Promise<void> {
  const { members } = rig.store
  const { executionId } = await coordinate(rig)
  const [one, other] = [makeMember(makeName('server'), []), makeMember(makeName('server'), [])]
  const count = (): Promise<number> => members.countSubscribers(executionId)
  await members.announce(one, DISPATCHER, SHORT_MS)
  await members.announce(other, DISPATCHER, LONG_MS)
  expectSame('countSubscribers() before', await count(), 0)
  await members.setSubscribers(one.memberId, executionId, 2)
  await members.setSubscribers(other.memberId, executionId, 5)
  await members.setSubscribers(other.memberId, executionId, 3)
  await members.setSubscribers(other.memberId, (await coordinate(rig)).executionId, 7)
  expectSame('countSubscribers()', await count(), 5)
  await rig.wait(1.5 * SHORT_MS)
  expectSame('countSubscribers() after the time of one', await count(), 3)
  await members.setSubscribers(other.memberId, executionId, 0)
  expectSame('countSubscribers() after they left', await count(), 0)
  await members.setSubscribers(other.memberId, executionId, 4)
  expectSame('countSubscribers() after they came back', await count(), 4)
  await members.leave(other.memberId)
  expectSame('countSubscribers() after their member left', await count(), 0)
}

async function checkTools(rig: SharedRig): Promise<void> {
  const { members, orders } = rig.store
  const [one, other] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(one, ['a'])
  await execution.order(other, ['b'])
  const worker = makeName('worker')
  await members.announce(makeMember(worker, [one, other]), DISPATCHER, LONG_MS)
  await members.announce(makeMember(worker, [other]), DISPATCHER, LONG_MS)
  expectSame('take()', namesOf(await orders.take(worker, 5, LONG_MS)), ['b'])
  await members.announce(makeMember(worker, [one]), DISPATCHER, LONG_MS)
  expectSame('take() after another announcement', namesOf(await orders.take(worker, 5, LONG_MS)), ['a'])
  await execution.order(one, ['c'])
  await members.leave(worker)
  expectSame('take() after it left', await orders.take(worker, 5, LONG_MS), [])
}
