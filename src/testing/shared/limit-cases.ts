import { expectSame } from '../expectations.ts'
import {
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

/** Requirements on limits and rates. */
export const LIMIT_CASES: readonly SharedCheck[] = [
  ['the limit of a tool counts in the whole system', checkLimit],
  ['the smallest limit of all members counts', checkSmallestLimit],
  ['tools with one limit key share their limit', checkSharedLimit],
  ['takes at once keep within a limit', checkLimitRace],
  ['at most as many calls of a tool begin as its rate allows', checkRate],
  ['a rate saves up no more calls than its maximum', checkBurst],
  ['the slowest rate of all members counts', checkSlowest],
  ['a tool that is paused is not taken until its pause is over', checkPause],
  ['an owner has at most as many attempts as allowed, and others go on', checkOwnerLimit],
]

function makeTaskIds(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `t${i}`)
}

async function checkLimit(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(name, ['a', 'b', 'c'])
  const [one, other] = [await join(rig, [{ name, limit: 2 }]), await join(rig, [{ name, limit: 2 }])]
  const { orders, inbox } = rig.store
  expectSame('the first', namesOf(await orders.take(one, 1, LONG_MS)), ['a'])
  expectSame('the second, of another worker', namesOf(await orders.take(other, 5, LONG_MS)), ['b'])
  expectSame('one above the limit', namesOf(await orders.take(one, 5, LONG_MS)), [])
  await inbox.post(other, makeMessages(execution.key('b'), [succeed()]))
  expectSame('one after the end of another', namesOf(await orders.take(one, 5, LONG_MS)), ['c'])
}

async function checkSmallestLimit(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(name, ['a', 'b', 'c'])
  const worker = await join(rig, [{ name, limit: 3 }])
  const strict = await join(rig, [{ name, limit: 1 }])
  const { orders, members } = rig.store
  expectSame('take() with the limits 3 and 1', namesOf(await orders.take(worker, 5, LONG_MS)), ['a'])
  await members.leave(strict)
  expectSame('take() without the limit 1', namesOf(await orders.take(worker, 5, LONG_MS)), ['b', 'c'])
}

async function checkSharedLimit(rig: SharedRig): Promise<void> {
  const [one, other] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(one, ['a'])
  await execution.order(other, ['b'])
  const limits = { limit: 1, limitKey: one }
  const worker = await join(rig, [
    { name: one, ...limits },
    { name: other, ...limits },
  ])
  const { orders, inbox } = rig.store
  expectSame('take()', namesOf(await orders.take(worker, 5, LONG_MS)), ['a'])
  await inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))
  expectSame('take() after its end', namesOf(await orders.take(worker, 5, LONG_MS)), ['b'])
}

async function checkLimitRace(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(name, makeTaskIds(20))
  const workers = await Promise.all(Array.from({ length: 8 }, () => join(rig, [{ name, limit: 3 }])))
  const taken: string[] = []
  for (let turn = 0; turn < 4; turn++) {
    const batches = await Promise.all(workers.map(worker => rig.store.orders.take(worker, 2, LONG_MS)))
    taken.push(...batches.flatMap(namesOf))
  }
  expectSame('the number of orders that 8 workers took at a limit of 3', taken.length, 3)
}

async function checkRate(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const [max, perMs] = [4, 4000]
  const execution = await coordinate(rig)
  await execution.order(name, makeTaskIds(20))
  const [one, other] = [
    await join(rig, [{ name, rate: { max, perMs } }]),
    await join(rig, [{ name, rate: { max, perMs } }]),
  ]
  const { orders } = rig.store
  const startedAt = performance.now()
  expectSame('how many begin at first', (await orders.take(one, 20, LONG_MS)).length, max)
  expectSame('how many begin at once after that', (await orders.take(one, 20, LONG_MS)).length, 0)
  expectSame('how many begin at another worker', (await orders.take(other, 20, LONG_MS)).length, 0)
  const waitMs = 1.1 * (perMs / max)
  await rig.wait(waitMs)
  const later = (await orders.take(other, 20, LONG_MS)).length
  // The store's time may be that of the machine, or pass beside it.
  const realMs = performance.now() - startedAt
  const most = Math.floor(((realMs < waitMs ? waitMs : 0) + realMs) / (perMs / max))
  if (later < 1 || later > most)
    throw new Error(`take() after ${waitMs} ms: expected 1 to ${most} orders, found ${later}`)
}

async function checkBurst(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const [max, perMs] = [2, 200]
  const execution = await coordinate(rig)
  await execution.order(name, makeTaskIds(20))
  const worker = await join(rig, [{ name, rate: { max, perMs } }])
  const { orders } = rig.store
  await rig.wait(5 * perMs)
  expectSame('how many begin at first', (await orders.take(worker, 20, LONG_MS)).length, max)
  await rig.wait(5 * perMs)
  expectSame('how many begin after a pause', (await orders.take(worker, 20, LONG_MS)).length, max)
}

async function checkSlowest(rig: SharedRig): Promise<void> {
  const name = makeName('tool')
  const perMs = 60_000
  const execution = await coordinate(rig)
  await execution.order(name, makeTaskIds(20))
  const worker = await join(rig, [{ name, rate: { max: 5, perMs } }])
  await join(rig, [{ name, rate: { max: 2, perMs } }])
  await join(rig, [{ name }])
  expectSame('how many begin', (await rig.store.orders.take(worker, 20, LONG_MS)).length, 2)
}

async function checkPause(rig: SharedRig): Promise<void> {
  const [paused, other] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(paused, ['a'])
  await execution.order(other, ['b'])
  const worker = await join(rig, [paused, other])
  const { orders, members } = rig.store
  await members.pauseTool(paused, 2000)
  await members.pauseTool(paused, 1)
  expectSame('take() during the pause', namesOf(await orders.take(worker, 5, LONG_MS)), ['b'])
  await rig.wait(500)
  const next = await join(rig, [{ name: paused, rate: { max: 9, perMs: 1 } }])
  expectSame('take() of a worker that comes', namesOf(await orders.take(next, 5, LONG_MS)), [])
  await rig.wait(2000)
  expectSame('take() after the pause', namesOf(await orders.take(worker, 5, LONG_MS)), ['a'])
}

async function checkOwnerLimit(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const { orders, members, inbox } = rig.store
  const execution = await coordinate(rig, { owner: makeName('owner') })
  const other = await coordinate(rig, { owner: makeName('owner') })
  const worker = await join(rig, [tool])
  await members.limitOwners(2)
  try {
    await execution.order(tool, ['a', 'b', 'c'], { priority: 1 })
    await other.order(tool, ['d'])
    expectSame('take()', namesOf(await orders.take(worker, 10, LONG_MS)).toSorted(), ['a', 'b', 'd'])
    await inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))
    expectSame('take() after an end', namesOf(await orders.take(worker, 10, LONG_MS)), ['c'])
  } finally {
    await members.limitOwners(0)
  }
}
