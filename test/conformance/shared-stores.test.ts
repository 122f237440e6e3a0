import { describe, expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { testDispatcher, testSharedStore } from '../../src/testing/shared-conformance.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../support/memory-shared-store.ts'
import { executionOf, nameOf } from '../support/shared/tables.ts'

const clock = new FakeClock()
const wait = (ms: number): Promise<void> => clock.run(ms)

describe('the shared store in memory', () => {
  const create = (): SharedStore => createMemorySharedStore(clock)
  const cases = [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait }), ...storeConformance(create)]
  for (const { name, run } of cases) test(name, run)
})

test('one shared store serves all cases in turn', async () => {
  const store = createMemorySharedStore(clock)
  const connect = (): SharedStore => store.connect()
  for (const { run } of [...testSharedStore(connect, { wait }), ...testDispatcher(connect, { wait })]) await run()
})

/** Shared stores with one fault each, and a case that must find it. */
const FAULTS: readonly [
  fault: string,
  breakStore: (store: MemorySharedStore) => Partial<SharedStore>,
  found: string,
][] = [
  [
    'exceeds the limit of a tool',
    ({ members }) => ({ members: bind(members, { announce: withoutToolFields(members, ['limit']) }) }),
    'the limit of a tool counts in the whole system',
  ],
  [
    'lets the largest limit count',
    store => ({ members: bind(store.members, { announce: withoutSecondLimit(store) }) }),
    'the smallest limit of all members counts',
  ],
  [
    'ignores rates',
    ({ members }) => ({ members: bind(members, { announce: withoutToolFields(members, ['rate']) }) }),
    'at most as many calls of a tool begin as its rate allows',
  ],
  [
    'accepts an outcome after the order was interrupted',
    ({ inbox, tables }) => ({
      inbox: bind(inbox, {
        post: async (worker, messages) => {
          const accepted = await inbox.post(worker, messages)
          return messages.map((message, i) => {
            if (accepted[i] === false && message.news.type === 'settled') tables.addMessage(message)
            return true
          })
        },
      }),
    }),
    'a renewed order stays, one that is not renewed is interrupted and its outcome refused',
  ],
  [
    'delivers a repeated message twice',
    ({ inbox, tables }) => ({
      inbox: bind(inbox, {
        post: async (worker, messages) => {
          for (const { key, number } of messages) {
            const row = tables.orders.get(nameOf(key))
            if (row !== undefined && row.lastNumber >= number) row.lastNumber = number - 1
          }
          return inbox.post(worker, messages)
        },
      }),
    }),
    'a message that is posted twice is delivered once, also after it was consumed',
  ],
  [
    'removes messages when they are read',
    ({ inbox, tables }) => ({
      inbox: bind(inbox, {
        read: async (ids, limit) => {
          const read = await inbox.read(ids, limit)
          for (const { id } of [...read.values()].flat()) tables.messages.delete(id)
          return read
        },
      }),
    }),
    'messages are read in order, and stay until a commit consumes them',
  ],
  [
    'consumes messages though the commit is refused',
    store => ({
      commit: async (lease, firstSeq, entries, round) => {
        for (const id of round.consumed) store.tables.messages.delete(id)
        return store.commit(lease, firstSeq, entries, round)
      },
    }),
    'a commit that is refused writes nothing of its round',
  ],
  [
    'does not fence earlier leases',
    store => ({
      commit: async (lease, firstSeq, entries, round) => {
        const epoch = store.tables.holders.get(lease.executionId)?.epoch ?? lease.epoch
        return store.commit({ ...lease, epoch }, firstSeq, entries, round)
      },
    }),
    'a lease that is not renewed is free, and fenced off by its next claim',
  ],
  [
    'ignores priorities',
    store => ({
      commit: async (lease, firstSeq, entries, round) =>
        store.commit(lease, firstSeq, entries, {
          ...round,
          orders: round.orders.map(order => ({ ...order, priority: 0 })),
        }),
    }),
    'orders of a higher priority are taken first',
  ],
  [
    'starves owners',
    store => ({
      commit: async (lease, firstSeq, entries, round) =>
        store.commit(lease, firstSeq, entries, {
          ...round,
          orders: round.orders.map(order => ({ ...order, owner: undefined })),
        }),
    }),
    'owners take turns',
  ],
  [
    'takes no limit of owners',
    ({ members }) => ({ members: bind(members, { limitOwners: async () => {} }) }),
    'an owner has at most as many attempts as allowed, and others go on',
  ],
  [
    'loses answers',
    ({ orders }) => ({ orders: bind(orders, { answer: async () => {} }) }),
    'a question frees the permit of its attempt, and its answer waits for one',
  ],
  [
    'delivers answers one by one',
    ({ orders, tables }) => ({
      orders: bind(orders, {
        answer: async (key, answers) => {
          await orders.answer(key, answers)
          tables.orders.get(nameOf(key))?.questions.clear()
        },
      }),
    }),
    'answers come first, once no question of the attempt is open',
  ],
  [
    'lists no order whose last message is unread',
    ({ orders, tables }) => ({
      orders: bind(orders, {
        list: async executionId => (await orders.list(executionId)).filter(({ key }) => tables.orders.has(nameOf(key))),
      }),
    }),
    'open orders are listed with their questions, ended ones until their last message is consumed',
  ],
  [
    'renews orders that the worker does not know',
    ({ orders, tables }) => ({
      orders: bind(orders, {
        renew: async (worker, keys, ttlMs) => {
          for (const row of tables.orders.values()) if (row.worker === worker) row.expiresAt = clock.now() + ttlMs
          return orders.renew(worker, keys, ttlMs)
        },
      }),
    }),
    'an order whose take was not answered expires beside renewed ones',
  ],
  [
    'reports a cancellation once',
    ({ orders, tables }) => ({
      orders: bind(orders, {
        renew: async (worker, keys, ttlMs) => {
          const renewed = await orders.renew(worker, keys, ttlMs)
          for (const row of tables.orders.values()) row.cancelled = undefined
          return renewed
        },
      }),
    }),
    'the cancellation of a taken order is repeated until it has settled',
  ],
  [
    'leaves commands unanswered at the end',
    store => ({
      commit: async (lease, firstSeq, entries, round) => {
        const isEnd = entries.at(-1)?.type === 'execution_complete'
        for (const [id, { message }] of store.tables.messages) {
          if (isEnd && executionOf(message) === lease.executionId) store.tables.messages.delete(id)
        }
        return store.commit(lease, firstSeq, entries, round)
      },
    }),
    'the end of an execution answers the commands and removes the orders that are left',
  ],
  [
    'claims parked executions',
    store => ({
      leases: bind(store.leases, {
        claimFree: async (holder, limit, ttlMs) => {
          const leases = [...(await store.leases.claimFree(holder, limit, ttlMs))]
          for (const { executionId, parked } of await store.list({ limit: 1000 })) {
            const isFree = parked !== undefined && (await store.leases.findHolder(executionId)) === undefined
            const lease = isFree ? await store.leases.claim(holder, executionId, ttlMs) : undefined
            if (lease !== undefined && leases.length < limit) leases.push(lease)
          }
          return leases
        },
      }),
    }),
    'free are only executions that run',
  ],
]

describe('a shared store that', () => {
  test.each(FAULTS)('%s is found out', async (_, breakStore, expected) => {
    const create = (): SharedStore => {
      const store = createMemorySharedStore(clock)
      return { ...store, ...breakStore(store) }
    }
    const found: string[] = []
    for (const { name, run } of [...testSharedStore(create, { wait }), ...testDispatcher(create, { wait })]) {
      await run().catch(() => found.push(name))
    }
    expect(found).toContain(expected)
  })
})

/** The object with other methods; its own ones keep their object. */
function bind<Part extends object>(part: Part, other: Partial<Part>): Part {
  return new Proxy(part, {
    get: (_, name) => {
      const value: unknown = Reflect.get(other, name) ?? Reflect.get(part, name)
      return typeof value === 'function' && !(name in other) ? value.bind(part) : value
    },
  })
}

function withoutToolFields(
  members: SharedStore['members'],
  fields: readonly ('limit' | 'rate')[],
): SharedStore['members']['announce'] {
  return (member, dispatcher, ttlMs) => {
    const tools = member.tools.map(tool => {
      const rest = { ...tool }
      for (const field of fields) delete rest[field]
      return rest
    })
    return members.announce({ ...member, tools }, dispatcher, ttlMs)
  }
}

/** Announces the limits of the first member of each tool only. */
function withoutSecondLimit({ members, tables }: MemorySharedStore): SharedStore['members']['announce'] {
  return (member, dispatcher, ttlMs) => {
    const known = tables.livingMembers().flatMap(each => each.member.tools.map(({ name }) => name))
    const isSecond = member.tools.some(({ name }) => known.includes(name))
    const announce = isSecond ? withoutToolFields(members, ['limit']) : members.announce.bind(members)
    return announce(member, dispatcher, ttlMs)
  }
}
