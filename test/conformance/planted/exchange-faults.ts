import type { AttemptMessage } from '../../../src/cluster/inbox.ts'
import type { SharedStore } from '../../../src/cluster/shared-store.ts'
import type { MemorySharedStore } from '../../support/memory-shared-store.ts'
import { nameOf } from '../../support/shared/tables.ts'
import type { Planted } from './planted.ts'
import type { SharedPlant } from './shared-planted.ts'

type Exchange = NonNullable<SharedStore['exchange']>

const SAME = 'an exchange gives what a post and a take give'
const COUNT = 'an exchange takes at most as many orders as it asks for, and only those of its tools'
const ENDS = 'an exchange ends the orders whose outcomes it posts'
const TIME = 'orders of an exchange are held for its time'
const PERMIT = 'the permit of a tool that an exchange frees is taken by it'
const OWNER_PERMIT = 'the permit of an owner that an exchange frees is taken by it'
const RATE = 'an exchange keeps within the rate of a tool'
const REPEATED = 'the messages of an exchange that is repeated are accepted again, and delivered once'
const REFUSED = 'an exchange refuses messages of orders that its worker does not hold, and takes orders all the same'
const ANSWERS = 'an exchange gives answers, too'
const RACE = 'of exchanges at once one gets each order'
const LIMIT_RACE = 'exchanges at once keep within a limit'

const exchanging =
  (faulty: (store: MemorySharedStore) => Exchange): SharedPlant =>
  store => ({ exchange: faulty(store) })

const isSettled = ({ news }: AttemptMessage): boolean => news.type === 'settled'

/** Takes first, then posts. */
const takeFirst = exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => {
  const taken = await orders.take(worker, free, ttlMs)
  return { accepted: await inbox.post(worker, messages), taken }
})

/** Takes while these rows have no limit, rate or maximum. */
const unbounded = exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
  const accepted = await inbox.post(worker, messages)
  const [rows, { maxRunningPerOwner }] = [new Map(tables.members), tables]
  tables.maxRunningPerOwner = 0
  for (const [id, row] of rows) {
    const tools = row.member.tools.map(({ name }) => ({ name }))
    tables.members.set(id, { ...row, member: { ...row.member, tools } })
  }
  const taken = await orders.take(worker, free, ttlMs)
  for (const [id, row] of rows) tables.members.set(id, row)
  tables.maxRunningPerOwner = maxRunningPerOwner
  return { accepted, taken }
})

/** Faults of exchanges. */
export const EXCHANGE_FAULTS: readonly Planted<SharedPlant>[] = [
  ['takes in an exchange before it posts', takeFirst, PERMIT],
  ["takes in an exchange before it posts, at an owner's maximum", takeFirst, OWNER_PERMIT],
  ['ignores limits in an exchange', unbounded, PERMIT],
  ["ignores an owner's maximum in an exchange", unbounded, OWNER_PERMIT],
  ['ignores rates in an exchange', unbounded, RATE],
  ['ignores limits in exchanges at once', unbounded, LIMIT_RACE],
  [
    'takes one order more than an exchange asks for',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => ({
      accepted: await inbox.post(worker, messages),
      taken: await orders.take(worker, free + 1, ttlMs),
    })),
    COUNT,
  ],
  [
    'takes one order for each outcome of an exchange',
    exchanging(({ inbox, orders }) => async (worker, messages, _, ttlMs) => ({
      accepted: await inbox.post(worker, messages),
      taken: await orders.take(worker, messages.filter(isSettled).length, ttlMs),
    })),
    COUNT,
  ],
  [
    'takes nothing in an exchange',
    exchanging(({ inbox }) => async (worker, messages) => ({
      accepted: await inbox.post(worker, messages),
      taken: [],
    })),
    SAME,
  ],
  [
    'gives the orders of an exchange from the last to the first',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => ({
      accepted: await inbox.post(worker, messages),
      taken: (await orders.take(worker, free, ttlMs)).toReversed(),
    })),
    SAME,
  ],
  [
    'notes no turns in an exchange',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      const turns = new Map(tables.turns)
      const taken = await orders.take(worker, free, ttlMs)
      tables.turns.clear()
      for (const [owner, turn] of turns) tables.turns.set(owner, turn)
      return { accepted, taken }
    }),
    SAME,
  ],
  [
    'posts only the last message of each attempt in an exchange',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => {
      const last = new Map(messages.map(message => [nameOf(message.key), message]))
      await inbox.post(worker, [...last.values()])
      return { accepted: messages.map(() => true), taken: await orders.take(worker, free, ttlMs) }
    }),
    ENDS,
  ],
  [
    'posts nothing in an exchange for which no orders wait',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => {
      const waiting = await orders.countWaiting()
      const isNeeded = waiting.some(({ count }) => count > 0)
      const accepted = isNeeded ? await inbox.post(worker, messages) : messages.map(() => true)
      return { accepted, taken: await orders.take(worker, free, ttlMs) }
    }),
    ENDS,
  ],
  [
    'keeps the orders that an exchange ends',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const kept = new Map(tables.orders)
      const accepted = await inbox.post(worker, messages)
      for (const [name, row] of kept) if (!tables.orders.has(name)) tables.orders.set(name, row)
      return { accepted, taken: await orders.take(worker, free, ttlMs) }
    }),
    ENDS,
  ],
  [
    'holds the orders of an exchange for ever',
    exchanging(({ inbox, orders }) => async (worker, messages, free) => ({
      accepted: await inbox.post(worker, messages),
      taken: await orders.take(worker, free, 1e12),
    })),
    TIME,
  ],
  [
    'refuses the messages of a repeated exchange',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const isFresh = messages.map(({ key, number }) => (tables.orders.get(nameOf(key))?.lastNumber ?? 1e9) < number)
      const accepted = await inbox.post(worker, messages)
      const taken = await orders.take(worker, free, ttlMs)
      return { accepted: accepted.map((each, at) => each && isFresh[at] === true), taken }
    }),
    REPEATED,
  ],
  [
    'delivers the messages of a repeated exchange twice',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      for (const { key, number } of messages) {
        const row = tables.orders.get(nameOf(key))
        if (row !== undefined && row.lastNumber >= number) row.lastNumber = number - 1
      }
      return { accepted: await inbox.post(worker, messages), taken: await orders.take(worker, free, ttlMs) }
    }),
    REPEATED,
  ],
  [
    'takes nothing in an exchange that is repeated',
    exchanging(({ inbox, orders }) => {
      const known = new Set<string>()
      return async (worker, messages, free, ttlMs) => {
        const text = JSON.stringify(messages)
        const isKnown = known.has(text)
        known.add(text)
        const accepted = await inbox.post(worker, messages)
        return { accepted, taken: isKnown ? [] : await orders.take(worker, free, ttlMs) }
      }
    }),
    REPEATED,
  ],
  [
    'takes nothing in an exchange of which it refuses messages',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      return { accepted, taken: accepted.includes(false) ? [] : await orders.take(worker, free, ttlMs) }
    }),
    REFUSED,
  ],
  [
    'refuses all messages of an exchange with one that it refuses',
    exchanging(({ inbox, orders }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      const taken = await orders.take(worker, free, ttlMs)
      return { accepted: messages.map(() => !accepted.includes(false)), taken }
    }),
    REFUSED,
  ],
  [
    'accepts the messages of every worker in an exchange',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const accepted: boolean[] = []
      for (const message of messages) {
        const holder = tables.orders.get(nameOf(message.key))?.worker ?? worker
        accepted.push(...(await inbox.post(holder, [message])))
      }
      return { accepted, taken: await orders.take(worker, free, ttlMs) }
    }),
    REFUSED,
  ],
  [
    'gives no answers in an exchange',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      const rows = Array.from(tables.orders.values(), row => ({ row, answers: row.answers }))
      for (const { row } of rows) row.answers = []
      const taken = await orders.take(worker, free, ttlMs)
      for (const { row, answers } of rows) row.answers = answers
      return { accepted, taken }
    }),
    ANSWERS,
  ],
  [
    'gives answers beside the orders that an exchange asks for',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      const answered = [...tables.orders.values()].filter(row => row.worker === worker && row.answers.length > 0)
      return { accepted, taken: await orders.take(worker, free + answered.length, ttlMs) }
    }),
    ANSWERS,
  ],
  [
    'gives an order to two exchanges at once',
    exchanging(({ inbox, orders, tables }) => async (worker, messages, free, ttlMs) => {
      const accepted = await inbox.post(worker, messages)
      const waiting = [...tables.orders.values()].filter(row => row.worker === undefined)
      await Promise.resolve()
      for (const row of waiting) row.worker = undefined
      return { accepted, taken: await orders.take(worker, free, ttlMs) }
    }),
    RACE,
  ],
]
