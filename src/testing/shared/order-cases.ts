import type { TakenOrder } from '../../cluster/order.ts'
import { JsonNumber } from '../../json/json-number.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { expectSame } from '../expectations.ts'
import { coordinate, join, LONG_MS, namesOf, type SharedCheck, type SharedRig } from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on the choice of orders. */
export const ORDER_CASES: readonly SharedCheck[] = [
  ['an order is taken as it was dispatched, once', checkTake],
  ['of takes at once one gets each order', checkTakeRace],
  ['a worker takes at most as many orders as it asks for, and only those of its tools', checkTools],
  ['older orders are taken first', checkAge],
  ['orders of a higher priority are taken first', checkPriority],
  ['owners take turns', checkTurns],
  ['a priority counts more than the turn of an owner, and that more than age', checkRanks],
]

async function checkTake(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig, { owner: makeName('owner') })
  const command = {
    ...execution.command(tool, 'a é 🧵'),
    attempt: 3,
    arguments: {
      text: 'żółć \u0000 \ud800',
      b: [1, null, { a: true }],
      a: 0.1,
      n: new JsonNumber('9007199254740993.10'),
    },
    mayHoldJsonNumbers: true,
    timeoutMs: 1500,
    abortGraceMs: 20,
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  }
  await execution.order(tool, ['a é 🧵'], { command })
  const worker = await join(rig, [tool])
  const { orders } = rig.store
  const [taken, ...more] = await orders.take(worker, 10, LONG_MS)
  const found = taken?.kind === 'start' ? taken.command : undefined
  expectSame('the number of further orders', more.length, 0)
  expectSame('take()', { ...found, arguments: null }, { ...command, arguments: null })
  // Text: with the order of members, and the digits of numbers.
  expectSame('its arguments', stringifyJson(found?.arguments), stringifyJson(command.arguments))
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
  const alike = await join(rig, [one.toUpperCase(), `${one} `])
  expectSame('take() for tools with names alike', await orders.take(alike, 10, LONG_MS), [])
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
  expectSame('take()', taken, ['1', '2', '3', '4'])
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
  expectSame('take()', taken, expected)
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
  expectSame('how many of the 6 are of the first owner', taken.filter(taskId => taskId.startsWith('m')).length, 3)
  const last = await coordinate(rig, { owner: makeName('last') })
  await last.order(tool, ['l0'])
  const batch = namesOf(await rig.store.orders.take(worker, 2, LONG_MS))
  expectSame('whether a new owner is among the next 2', batch.includes('l0'), true)
}

async function checkRanks(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const [busy, fresh] = [
    await coordinate(rig, { owner: makeName('busy') }),
    await coordinate(rig, { owner: makeName('fresh') }),
  ]
  const worker = await join(rig, [tool])
  await busy.order(tool, ['b0'])
  expectSame('the first', await takeOneByOne(rig, worker, 1), ['b0'])
  await busy.order(tool, ['b1'], { priority: 1 })
  await busy.order(tool, ['b2'])
  await fresh.order(tool, ['f0'])
  await fresh.order(tool, ['f1'], { priority: -1 })
  // An owner whose turn it is, with an older order, waits for a higher priority; a younger order of that owner comes first.
  expectSame('take()', await takeOneByOne(rig, worker, 4), ['b1', 'f0', 'b2', 'f1'])
}

async function takeOneByOne(rig: SharedRig, worker: string, count: number): Promise<string[]> {
  const taken: TakenOrder[] = []
  for (let i = 0; i < count; i++) taken.push(...(await rig.store.orders.take(worker, 1, LONG_MS)))
  return namesOf(taken)
}
