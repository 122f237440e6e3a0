import type { Question } from '../../attempt/runner.ts'
import { expectSame } from '../expectations.ts'
import {
  CANCELLED,
  type Coordinated,
  coordinate,
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

/** Requirements on orders that a worker holds. */
export const HELD_ORDER_CASES: readonly SharedCheck[] = [
  ['a renewed order stays, one that is not renewed is interrupted and its outcome refused', checkExpiry],
  ['an order whose take was not answered expires beside renewed ones', checkUnknownTake],
  ['cancelling an order that waits ends it', checkCancelWaiting],
  ['the cancellation of a taken order is repeated until it has settled', checkCancelTaken],
  ['an order that is given back is taken by another worker', checkHandBack],
  ['a begun attempt that is given up is interrupted', checkInterrupt],
  ['a question frees the permit of its attempt, and its answer waits for one', checkQuestion],
  ['answers come first, once no question of the attempt is open', checkAnswers],
  ['open orders are listed with their questions, ended ones until their last message is consumed', checkList],
]

const ASK: Question = { number: 1, message: 'Go? é 🧵' }

async function take(
  rig: SharedRig,
  ttlMs = LONG_MS,
  limit?: number,
): Promise<{ execution: Coordinated; tool: string; worker: string }> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(tool, ['a'])
  const worker = await join(rig, [{ name: tool, ...(limit !== undefined && { limit }) }])
  expectSame('take()', namesOf(await rig.store.orders.take(worker, 1, ttlMs)), ['a'])
  return { execution, tool, worker }
}

async function checkExpiry(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await take(rig, SHORT_MS)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  await orders.renew(worker, [key], 3 * SHORT_MS)
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  expectSame('the messages after a renewal', await execution.messages(), [])
  expectSame('post() after a renewal', await inbox.post(worker, makeMessages(key, [{ type: 'token', text: 'x' }])), [
    true,
  ])
  const usage = { totalTokensIn: 2, totalTokensOut: 1 }
  await inbox.post(worker, makeMessages(key, [{ type: 'usage', usage }], 2))
  await rig.wait(2 * SHORT_MS)
  const count = await orders.interruptExpired()
  if (count < 1) throw new Error(`interruptExpired(): expected at least 1, found ${count}`)
  expectSame('post() after the expiry', await inbox.post(worker, makeMessages(key, [succeed()], 3)), [false])
  expectSame('renew() after the expiry', await orders.renew(worker, [key], LONG_MS), { lost: [key], cancelled: [] })
  expectSame('take() after the expiry', await orders.take(await join(rig, [tool]), 1, LONG_MS), [])
  await orders.interruptExpired()
  expectSame('the messages', await execution.messages(), [
    { key, number: 1, news: { type: 'token', text: 'x' } },
    { key, number: 2, news: { type: 'usage', usage } },
    { key, news: { type: 'interrupted', cause: 'lost', usage } },
  ])
}

async function checkUnknownTake(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(tool, ['a', 'b'])
  const worker = await join(rig, [tool])
  const { orders } = rig.store
  await orders.take(worker, 2, SHORT_MS)
  await orders.renew(worker, [execution.key('a')], LONG_MS)
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  expectSame('the messages', await execution.messages(), [
    { key: execution.key('b'), news: { type: 'interrupted', cause: 'lost' } },
  ])
}

async function checkCancelWaiting(rig: SharedRig): Promise<void> {
  const tool = makeName('tool')
  const execution = await coordinate(rig)
  await execution.order(tool, ['a', 'b'])
  const { orders } = rig.store
  const key = execution.key('a')
  await orders.cancel(key, { code: 'CANCELLED', message: 'Enough' })
  await orders.cancel(key, { code: 'CANCELLED', message: 'Enough' })
  await orders.cancel(execution.key('unknown'), { code: 'CANCELLED', message: 'Enough' })
  expectSame('the messages', await execution.messages(), makeMessages(key, [CANCELLED]))
  expectSame('take()', namesOf(await orders.take(await join(rig, [tool]), 5, LONG_MS)), ['b'])
}

async function checkCancelTaken(rig: SharedRig): Promise<void> {
  const { execution, worker } = await take(rig)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  const reason = { code: 'CANCELLED', message: 'Enough é' }
  expectSame('renew()', await orders.renew(worker, [key], LONG_MS), { lost: [], cancelled: [] })
  await orders.cancel(key, reason)
  const expected = { lost: [], cancelled: [{ key, reason }] }
  expectSame('renew() after cancel()', await orders.renew(worker, [key], LONG_MS), expected)
  await orders.cancel(key, { ...reason, message: 'Again' })
  expectSame('renew() after another cancel()', await orders.renew(worker, [key], LONG_MS), expected)
  expectSame('the messages', await execution.messages(), [])
  expectSame('post()', await inbox.post(worker, makeMessages(key, [CANCELLED])), [true])
  expectSame('renew() after the end', await orders.renew(worker, [], LONG_MS), { lost: [], cancelled: [] })
  expectSame('the messages', await execution.messages(), makeMessages(key, [CANCELLED]))
}

async function checkHandBack(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await take(rig)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  const other = await join(rig, [tool])
  await orders.handBack(other, [key])
  expectSame('take() after another gave it back', await orders.take(other, 1, LONG_MS), [])
  await orders.handBack(worker, [key])
  expectSame('post() of a worker that gave it back', await inbox.post(worker, makeMessages(key, [succeed()])), [false])
  expectSame('take()', namesOf(await orders.take(other, 1, LONG_MS)), ['a'])
  expectSame('the messages', await execution.messages(), [])
  expectSame('renew()', (await orders.renew(worker, [key], LONG_MS)).lost, [key])
  await orders.cancel(key, { code: 'CANCELLED', message: 'Enough' })
  await orders.handBack(other, [key])
  expectSame('the messages of a cancelled one', await execution.messages(), makeMessages(key, [CANCELLED]))
  expectSame('take() of a cancelled one', await orders.take(worker, 1, LONG_MS), [])
}

async function checkInterrupt(rig: SharedRig): Promise<void> {
  const { execution, worker, tool } = await take(rig)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  const usage = { totalTokensIn: 2, totalTokensOut: 0.5 }
  const sums = makeMessages(key, [
    { type: 'usage', usage: { ...usage, totalTokensIn: 1 } },
    { type: 'usage', usage },
  ])
  await inbox.post(worker, sums)
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  expectSame('list()', await orders.list(execution.executionId), [{ key, questions: [], usage }])
  await orders.interrupt(await join(rig, [tool]), [key])
  expectSame('the messages after interrupt() of another worker', await execution.messages(), [])
  await orders.interrupt(worker, [key])
  await orders.interrupt(worker, [key])
  const news = { type: 'interrupted', cause: 'handoff', usage }
  expectSame('the messages', await execution.messages(), [{ key, news }])
  expectSame('post()', await inbox.post(worker, makeMessages(key, [succeed()])), [false])
  expectSame('take()', await orders.take(worker, 1, LONG_MS), [])
}

async function checkQuestion(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await take(rig, LONG_MS, 1)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  await execution.order(tool, ['b'])
  expectSame('take() at the limit', await orders.take(worker, 5, LONG_MS), [])
  await inbox.post(worker, makeMessages(key, [{ type: 'question', question: ASK }]))
  expectSame('take() while it waits', namesOf(await orders.take(worker, 5, LONG_MS)), ['b'])
  const answers = [{ number: 1, answer: { status: 'answered', response: { a: 'é' } } }] as const
  await orders.answer(key, answers)
  expectSame('take() at the limit', await orders.take(worker, 5, LONG_MS), [])
  await inbox.post(worker, makeMessages(execution.key('b'), [succeed()]))
  expectSame('take()', await orders.take(worker, 5, LONG_MS), [{ kind: 'answer', key, answers }])
  await execution.order(tool, ['c'])
  expectSame('take() once it goes on', await orders.take(worker, 5, LONG_MS), [])
  await inbox.post(worker, makeMessages(key, [succeed()], 2))
  expectSame('take() after its end', namesOf(await orders.take(worker, 5, LONG_MS)), ['c'])
}

async function checkAnswers(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await take(rig)
  const { orders, inbox } = rig.store
  const key = execution.key('a')
  const ask = { type: 'question', question: ASK } as const
  await inbox.post(worker, makeMessages(key, [ask, { type: 'question', question: { ...ASK, number: 2 } }]))
  await execution.order(tool, ['b'], { priority: 100 })
  const first = { number: 2, answer: { status: 'answered', response: 2 } } as const
  const second = { number: 1, answer: { status: 'failed', code: 'INPUT_DECLINED', message: 'no' } } as const
  await orders.answer(key, [first])
  expectSame('take() while a question is open', namesOf(await orders.take(worker, 1, LONG_MS)), ['b'])
  await orders.answer(key, [second, { ...first, answer: { status: 'answered', response: 'again' } }])
  expectSame('take() of another worker', namesOf(await orders.take(await join(rig, [tool]), 5, LONG_MS)), [])
  await execution.order(tool, ['c'], { priority: 100 })
  const taken = await orders.take(worker, 1, LONG_MS)
  const answers = taken[0]?.kind === 'answer' ? taken[0].answers.toSorted((a, b) => b.number - a.number) : taken
  expectSame('the answers', answers, [first, second])
  await orders.answer(key, [first])
  expectSame('take() after an answer to no question', namesOf(await orders.take(worker, 5, LONG_MS)), ['c'])
}

async function checkList(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await take(rig)
  const { orders, inbox } = rig.store
  await execution.order(tool, ['b', 'c', 'd'])
  const list = async (): Promise<unknown> => {
    const found = await orders.list(execution.executionId)
    return found.toSorted((a, b) => (a.key.taskId < b.key.taskId ? -1 : 1))
  }
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(taskId => ({ key: execution.key(taskId), questions: [] }))
  expectSame('list()', await list(), [a, b, c, d])
  await orders.take(worker, 1, LONG_MS)
  await inbox.post(worker, makeMessages(execution.key('a'), [{ type: 'question', question: ASK }]))
  await inbox.post(worker, makeMessages(execution.key('b'), [succeed()]))
  await orders.cancel(execution.key('c'), { code: 'CANCELLED', message: 'Enough' })
  expectSame('list() with a question and ended orders', await list(), [{ ...a, questions: [ASK] }, b, c, d])
  const consumed = (await execution.read()).map(({ id }) => id)
  await execution.commit([], { consumed })
  expectSame('list() after they were consumed', await list(), [{ ...a, questions: [ASK] }, d])
  await orders.answer(execution.key('a'), [{ number: 1, answer: { status: 'answered', response: 1 } }])
  await orders.interrupt(worker, [execution.key('a')])
  expectSame('list() with an interrupted order', await list(), [a, d])
  expectSame('list() of another execution', await orders.list((await coordinate(rig)).executionId), [])
}
