import type { TakenOrder } from '../../cluster/order.ts'
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

/** Requirements on the choice of orders. */
export const ORDER_CASES: readonly SharedCheck[] = [
  ['an order is taken as it was dispatched, once', checkTake],
  ['of takes at once one gets each order', checkTakeRace],
  ['a worker takes at most as many orders as it asks for, and only those of its tools', checkTools],
  ['older orders are taken first', checkAge],
  ['orders of a higher priority are taken first', checkPriority],
  ['owners take turns', checkTurns],
  ['the limit of a tool counts in the whole system', checkLimit],
  ['the smallest limit of all members counts', checkSmallestLimit],
  ['tools with one limit key share their limit', checkSharedLimit],
  ['takes at once keep within a limit', checkLimitRace],
  ['at most as many calls of a tool begin as its rate allows', checkRate],
  ['a tool that is paused is not taken until its pause is over', checkPause],
  ['an owner has at most as many attempts as allowed, and others go on', checkOwnerLimit],
]

async function checkTake(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig, { owner: makeName('owner') })
  const command = {
    ...execution.command(tool, 'a é 🧵'),
    arguments: { text: 'żółć \u0000 \ud800', b: [1, null, { a: true }], a: 0.1 },
    timeoutMs: 1500,
  }
  await execution.order(tool, ['a é 🧵'], { command })
  const worker = await join(rig, [tool])
  const { orders } = rig.store
  expectSame('take()', await orders.take(worker, 10, LONG_MS), [{ kind: 'start', command }])
  expectSame('take() again', await orders.take(worker, 10, LONG_MS), [])
  expectSame('take() of another worker', await orders.take(await join(rig, [tool]), 10, LONG_MS), [])
}

async function checkTakeRace(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  const taskIds = Array.from({ length: 40 }, (_, i) => `t${i}`)
  await execution.order(tool, taskIds)
  const workers = await Promise.all(Array.from({ length: 8 }, () => join(rig, [tool])))
  const taken: string[] = []
  for (let turn = 0; turn < 20 && taken.length < taskIds.length; turn++) {
    const batches = await Promise.all(workers.map(worker => rig.store.orders.take(worker, 3, LONG_MS)))
    for (const batch of batches) {
      if (batch.length > 3) throw new Error(`take(): expected at most 3 orders, found ${batch.length}`)
      taken.push(...namesOf(batch))
    }
  }
  expectSame('all taken orders', taken.toSorted(), taskIds.toSorted())
}

async function checkTools(rig: SharedRig): Promise<void> {
  const [one, other] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(one, ['a', 'b', 'c'])
  await execution.order(other, ['d'])
  const worker = await join(rig, [one])
  const { orders } = rig.store
  expectSame('take() of at most 2', namesOf(await orders.take(worker, 2, LONG_MS)), ['a', 'b'])
  expectSame('take() of the others', namesOf(await orders.take(worker, 10, LONG_MS)), ['c'])
  expectSame('take() for another tool', namesOf(await orders.take(await join(rig, [other]), 10, LONG_MS)), ['d'])
}

async function checkAge(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const owner = makeName('owner')
  const first = await coordinate(rig, { owner })
  const second = await coordinate(rig, { owner })
  await second.order(tool, ['1'])
  await first.order(tool, ['2', '3'])
  await second.order(tool, ['4'])
  const worker = await join(rig, [tool])
  const taken = await takeOneByOne(rig, worker, 4)
  expectSame(
    'take()',
    taken.map(({ taskId }) => taskId),
    ['1', '2', '3', '4'],
  )
}

async function checkPriority(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  for (const priority of [0, -100, 5, 100, -3, 5]) {
    await execution.order(tool, [`${priority} of round ${execution.lastSeq}`], { priority })
  }
  const worker = await join(rig, [tool])
  const taken = await takeOneByOne(rig, worker, 6)
  const expected = [
    '100 of round 3',
    '5 of round 2',
    '5 of round 5',
    '0 of round 0',
    '-3 of round 4',
    '-100 of round 1',
  ]
  expectSame(
    'take()',
    taken.map(({ taskId }) => taskId),
    expected,
  )
}

async function checkTurns(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const many = await coordinate(rig, { owner: makeName('many') })
  await many.order(
    tool,
    Array.from({ length: 30 }, (_, i) => `m${i}`),
  )
  const few = await coordinate(rig, { owner: makeName('few') })
  await few.order(tool, ['f0', 'f1', 'f2'])
  const worker = await join(rig, [tool])
  const taken = await takeOneByOne(rig, worker, 6)
  expectSame('how many of the 6 are of the first owner', taken.filter(({ taskId }) => taskId.startsWith('m')).length, 3)
  const last = await coordinate(rig, { owner: makeName('last') })
  await last.order(tool, ['l0'])
  const batch = namesOf(await rig.store.orders.take(worker, 2, LONG_MS))
  expectSame('whether a new owner is among the next 2', batch.includes('l0'), true)
}

async function takeOneByOne(rig: SharedRig, worker: string, count: number): Promise<{ taskId: string }[]> {
  const taken: TakenOrder[] = []
  for (let i = 0; i < count; i++) taken.push(...(await rig.store.orders.take(worker, 1, LONG_MS)))
  return taken.flatMap(each => (each.kind === 'start' ? [each.command] : []))
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
  await execution.order(
    name,
    Array.from({ length: 20 }, (_, i) => `t${i}`),
  )
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
  const perMs = 2000
  const execution = await coordinate(rig)
  await execution.order(
    name,
    Array.from({ length: 20 }, (_, i) => `t${i}`),
  )
  const worker = await join(rig, [{ name, rate: { max: 3, perMs } }])
  const { orders } = rig.store
  expectSame('how many begin at first', (await orders.take(worker, 20, LONG_MS)).length, 3)
  expectSame('how many begin at once after that', (await orders.take(worker, 20, LONG_MS)).length, 0)
  await rig.wait(perMs)
  const later = (await orders.take(worker, 20, LONG_MS)).length
  if (later < 1 || later > 3) throw new Error(`take() after ${perMs} ms: expected 1 to 3 orders, found ${later}`)
}

async function checkPause(rig: SharedRig): Promise<void> {
  const [paused, other] = [makeName('tool'), makeName('tool')]
  const execution = await coordinate(rig)
  await execution.order(paused, ['a'])
  await execution.order(other, ['b'])
  const worker = await join(rig, [paused, other])
  const { orders, members } = rig.store
  await members.pauseTool(paused, 1000)
  expectSame('take() during the pause', namesOf(await orders.take(worker, 5, LONG_MS)), ['b'])
  await rig.wait(1500)
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
