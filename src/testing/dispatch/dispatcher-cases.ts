import type { Offered } from '../../cluster/order.ts'
import { expectSame } from '../expectations.ts'
import { calm, type KeyRig, type SeenOffer } from './key-rig.ts'

/** A sentence of behaviour with its check, which throws if a dispatcher violates it. */
export type DispatcherCheck = readonly [name: string, check: (rig: KeyRig) => Promise<void>]

/** Requirements on a dispatcher of keys; one that offers none passes those of offers. */
export const KEY_DISPATCHER_CASES: readonly DispatcherCheck[] = [
  ['all processes have one dispatcher, which takes empty and unknown calls', checkName],
  ['each order is offered once, with its key and its tool', checkOffers],
  ['an order that is dispatched again while it waits is offered once', checkRepetition],
  ['an order is offered to one worker at a time', checkOneWorker],
  ['an order that was postponed or given back is offered again', checkAgain],
  ['an order that is gone is offered no more', checkGone],
  ['a worker holds at most as many offers as its capacity', checkCapacity],
  ['a worker holds at most as many offers as it accepts', checkLimit],
  ['an order that was cancelled before its offer is not offered', checkCancel],
  ['an order that was taken without an offer is not offered', checkWithdraw],
  ['a worker that stops is offered nothing more, and others go on', checkStop],
]

function finish(offer: SeenOffer): void {
  offer.take()
  offer.end()
}

async function checkName(rig: KeyRig): Promise<void> {
  const { name } = rig.dispatcher
  expectSame('whether its name is a text that is not empty', typeof name === 'string' && name !== '', true)
  await rig.dispatcher.dispatch([])
  await rig.dispatcher.cancel(rig.key('unknown'), 'CANCELLED')
}

async function checkOffers(rig: KeyRig): Promise<void> {
  const one = await rig.receive(4, finish)
  const other = await rig.receive(4, finish)
  if (one === undefined || other === undefined) return
  const plain = Array.from({ length: 40 }, (_, i) => rig.order(`t${i}`, { tool: i % 2 === 0 ? 'even' : 'odd:é' }))
  const special = ['a:b.c%2e', 'a.b:c', 'é 🧵', '', '__proto__'].map(taskId => rig.order(taskId))
  const orders = [...plain, ...special, rig.order('t0', { attempt: 2 })]
  for (let at = 0; at < orders.length; at += 10) await rig.dispatcher.dispatch(orders.slice(at, at + 10))
  const seen = (): SeenOffer[] => [...one.receiver.offers, ...other.receiver.offers]
  await rig.until(`the offers of ${orders.length} orders`, () => seen().length >= orders.length)
  await calm()
  const show = (taskId: string, attempt: number, tool: string): string => JSON.stringify([taskId, attempt, tool])
  const found = seen().map(({ key, tool }) => show(key.taskId, key.attempt, tool))
  const expected = orders.map(({ command }) => show(command.taskId, command.attempt, command.tool))
  expectSame('the offers', found.toSorted(), expected.toSorted())
  for (const { receiver } of [one, other]) expectSame('reachable()', receiver.isReachable, true)
}

async function checkRepetition(rig: KeyRig): Promise<void> {
  const [a, b] = [rig.order('a'), rig.order('b')]
  await rig.dispatcher.dispatch([a, a])
  await rig.dispatcher.dispatch([a, b])
  const worker = await rig.receive(4, finish)
  if (worker === undefined) return
  await rig.until('the offers', () => worker.receiver.offers.length >= 2)
  await calm()
  expectSame('the offers', worker.receiver.taskIds.toSorted(), ['a', 'b'])
}

async function checkOneWorker(rig: KeyRig): Promise<void> {
  const [one, other] = [await rig.receive(4), await rig.receive(4)]
  if (one === undefined || other === undefined) return
  const seen = (): SeenOffer[] => [...one.receiver.offers, ...other.receiver.offers]
  await rig.dispatcher.dispatch([rig.order('a')])
  await rig.until('the offer', () => seen().length > 0)
  await calm()
  expectSame('how often it is offered before the first answer', seen().length, 1)
  seen()[0]?.take()
  await rig.dispatcher.dispatch([rig.order('a')])
  await calm()
  expectSame('how often it is offered while its attempt runs', seen().length, 1)
  seen()[0]?.end()
  await calm()
  expectSame('how often it is offered after the end of its attempt', seen().length, 1)
}

const POSTPONED: Readonly<Record<string, Offered>> = {
  turn: { status: 'postponed', cause: 'turn' },
  tool: { status: 'postponed', cause: 'tool' },
  limit: { status: 'postponed', cause: 'limit' },
}

async function checkAgain(rig: KeyRig): Promise<void> {
  const known = new Set<string>()
  const worker = await rig.receive(8, offer => {
    const { taskId } = offer.key
    const postponed = POSTPONED[taskId]
    if (known.has(taskId)) finish(offer)
    else if (postponed !== undefined) offer.refuse(postponed)
    else {
      offer.take()
      offer.end('handed-back')
    }
    known.add(taskId)
  })
  if (worker === undefined) return
  const taskIds = [...Object.keys(POSTPONED), 'given back']
  await rig.dispatcher.dispatch(taskIds.map(taskId => rig.order(taskId)))
  for (const taskId of taskIds)
    await rig.until(
      `the second offer: ${taskId}`,
      () => worker.receiver.taskIds.filter(each => each === taskId).length >= 2,
    )
  await calm()
  expectSame('the offers', worker.receiver.taskIds.toSorted(), [...taskIds, ...taskIds].toSorted())
}

async function checkGone(rig: KeyRig): Promise<void> {
  const worker = await rig.receive(4, offer => offer.refuse({ status: 'gone' }))
  if (worker === undefined) return
  await rig.dispatcher.dispatch([rig.order('a'), rig.order('b')])
  await rig.until('the offers', () => worker.receiver.offers.length >= 2)
  await calm()
  expectSame('the offers', worker.receiver.taskIds.toSorted(), ['a', 'b'])
}

async function checkCapacity(rig: KeyRig): Promise<void> {
  const worker = await rig.receive(2, offer => offer.take())
  if (worker === undefined) return
  const { receiver } = worker
  await rig.dispatcher.dispatch(['a', 'b', 'c', 'd', 'e'].map(taskId => rig.order(taskId)))
  for (let ended = 0; ended < 5; ended++) {
    await rig.until('an offer', () => receiver.offers.length >= Math.min(5, ended + 2))
    if (ended < 2) await calm()
    receiver.offers[ended]?.end()
  }
  await calm()
  expectSame('how many were offered', receiver.offers.length, 5)
  expectSame('how many offers were open at once', receiver.maxOpenCount, 2)
}

async function checkLimit(rig: KeyRig): Promise<void> {
  const worker = await rig.receive(4, offer => offer.take())
  if (worker === undefined) return
  const { receiver, reception } = worker
  reception.limit(1)
  await rig.dispatcher.dispatch(['a', 'b', 'c', 'd', 'e'].map(taskId => rig.order(taskId)))
  await rig.until('an offer', () => receiver.offers.length > 0)
  await calm()
  expectSame('how many offers are open at a limit of 1', receiver.openCount, 1)
  reception.limit(3)
  receiver.offers[0]?.end()
  await rig.until('3 open offers at a limit of 3', () => receiver.openCount >= 3)
  await calm()
  expectSame('how many offers are open at a limit of 3', receiver.openCount, 3)
  for (const offer of receiver.offers) offer.end()
  await rig.until('the last offer', () => receiver.offers.length >= 5)
  receiver.offers[4]?.end()
}

async function checkCancel(rig: KeyRig): Promise<void> {
  await rig.dispatcher.dispatch(['a', 'b', 'c'].map(taskId => rig.order(taskId)))
  await rig.dispatcher.cancel(rig.key('b'), 'CANCELLED')
  await rig.dispatcher.cancel({ ...rig.key('c'), attempt: 2 }, 'CANCELLED')
  const worker = await rig.receive(4, finish)
  if (worker === undefined) return
  await rig.until('the offers', () => worker.receiver.offers.length >= 2)
  await calm()
  expectSame('the offers', worker.receiver.taskIds.toSorted(), ['a', 'c'])
}

async function checkWithdraw(rig: KeyRig): Promise<void> {
  const worker = await rig.receive(1, offer => offer.take())
  if (worker === undefined) return
  const { receiver, reception } = worker
  await rig.dispatcher.dispatch([rig.order('a')])
  await rig.until('an offer', () => receiver.offers.length > 0)
  await rig.dispatcher.dispatch([rig.order('b'), rig.order('c')])
  reception.withdraw([rig.key('b')])
  await calm()
  receiver.offers[0]?.end()
  await rig.until('the next offer', () => receiver.offers.length >= 2)
  receiver.offers[1]?.end()
  await calm()
  for (const offer of receiver.offers) offer.end()
  expectSame('the offers', receiver.taskIds, ['a', 'c'])
}

async function checkStop(rig: KeyRig): Promise<void> {
  const [one, other] = [await rig.receive(1, offer => offer.take()), await rig.receive(4)]
  if (one === undefined || other === undefined) return
  other.reception.stop()
  await other.reception.close()
  await rig.dispatcher.dispatch([rig.order('a'), rig.order('b')])
  await rig.until('an offer', () => one.receiver.offers.length > 0)
  one.reception.stop()
  await calm()
  one.receiver.offers[0]?.end()
  const closed = one.reception.close()
  const next = await rig.receive(4, finish)
  await rig.until('the offer to the next worker', () => (next?.receiver.offers.length ?? 0) > 0)
  await closed
  await calm()
  const found = [one, other, next].map(worker => worker?.receiver.offers.length)
  expectSame('how many were offered to the one that stopped, the one that was closed, and the next', found, [1, 0, 1])
}
