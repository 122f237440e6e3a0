import type { AttemptMessage } from '../../cluster/inbox.ts'
import type { Exchanged } from '../../cluster/shared-store.ts'
import { expectSame } from '../expectations.ts'
import {
  type Coordinated,
  coordinate,
  join,
  LONG_MS,
  makeMessages,
  namesOf,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'
import { end, type Exchange, holdEach, ifPresent } from './exchange-fixtures.ts'

/** Requirements on limits and rates within `exchange`, of a store that has it. */
export const EXCHANGE_LIMIT_CASES: readonly SharedCheck[] = ifPresent([
  ['the permit of a tool that an exchange frees is taken by it', checkPermit],
  ['the permit of an owner that an exchange frees is taken by it', checkOwnerPermit],
  ['an exchange keeps within the rate of a tool', checkRate],
  ['exchanges at once keep within a limit', checkLimitRace],
])

async function checkPermit(rig: SharedRig, exchange: Exchange): Promise<void> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  const worker = await join(rig, [{ name, limit: 2 }])
  await execution.order(name, ['a', 'b', 'c', 'd', 'e'])
  expectSame('take()', namesOf(await rig.store.orders.take(worker, 9, LONG_MS)), ['a', 'b'])
  await expectFreed(execution, (messages, free) => exchange(worker, messages, free, LONG_MS))
}

async function checkOwnerPermit(rig: SharedRig, exchange: Exchange): Promise<void> {
  const tool = makeName('tool')
  const { members, orders } = rig.store
  const execution = await coordinate(rig, { owner: makeName('owner') })
  const worker = await join(rig, [tool])
  await members.limitOwners(2)
  try {
    await execution.order(tool, ['a', 'b', 'c', 'd', 'e'])
    expectSame('take()', namesOf(await orders.take(worker, 9, LONG_MS)), ['a', 'b'])
    await expectFreed(execution, (messages, free) => exchange(worker, messages, free, LONG_MS))
  } finally {
    await members.limitOwners(0)
  }
}

/** `a` and `b` run, `c` to `e` wait, and two may run at once. */
async function expectFreed(
  execution: Coordinated,
  exchange: (messages: readonly AttemptMessage[], free: number) => Promise<Exchanged>,
): Promise<void> {
  const none = await exchange(makeMessages(execution.key('a'), [{ type: 'token', text: '1' }]), 9)
  expectSame('exchange() at the limit', namesOf(none.taken), [])
  const one = await exchange(makeMessages(execution.key('a'), [succeed()], 2), 9)
  expectSame('exchange() with an end', namesOf(one.taken), ['c'])
  const two = await exchange([...end(execution, 'b'), ...end(execution, 'c')], 9)
  expectSame('exchange() with two ends', namesOf(two.taken), ['d', 'e'])
}

async function checkRate(rig: SharedRig, exchange: Exchange): Promise<void> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  const worker = await join(rig, [{ name, rate: { max: 3, perMs: 60_000 } }])
  await execution.order(name, ['a', 'b', 'c', 'd', 'e'])
  expectSame('take()', namesOf(await rig.store.orders.take(worker, 1, LONG_MS)), ['a'])
  const first = await exchange(worker, end(execution, 'a'), 1, LONG_MS)
  const second = await exchange(worker, end(execution, 'b'), 9, LONG_MS)
  const third = await exchange(worker, end(execution, 'c'), 9, LONG_MS)
  expectSame(
    'what begins at a rate of 3',
    [first, second, third].map(({ taken }) => namesOf(taken)),
    [['b'], ['c'], []],
  )
}

async function checkLimitRace(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, workers } = await holdEach(rig, 8)
  await join(rig, [{ name: tool, limit: 3 }])
  await execution.order(
    tool,
    Array.from({ length: 20 }, (_, at) => `t${at}`),
  )
  const taken: string[] = []
  for (let turn = 0; turn < 4; turn++) {
    const batches = workers.map((worker, at) => exchange(worker, end(execution, `h${at}`), 2, LONG_MS))
    taken.push(...(await Promise.all(batches)).flatMap(batch => namesOf(batch.taken)))
  }
  expectSame('the number of orders that 8 workers took at a limit of 3', taken.length, 3)
}
