import { expectSame } from '../expectations.ts'
import {
  coordinate,
  hold,
  join,
  LONG_MS,
  makeMessages,
  namesOf,
  SHORT_MS,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on what a key names, and on who holds an order how long. */
export const KEY_CASES: readonly SharedCheck[] = [
  ['a key names one attempt of one task of one execution', checkKeys],
  ['the next attempt of a task is another order', checkNext],
  ['an outcome or a renewal after the time of a lease is accepted until that was found expired', checkLate],
  ['an order that was given back does not expire', checkGivenBack],
  ['the order of an attempt that waits for an answer expires, too', checkAsking],
  ['a renewal extends the orders that its worker holds, and no others', checkRenewal],
  ['a cancellation of an attempt that has settled changes nothing', checkSettled],
]

const REASON = { code: 'CANCELLED', message: 'Enough' }

async function checkKeys(rig: SharedRig): Promise<void> {
  const { orders, inbox } = rig.store
  const { execution, tool, worker } = await hold(rig)
  const other = await coordinate(rig)
  await other.order(tool, ['a', 'b'])
  expectSame('the number of taken orders', (await orders.take(worker, 5, LONG_MS)).length, 2)
  const own = [execution.key('a'), other.key('a'), other.key('b')]
  const renew = (): Promise<unknown> => orders.renew(worker, own, LONG_MS)
  for (const wrong of [execution.key('b'), { ...execution.key('a'), attempt: 2 }]) {
    await orders.cancel(wrong, REASON)
    await orders.answer(wrong, [{ number: 1, answer: { status: 'answered', response: 1 } }])
    await orders.handBack(worker, [wrong])
    await orders.interrupt(worker, [wrong])
    expectSame('post() for another key', await inbox.post(worker, makeMessages(wrong, [succeed()])), [false])
    expectSame('findWaiting() of another key', await orders.findWaiting([wrong]), [])
    expectSame('renew() after calls with another key', await renew(), { lost: [], cancelled: [] })
  }
  await orders.cancel(other.key('a'), REASON)
  const cancelled = [{ key: other.key('a'), reason: REASON }]
  expectSame('renew() after a cancellation', await renew(), { lost: [], cancelled })
  await orders.interrupt(worker, [other.key('b')])
  expectSame('renew() after one was given up', await renew(), { lost: [other.key('b')], cancelled })
  expectSame('the messages of the first execution', await execution.messages(), [])
}

async function checkNext(rig: SharedRig): Promise<void> {
  const { orders, inbox } = rig.store
  const { execution, tool, worker } = await hold(rig)
  const [first, second] = [execution.key('a'), { ...execution.key('a'), attempt: 2 }]
  await orders.interrupt(worker, [first])
  const command = { ...execution.command(tool, 'a'), attempt: 2 }
  await execution.order(tool, ['a'], { command })
  const next = await join(rig, [tool])
  const [taken] = await orders.take(next, 5, LONG_MS)
  expectSame('the attempt that is taken', taken?.kind === 'start' && taken.command.attempt, 2)
  expectSame('post() for the first attempt', await inbox.post(worker, makeMessages(first, [succeed()])), [false])
  await orders.cancel(first, REASON)
  expectSame('renew()', await orders.renew(next, [second], LONG_MS), { lost: [], cancelled: [] })
  const outcome = makeMessages(second, [succeed()])
  expectSame('post() for the second attempt', await inbox.post(next, outcome), [true])
  const interrupted = { key: first, news: { type: 'interrupted', cause: 'handoff' } }
  expectSame('the messages', await execution.messages(), [interrupted, ...outcome])
}

async function checkLate(rig: SharedRig): Promise<void> {
  const { orders, inbox } = rig.store
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  await execution.order(tool, ['a', 'b'])
  const worker = await join(rig, [tool])
  expectSame('the number of taken orders', (await orders.take(worker, 2, SHORT_MS)).length, 2)
  await rig.wait(1.5 * SHORT_MS)
  const outcome = makeMessages(execution.key('a'), [succeed()])
  expectSame('post() after the time of its lease', await inbox.post(worker, outcome), [true])
  const renewed = await orders.renew(worker, [execution.key('b')], LONG_MS)
  expectSame('renew() after the time of its lease', renewed, { lost: [], cancelled: [] })
  await orders.interruptExpired()
  expectSame('the messages', await execution.messages(), outcome)
}

async function checkGivenBack(rig: SharedRig): Promise<void> {
  const { orders } = rig.store
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  await execution.order(tool, ['a'])
  const worker = await join(rig, [tool])
  await orders.take(worker, 1, SHORT_MS)
  await orders.handBack(worker, [execution.key('a')])
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  expectSame('the messages', await execution.messages(), [])
  expectSame('take()', namesOf(await orders.take(worker, 1, LONG_MS)), ['a'])
}

async function checkAsking(rig: SharedRig): Promise<void> {
  const { orders, inbox } = rig.store
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  await execution.order(tool, ['a'])
  const worker = await join(rig, [tool])
  await orders.take(worker, 1, SHORT_MS)
  const key = execution.key('a')
  const asked = makeMessages(key, [{ type: 'question', question: { number: 1, message: 'Go?' } }])
  await inbox.post(worker, asked)
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  const interrupted = { key, news: { type: 'interrupted', cause: 'lost' } }
  expectSame('the messages', await execution.messages(), [...asked, interrupted])
  await orders.answer(key, [{ number: 1, answer: { status: 'answered', response: 1 } }])
  expectSame('take() after an answer', await orders.take(worker, 5, LONG_MS), [])
}

async function checkRenewal(rig: SharedRig): Promise<void> {
  const { orders } = rig.store
  const execution = await coordinate(rig)
  const tool = makeName('tool')
  await execution.order(tool, ['a', 'b'])
  const worker = await join(rig, [tool])
  await orders.take(worker, 1, SHORT_MS)
  const other = await join(rig, [tool])
  const waiting = execution.key('b')
  const renewed = await orders.renew(other, [execution.key('a'), waiting], LONG_MS)
  const byTask = renewed.lost.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1))
  expectSame('the lost orders of one who holds none', byTask, [execution.key('a'), waiting])
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  const interrupted = { key: execution.key('a'), news: { type: 'interrupted', cause: 'lost' } }
  expectSame('the messages', await execution.messages(), [interrupted])
  expectSame('take()', namesOf(await orders.take(other, 5, LONG_MS)), ['b'])
}

async function checkSettled(rig: SharedRig): Promise<void> {
  const { orders, inbox } = rig.store
  const { execution, worker } = await hold(rig)
  const key = execution.key('a')
  const outcome = makeMessages(key, [succeed('1')])
  await inbox.post(worker, outcome)
  await orders.cancel(key, REASON)
  await orders.interrupt(worker, [key])
  await orders.handBack(worker, [key])
  await orders.answer(key, [{ number: 1, answer: { status: 'answered', response: 1 } }])
  expectSame('the messages', await execution.messages(), outcome)
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  await orders.cancel(key, REASON)
  expectSame('the messages after the end was consumed', await execution.messages(), [])
}
