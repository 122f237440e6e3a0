import { stringifyJson } from '../../json/stringify-json.ts'
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
import { end, type Exchange, holdEach, ifPresent } from './exchange-fixtures.ts'

/** Requirements on `exchange`, of a store that has it. */
export const EXCHANGE_CASES: readonly SharedCheck[] = ifPresent([
  ['an exchange gives what a post and a take give', checkSame],
  ['an exchange takes at most as many orders as it asks for, and only those of its tools', checkCount],
  ['an exchange ends the orders whose outcomes it posts', checkEnds],
  ['orders of an exchange are held for its time', checkTime],
  ['the messages of an exchange that is repeated are accepted again, and delivered once', checkRepetition],
  ['an exchange refuses messages of orders that its worker does not hold, and takes orders all the same', checkRefusal],
  ['an exchange gives answers, too', checkAnswers],
  ['of exchanges at once one gets each order', checkRace],
])

const token = (text: string) => ({ type: 'token', text }) as const

async function checkSame(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { orders, inbox } = rig.store
  const postAndTake: Exchange = async (worker, messages, free, ttlMs) => {
    const accepted = await inbox.post(worker, messages)
    return { accepted, taken: await orders.take(worker, free, ttlMs) }
  }
  const [found, expected] = [await runSteps(rig, exchange), await runSteps(rig, postAndTake)]
  expectSame('the results of exchange() at each step', found.results, expected.results)
  expectSame('the messages after them', found.messages, expected.messages)
}

/** Two owners and three priorities, one place after the other. */
async function runSteps(rig: SharedRig, exchange: Exchange): Promise<{ results: unknown; messages: unknown }> {
  const tool = makeName('tool')
  const worker = await join(rig, [tool])
  const [one, other] = [
    await coordinate(rig, { owner: makeName('one') }),
    await coordinate(rig, { owner: makeName('other') }),
  ]
  await one.order(tool, ['a', 'b', 'c', 'd'])
  await other.order(tool, ['e', 'f'])
  await other.order(tool, ['g'], { priority: 1 })
  await one.order(tool, ['h'], { priority: -1 })
  const results: unknown[] = []
  let held = [...(await rig.store.orders.take(worker, 1, LONG_MS))]
  for (let step = 0; held.length > 0; step++) {
    const messages = held.flatMap(each => {
      if (each.kind !== 'start') return []
      const { executionId, taskId, attempt } = each.command
      return makeMessages({ executionId, taskId, attempt }, [token(taskId), succeed(stringifyJson(taskId))])
    })
    const { accepted, taken } = await exchange(worker, messages, 1 + (step % 2), LONG_MS)
    results.push([accepted, namesOf(taken)])
    held = [...taken]
  }
  const messages = [...(await one.messages()), ...(await other.messages())]
  return {
    results,
    messages: messages.map(message =>
      'number' in message ? [message.key.taskId, message.number, message.news] : message,
    ),
  }
}

async function checkCount(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, worker } = await hold(rig, ['a', 'b'])
  const other = makeName('tool')
  await execution.order(other, ['z'])
  const ordered = await execution.order(tool, ['c', 'd', 'e', 'f'])
  const first = await exchange(worker, end(execution, 'a'), 1, LONG_MS)
  const found = first.taken.map(each => (each.kind === 'start' ? stringifyJson(each.command) : each.kind))
  expectSame('exchange() for 1 order', found, [stringifyJson(ordered[0]?.command)])
  const more = await exchange(worker, [...end(execution, 'b'), ...end(execution, 'c')], 2, LONG_MS)
  expectSame('exchange() for 2', namesOf(more.taken), ['d', 'e'])
  const rest = await exchange(worker, makeMessages(execution.key('d'), [token('1')]), 9, LONG_MS)
  expectSame('exchange() for more than there are', namesOf(rest.taken), ['f'])
  expectSame(
    'exchange() once there are none',
    namesOf((await exchange(worker, end(execution, 'e'), 9, LONG_MS)).taken),
    [],
  )
  expectSame('take() of another worker', await rig.store.orders.take(await join(rig, [tool]), 9, LONG_MS), [])
}

async function checkEnds(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, worker } = await hold(rig, ['a', 'b', 'c'])
  const { orders } = rig.store
  const [ofA, ofB] = [
    makeMessages(execution.key('a'), [token('1'), succeed('{"b":1e400,"a":0.10}')]),
    makeMessages(execution.key('b'), [token('2')]),
  ]
  const { accepted, taken } = await exchange(worker, [...ofA, ...ofB], 5, LONG_MS)
  expectSame('exchange()', { accepted, taken }, { accepted: [true, true, true], taken: [] })
  expectSame('the messages', await execution.messages(), [...ofA, ...ofB])
  // A store may write outcomes alone in a way of its own.
  expectSame('exchange()', (await exchange(worker, end(execution, 'c'), 5, LONG_MS)).accepted, [true])
  const keys = ['a', 'c', 'b'].map(task => execution.key(task))
  expectSame('the lost orders', (await orders.renew(worker, keys, LONG_MS)).lost, keys.slice(0, 2))
}

async function checkTime(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, worker } = await hold(rig)
  await execution.order(tool, ['b', 'c'])
  const { orders } = rig.store
  expectSame('exchange()', namesOf((await exchange(worker, end(execution, 'a'), 2, SHORT_MS)).taken), ['b', 'c'])
  await orders.renew(worker, [execution.key('c')], LONG_MS)
  await rig.wait(1.5 * SHORT_MS)
  await orders.interruptExpired()
  const interrupted = { key: execution.key('b'), news: { type: 'interrupted', cause: 'lost' } }
  expectSame('the messages', await execution.messages(), [...end(execution, 'a'), interrupted])
}

async function checkRepetition(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, worker } = await hold(rig, ['a', 'b'])
  await execution.order(tool, ['c', 'd', 'e'])
  const messages = [
    ...makeMessages(execution.key('a'), [token('1'), succeed()]),
    ...makeMessages(execution.key('b'), [token('2')]),
  ]
  const repeat = async (): Promise<unknown> => {
    const { accepted, taken } = await exchange(worker, messages, 1, LONG_MS)
    return [accepted, namesOf(taken)]
  }
  expectSame('exchange()', await repeat(), [[true, true, true], ['c']])
  expectSame('exchange() again', await repeat(), [[true, true, true], ['d']])
  expectSame('the messages', await execution.messages(), messages)
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  expectSame('exchange() after they were consumed', await repeat(), [[false, false, true], ['e']])
  expectSame('the messages after that', await execution.messages(), [])
}

async function checkRefusal(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, worker } = await hold(rig, ['a', 'b'])
  const other = await join(rig, [tool])
  await execution.order(tool, ['c', 'd', 'e', 'f'])
  expectSame('take() of another worker', namesOf(await rig.store.orders.take(other, 1, LONG_MS)), ['c'])
  const foreign = await exchange(other, end(execution, 'a'), 1, LONG_MS)
  expectSame('exchange() with another one’s outcome', [foreign.accepted, namesOf(foreign.taken)], [[false], ['d']])
  const unknown = makeMessages({ ...execution.key('a'), attempt: 2 }, [succeed()])
  const messages = [...end(execution, 'c'), ...end(execution, 'a'), ...unknown]
  const mixed = await exchange(worker, messages, 2, LONG_MS)
  expectSame(
    'exchange() with some',
    [mixed.accepted, namesOf(mixed.taken)],
    [
      [false, true, false],
      ['e', 'f'],
    ],
  )
  expectSame('the messages', await execution.messages(), end(execution, 'a'))
}

async function checkAnswers(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, worker } = await hold(rig, ['a', 'b', 'c'])
  const { orders, inbox } = rig.store
  await execution.order(tool, ['d', 'e'])
  const ask = { type: 'question', question: { number: 1, message: 'Go?' } } as const
  const asked = await exchange(worker, makeMessages(execution.key('a'), [ask]), 1, LONG_MS)
  expectSame('exchange() with a question', namesOf(asked.taken), ['d'])
  await inbox.post(worker, makeMessages(execution.key('b'), [ask]))
  const answers = [{ number: 1, answer: { status: 'answered', response: { é: 1 } } }] as const
  for (const taskId of ['a', 'b']) await orders.answer(execution.key(taskId), answers)
  const first = await exchange(worker, end(execution, 'c'), 1, LONG_MS)
  expectSame('exchange() for 1', first.taken, [{ kind: 'answer', key: execution.key('a'), answers }])
  const second = await exchange(worker, end(execution, 'd'), 5, LONG_MS)
  expectSame('exchange() for 5', namesOf(second.taken), ['answer b', 'e'])
}

async function checkRace(rig: SharedRig, exchange: Exchange): Promise<void> {
  const { execution, tool, workers } = await holdEach(rig)
  const taskIds = Array.from({ length: 40 }, (_, at) => `t${at}`)
  await execution.order(tool, taskIds)
  const taken: string[] = []
  for (let turn = 0; turn < 20 && taken.length < taskIds.length; turn++) {
    const batches = workers.map((worker, at) => exchange(worker, end(execution, `h${at}`), 3, LONG_MS))
    for (const batch of await Promise.all(batches)) {
      if (batch.taken.length > 3) throw new Error(`exchange(): expected at most 3 orders, found ${batch.taken.length}`)
      taken.push(...namesOf(batch.taken))
    }
  }
  expectSame('all taken orders', taken.toSorted(), taskIds.toSorted())
}
