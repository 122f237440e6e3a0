import type { AbortReason, AttemptKey } from '../../../src/attempt/runner.ts'
import type { TakenOrder } from '../../../src/cluster/order.ts'
import type { MemorySharedStore } from '../../support/memory-shared-store.ts'
import { keyOf, nameOf } from '../../support/shared/tables.ts'
import type { Planted } from './planted.ts'
import { members, orders, rounds, type SharedPlant } from './shared-planted.ts'

const TAKE = 'an order is taken as it was dispatched, once'
const RATE = 'at most as many calls of a tool begin as its rate allows'
const PAUSE = 'a tool that is paused is not taken until its pause is over'
const TOOL_PERMIT = 'the permit of a tool is free again, however its attempt ended'
const OWNER_PERMIT = 'the permit of an owner is free again, however its attempt ended'
const EXPIRY = 'a renewed order stays, one that is not renewed is interrupted and its outcome refused'
const KEYS = 'a key names one attempt of one task of one execution'
const RENEWED = 'orders are renewed without their worker, which learns what is cancelled and lost'
const ANSWERS = 'answers come first, once no question of the attempt is open'
const RETURNED = 'an order waits anew after its tool was there again'

/** Changes the commands that are taken. */
const changed = (change: (text: string) => string): SharedPlant =>
  orders(part => ({
    async take(worker, free, ttlMs) {
      const taken = await part.take(worker, free, ttlMs)
      return JSON.parse(change(JSON.stringify(taken))) as TakenOrder[]
    },
  }))

const withoutToolFields = (...fields: readonly ('limit' | 'rate' | 'limitKey')[]): SharedPlant =>
  members(part => ({
    announce: (member, dispatcher, ttlMs) => {
      const tools = member.tools.map(tool => {
        const rest = { ...tool }
        for (const field of fields) delete rest[field]
        return rest
      })
      return part.announce({ ...member, tools }, dispatcher, ttlMs)
    },
  }))

/** Counts the limits of one worker alone while it takes. */
async function takeAlone(
  { tables, orders: part }: MemorySharedStore,
  ...given: [worker: string, free: number, ttlMs: number]
): Promise<readonly TakenOrder[]> {
  const others = [...tables.orders.values()].filter(({ worker }) => worker !== undefined && worker !== given[0])
  const detached = others.filter(({ isDetached }) => !isDetached)
  for (const row of detached) row.isDetached = true
  const taken = await part.take(...given)
  for (const row of detached) row.isDetached = false
  return taken
}

/** Keys that are read without their attempt. */
const firstOf = (key: AttemptKey): AttemptKey => ({ ...key, attempt: 1 })

/** Faults of orders, limits and renewals. */
export const ORDER_FAULTS: readonly Planted<SharedPlant>[] = [
  ['loses the digits of large numbers', changed(text => text), TAKE],
  [
    'sorts the members of arguments',
    rounds(round => ({
      ...round,
      orders: round.orders.map(order => {
        const sorted = Object.entries(order.command.arguments as object).toSorted(([a], [b]) => (a < b ? -1 : 1))
        return { ...order, command: { ...order.command, arguments: Object.fromEntries(sorted) } }
      }),
    })),
    TAKE,
  ],
  [
    'loses the trace context',
    rounds(round => ({
      ...round,
      orders: round.orders.map(order => ({ ...order, command: { ...order.command, traceparent: undefined } })),
    })),
    TAKE,
  ],
  [
    'gives an order to two workers at once',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const waiting = [...tables.orders.values()].filter(row => row.worker === undefined)
        await Promise.resolve()
        const taken = new Set(waiting.filter(row => row.worker !== undefined))
        for (const row of taken) row.worker = undefined
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    'of takes at once one gets each order',
  ],
  [
    'takes one order more than it was asked for',
    orders(part => ({
      take: (worker, free, ttlMs, keys) => part.take(worker, free + 1, ttlMs, keys),
    })),
    'a worker takes at most as many orders as it asks for, and only those of its tools',
  ],
  [
    'takes orders of all tools',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const row = tables.members.get(worker)
        if (row === undefined) return part.take(worker, free, ttlMs, keys)
        const tools = [...tables.orders.values()].map(({ order }) => ({ name: order.command.tool }))
        tables.members.set(worker, { ...row, member: { ...row.member, tools } })
        const taken = await part.take(worker, free, ttlMs, keys)
        tables.members.set(worker, row)
        return taken
      },
    })),
    'a worker takes at most as many orders as it asks for, and only those of its tools',
  ],
  [
    'takes the newest first',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        for (const row of tables.orders.values()) Object.assign(row, { age: -Math.abs(row.age) })
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    'older orders are taken first',
  ],
  [
    'ignores priorities',
    rounds(round => ({ ...round, orders: round.orders.map(order => ({ ...order, priority: 0 })) })),
    'orders of a higher priority are taken first',
  ],
  [
    'compares priorities as texts',
    rounds(round => ({
      ...round,
      orders: round.orders.map(order => ({
        ...order,
        priority: ['-100', '-3', '0', '100', '5'].indexOf(String(order.priority)),
      })),
    })),
    'orders of a higher priority are taken first',
  ],
  [
    'starves owners',
    rounds(round => ({ ...round, orders: round.orders.map(order => ({ ...order, owner: undefined })) })),
    'owners take turns',
  ],
  [
    'lets the turn of an owner count more than a priority',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const turnOf = (owner: string | undefined): number => tables.turns.get(owner) ?? 0
        const waiting = [...tables.orders.values()].filter(row => row.worker === undefined)
        const first = Math.min(...waiting.map(({ order }) => turnOf(order.owner)))
        const others = waiting.filter(({ order }) => turnOf(order.owner) > first)
        for (const row of others) row.worker = 'nobody'
        const taken = await part.take(worker, free, ttlMs, keys)
        for (const row of others) row.worker = undefined
        return taken
      },
    })),
    'a priority counts more than the turn of an owner, and that more than age',
  ],
  ['ignores limits', withoutToolFields('limit'), 'the limit of a tool counts in the whole system'],
  [
    'counts limits for each worker',
    orders((_, store) => ({
      take: (worker, free, ttlMs) => takeAlone(store, worker, free, ttlMs),
    })),
    'the limit of a tool counts in the whole system',
  ],
  [
    'lets the largest limit count',
    members((part, { tables }) => ({
      announce: (member, dispatcher, ttlMs) => {
        const known = tables.livingMembers().flatMap(each => each.member.tools.map(({ name }) => name))
        const tools = member.tools.map(({ limit, ...tool }) => ({
          ...tool,
          ...(limit !== undefined && !known.includes(tool.name) && { limit }),
        }))
        return part.announce({ ...member, tools }, dispatcher, ttlMs)
      },
    })),
    'the smallest limit of all members counts',
  ],
  [
    'takes each tool for a limit of its own',
    withoutToolFields('limitKey'),
    'tools with one limit key share their limit',
  ],
  [
    'looks at a limit and takes a moment later',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const held = [...tables.orders.values()].filter(row => row.worker !== undefined)
        await Promise.resolve()
        const later = [...tables.orders.values()].filter(row => row.worker !== undefined && !held.includes(row))
        for (const row of later) row.isDetached = true
        const taken = await part.take(worker, free, ttlMs, keys)
        for (const row of later) row.isDetached = false
        return taken
      },
    })),
    'takes at once keep within a limit',
  ],
  ['ignores rates', withoutToolFields('rate'), RATE],
  [
    'has rates for each worker',
    orders((part, { tables }) => {
      const own = new Map<string, [string, { tokens: number; refilledAt: number }][]>()
      return {
        async take(worker, free, ttlMs, keys) {
          tables.buckets.clear()
          for (const [tool, bucket] of own.get(worker) ?? []) tables.buckets.set(tool, bucket)
          const taken = await part.take(worker, free, ttlMs, keys)
          own.set(worker, [...tables.buckets])
          return taken
        },
      }
    }),
    RATE,
  ],
  [
    'begins with an empty bucket',
    orders((part, { tables }, clock) => ({
      take: (worker, free, ttlMs, keys) => {
        for (const { name, rate } of tables.members.get(worker)?.member.tools ?? [])
          if (rate !== undefined && !tables.buckets.has(name))
            tables.buckets.set(name, { tokens: 0, refilledAt: clock.now() })
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    RATE,
  ],
  [
    'refills twice as fast',
    members(part => ({
      announce: (member, dispatcher, ttlMs) => {
        const tools = member.tools.map(tool =>
          tool.rate === undefined ? tool : { ...tool, rate: { ...tool.rate, perMs: tool.rate.perMs / 2 } },
        )
        return part.announce({ ...member, tools }, dispatcher, ttlMs)
      },
    })),
    RATE,
  ],
  [
    'never refills',
    orders((part, { tables }, clock) => ({
      take: (worker, free, ttlMs, keys) => {
        for (const bucket of tables.buckets.values()) bucket.refilledAt = clock.now()
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    RATE,
  ],
  [
    'saves up calls without a bound',
    orders((part, { tables }, clock) => ({
      async take(worker, free, ttlMs, keys) {
        const rates = (tables.members.get(worker)?.member.tools ?? []).flatMap(({ name, rate }) =>
          rate ? [{ name, rate }] : [],
        )
        for (const { name, rate } of rates) {
          const bucket = tables.buckets.get(name)
          if (bucket === undefined) continue
          const saved = bucket.tokens + ((clock.now() - bucket.refilledAt) * rate.max) / rate.perMs
          const row = tables.members.get(worker)
          const tools = row?.member.tools.map(tool =>
            tool.name === name ? { ...tool, rate: { max: Math.max(rate.max, Math.floor(saved)), perMs: 1e9 } } : tool,
          )
          if (row !== undefined && tools !== undefined)
            tables.members.set(worker, { ...row, member: { ...row.member, tools } })
          Object.assign(bucket, { tokens: saved, refilledAt: clock.now() })
        }
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    'a rate saves up no more calls than its maximum',
  ],
  [
    'lets the fastest rate count',
    members((part, { tables }) => ({
      announce: (member, dispatcher, ttlMs) => {
        const known = tables.livingMembers().flatMap(each => each.member.tools.map(({ name }) => name))
        const tools = member.tools.map(({ rate, ...tool }) => ({
          ...tool,
          ...(rate !== undefined && !known.includes(tool.name) && { rate }),
        }))
        return part.announce({ ...member, tools }, dispatcher, ttlMs)
      },
    })),
    'the slowest rate of all members counts',
  ],
  [
    'forgets a pause when a shorter one comes',
    members((_, { tables }, clock) => ({
      pauseTool: async (tool, delayMs) => void tables.pausedUntil.set(tool, clock.now() + delayMs),
    })),
    PAUSE,
  ],
  [
    'forgets a pause when a worker comes',
    members((part, { tables }) => ({
      announce: (member, dispatcher, ttlMs) => {
        for (const { name } of member.tools) tables.pausedUntil.delete(name)
        return part.announce(member, dispatcher, ttlMs)
      },
    })),
    PAUSE,
  ],
  ['pauses for ever', members(part => ({ pauseTool: tool => part.pauseTool(tool, 1e9) })), PAUSE],
  ['pauses nothing', members(() => ({ pauseTool: async () => {} })), PAUSE],
  [
    'has no limit of owners',
    members(() => ({ limitOwners: async () => {} })),
    'an owner has at most as many attempts as allowed, and others go on',
  ],
  ['keeps the permit of what was given up', leaking('interrupt'), TOOL_PERMIT],
  ['keeps the permit of what was given back', leaking('handBack'), TOOL_PERMIT],
  ['keeps the permit of what expired', leaking('interruptExpired'), TOOL_PERMIT],
  ["keeps the permit of an owner's attempt that was given up", leaking('interrupt'), OWNER_PERMIT],
  ["keeps the permit of an owner's attempt that expired", leaking('interruptExpired'), OWNER_PERMIT],
  [
    'loses the usage of what expired',
    orders((part, { tables }) => ({
      interruptExpired: () => {
        for (const row of tables.orders.values()) row.usage = undefined
        return part.interruptExpired()
      },
    })),
    EXPIRY,
  ],
  [
    'loses the usage of what is given up',
    orders((part, { tables }) => ({
      interrupt: (worker, keys) => {
        for (const row of tables.orders.values()) row.usage = undefined
        return part.interrupt(worker, keys)
      },
    })),
    'a begun attempt that is given up is interrupted',
  ],
  ['interrupts nothing that has expired', orders(() => ({ interruptExpired: async () => 1 })), EXPIRY],
  ['interrupts what was renewed', orders(part => ({ renew: (worker, keys) => part.renew(worker, keys, 0) })), EXPIRY],
  [
    'interrupts what was given back',
    orders((part, { tables }) => {
      const back: string[] = []
      return {
        handBack: (worker, keys) => {
          back.push(...keys.map(nameOf))
          return part.handBack(worker, keys)
        },
        interruptExpired: () => {
          for (const name of back) {
            const row = tables.orders.get(name)
            if (row !== undefined) row.worker ??= 'nobody'
          }
          return part.interruptExpired()
        },
      }
    }),
    'an order that was given back does not expire',
  ],
  [
    'never interrupts what waits for an answer',
    orders((part, { tables }) => ({
      interruptExpired: () => {
        for (const row of tables.orders.values()) if (row.questions.size > 0) row.expiresAt = 1e12
        return part.interruptExpired()
      },
    })),
    'the order of an attempt that waits for an answer expires, too',
  ],
  [
    'loses what expired before it was found',
    orders((part, { tables }, clock) => ({
      async renew(worker, keys, ttlMs) {
        const late = keys.filter(key => (tables.orders.get(nameOf(key))?.expiresAt ?? 0) <= clock.now())
        const { lost, cancelled } = await part.renew(worker, keys, ttlMs)
        return { lost: [...lost, ...late.filter(key => !lost.some(each => nameOf(each) === nameOf(key)))], cancelled }
      },
    })),
    'an outcome or a renewal after the time of a lease is accepted until that was found expired',
  ],
  [
    'renews for every worker',
    orders((part, { tables }, clock) => ({
      renew: (worker, keys, ttlMs) => {
        for (const key of keys) {
          const row = tables.orders.get(nameOf(key))
          if (row?.worker !== undefined) row.expiresAt = clock.now() + ttlMs
        }
        return part.renew(worker, keys, ttlMs)
      },
    })),
    'a renewal extends the orders that its worker holds, and no others',
  ],
  [
    'renews orders that the worker does not know',
    orders((part, { tables }, clock) => ({
      renew: (worker, keys, ttlMs) => {
        for (const row of tables.orders.values()) if (row.worker === worker) row.expiresAt = clock.now() + ttlMs
        return part.renew(worker, keys, ttlMs)
      },
    })),
    'an order whose take was not answered expires beside renewed ones',
  ],
  [
    'loses a cancellation that comes before the first renewal',
    orders((part, { tables }) => ({
      async cancel(key, reason) {
        if (tables.orders.get(nameOf(key))?.worker === undefined) return part.cancel(key, reason)
      },
    })),
    'the cancellation of a taken order is repeated until it has settled',
  ],
  [
    'reports a cancellation once',
    orders((part, { tables }) => ({
      async renew(worker, keys, ttlMs) {
        const renewed = await part.renew(worker, keys, ttlMs)
        for (const row of tables.orders.values()) row.cancelled = undefined
        return renewed
      },
    })),
    'the cancellation of a taken order is repeated until it has settled',
  ],
  [
    'ends a taken order at its cancellation',
    orders((part, { tables }) => ({
      cancel: (key, reason) => {
        const row = tables.orders.get(nameOf(key))
        if (row !== undefined) row.worker = undefined
        return part.cancel(key, reason)
      },
    })),
    'the cancellation of a taken order is repeated until it has settled',
  ],
  [
    'reports a cancellation after the end',
    orders((part, { tables }) => ({
      async cancel(key, reason) {
        const isKnown = tables.orders.has(nameOf(key))
        if (isKnown) await part.cancel(key, reason)
        else if (key.taskId === 'a')
          tables.addMessage({
            key,
            number: 9,
            news: { type: 'settled', report: { status: 'cancelled', executionTimeMs: 0 } },
          })
      },
    })),
    'a cancellation of an attempt that has settled changes nothing',
  ],
  [
    'cancels every attempt of a task',
    orders(part => ({ cancel: (key, reason) => part.cancel(firstOf(key), reason) })),
    KEYS,
  ],
  [
    'gives up every attempt of a task',
    orders(part => ({ interrupt: (worker, keys) => part.interrupt(worker, keys.map(firstOf)) })),
    KEYS,
  ],
  [
    'gives back every attempt of a task',
    orders(part => ({ handBack: (worker, keys) => part.handBack(worker, keys.map(firstOf)) })),
    KEYS,
  ],
  [
    'cancels the tasks of all executions',
    orders((part, { tables }) => ({
      async cancel({ taskId }, reason) {
        for (const { order } of tables.orders.values())
          if (order.command.taskId === taskId) await part.cancel(order.command, reason)
      },
    })),
    KEYS,
  ],
  [
    'takes the next attempt for the first',
    orders((part, { tables }) => ({
      async cancel(key, reason) {
        const last = [...tables.orders.values()]
          .map(({ order }) => order.command)
          .filter(({ executionId, taskId }) => executionId === key.executionId && taskId === key.taskId)
        await part.cancel(last.at(-1) ?? key, reason)
      },
    })),
    'the next attempt of a task is another order',
  ],
  [
    'keeps what is given back from others',
    orders(() => ({ handBack: async () => {} })),
    'an order that is given back is taken by another worker',
  ],
  [
    'loses answers',
    orders(() => ({ answer: async () => {} })),
    'a question frees the permit of its attempt, and its answer waits for one',
  ],
  [
    'delivers answers one by one',
    orders((part, { tables }) => ({
      async answer(key, answers) {
        await part.answer(key, answers)
        tables.orders.get(nameOf(key))?.questions.clear()
      },
    })),
    ANSWERS,
  ],
  [
    'gives answers to any worker of the tool',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const tools = tables.members.get(worker)?.member.tools.map(({ name }) => name) ?? []
        const answered = [...tables.orders.values()].filter(
          ({ order, answers }) => answers.length > 0 && tools.includes(order.command.tool),
        )
        for (const row of answered) if (row.worker !== undefined) row.worker = worker
        return part.take(worker, free, ttlMs, keys)
      },
    })),
    ANSWERS,
  ],
  [
    'lets an attempt go on without a permit',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const taken: TakenOrder[] = []
        for (const row of tables.orders.values()) {
          if (row.worker !== worker || row.answers.length === 0 || row.questions.size > 0) continue
          const { executionId, taskId, attempt } = row.order.command
          taken.push({ kind: 'answer', key: { executionId, taskId, attempt }, answers: row.answers })
          row.answers = []
        }
        return [...taken, ...(await part.take(worker, free - taken.length, ttlMs, keys))]
      },
    })),
    'a question frees the permit of its attempt, and its answer waits for one',
  ],
  [
    'lists no order whose last message is unread',
    orders((part, { tables }) => ({
      list: async id => (await part.list(id)).filter(({ key }) => tables.orders.has(nameOf(key))),
    })),
    'open orders are listed with their questions, ended ones until their last message is consumed',
  ],
  [
    'tells of a missing tool again and again',
    orders((part, { tables }) => ({
      refuseUnclaimed: toolsWaitMs => {
        for (const row of tables.orders.values()) row.isReported = false
        return part.refuseUnclaimed(toolsWaitMs)
      },
    })),
    'an order that no worker can take is reported once, and ends after the wait',
  ],
  [
    'counts the time of a missing tool from the order',
    orders((part, { tables }) => ({
      refuseUnclaimed: toolsWaitMs => {
        for (const row of tables.orders.values()) row.unclaimedSince = row.createdAt
        return part.refuseUnclaimed(toolsWaitMs)
      },
    })),
    RETURNED,
  ],
  [
    'counts the time of a tool that was there again',
    orders((part, { tables }) => {
      const since = new Map<string, number>()
      return {
        async refuseUnclaimed(toolsWaitMs) {
          for (const [name, row] of tables.orders) row.unclaimedSince = since.get(name) ?? row.unclaimedSince
          const count = await part.refuseUnclaimed(toolsWaitMs)
          for (const [name, { unclaimedSince }] of tables.orders)
            if (unclaimedSince !== undefined && !since.has(name)) since.set(name, unclaimedSince)
          return count
        },
      }
    }),
    RETURNED,
  ],
  [
    'counts taken orders as waiting',
    orders((_, { tables }) => ({
      countWaiting: async () => {
        const tools = [...tables.orders.values()].map(({ order }) => order.command.tool)
        return [...new Set(tools)].map(tool => ({
          tool,
          count: tools.filter(each => each === tool).length,
          oldestMs: 100,
        }))
      },
    })),
    'waiting orders are counted by tool',
  ],
  [
    'finds taken orders as waiting',
    orders((_, { tables }) => ({
      findWaiting: async keys => keys.filter(key => tables.orders.has(nameOf(key))),
    })),
    'orders are found by their keys until a worker has taken them',
  ],
  [
    'exceeds a limit by named keys',
    orders((part, { tables }) => ({
      async take(worker, free, ttlMs, keys) {
        const rows = keys === undefined ? [] : [...tables.orders.values()].filter(row => row.worker !== undefined)
        for (const row of rows) row.isDetached = true
        const taken = await part.take(worker, free, ttlMs, keys)
        for (const row of rows) row.isDetached = false
        return taken
      },
    })),
    'the keys of a take exceed no limit',
  ],
  [
    'renews nothing without its worker',
    () => ({
      keepOrders: () => ({ begin: () => {}, end: () => {}, close: async () => {} }),
    }),
    RENEWED,
  ],
  [
    'reports and does not renew',
    (store, clock) => ({
      keepOrders: ({ workerId, onRenewed, ttlMs }) => {
        const { orders: rows } = store.tables
        const report = (): void => {
          const own = [...rows.values()].filter(
            ({ worker, cancelled }) => worker === workerId && cancelled !== undefined,
          )
          const cancelled = own.map(({ order, cancelled: reason }) => ({
            key: keyOf(order.command),
            reason: reason as AbortReason,
          }))
          if (cancelled.length > 0) onRenewed({ lost: [], cancelled })
          stop = clock.after(ttlMs / 3, report)
        }
        let stop = clock.after(ttlMs / 3, report)
        return { begin: () => {}, end: () => {}, close: async () => stop() }
      },
    }),
    RENEWED,
  ],
  [
    'renews what has ended',
    store => ({
      keepOrders: options => {
        const renewal = store.keepOrders(options)
        return { begin: (key, ms) => renewal.begin(key, ms), end: () => {}, close: () => renewal.close() }
      },
    }),
    RENEWED,
  ],
  [
    'reports after it was closed',
    (store, clock) => ({
      keepOrders: options => {
        const renewal = store.keepOrders(options)
        const again = (): void => {
          options.onRenewed({ lost: [], cancelled: [] })
          clock.after(options.ttlMs / 9, again)
        }
        return {
          begin: (key, ms) => renewal.begin(key, ms),
          end: key => renewal.end(key),
          close: async () => {
            await renewal.close()
            clock.after(options.ttlMs / 9, again)
          },
        }
      },
    }),
    RENEWED,
  ],
]

/** Orders that end by this method go on to count. */
function leaking(method: 'interrupt' | 'handBack' | 'interruptExpired'): SharedPlant {
  return orders((part, { tables }) => {
    const leaked: [string, Parameters<typeof tables.orders.set>[1]][] = []
    const leak = async (call: () => Promise<unknown>): Promise<never> => {
      const before = [...tables.orders].filter(([, row]) => row.worker !== undefined)
      const held = before.map(([name, row]) => [name, { ...row }] as (typeof leaked)[number])
      const result = await call()
      for (const [name, row] of held)
        if (tables.orders.get(name)?.worker === undefined)
          leaked.push([`${name} leaked ${leaked.length}`, { ...row, worker: 'nobody' }])
      return result as never
    }
    return {
      interrupt: (worker, keys) =>
        method === 'interrupt' ? leak(() => part.interrupt(worker, keys)) : part.interrupt(worker, keys),
      handBack: (worker, keys) =>
        method === 'handBack' ? leak(() => part.handBack(worker, keys)) : part.handBack(worker, keys),
      interruptExpired: () =>
        method === 'interruptExpired' ? leak(() => part.interruptExpired()) : part.interruptExpired(),
      async take(worker, free, ttlMs, keys) {
        for (const [name, row] of leaked) tables.orders.set(name, row)
        const taken = await part.take(worker, free, ttlMs, keys)
        for (const [name] of leaked) tables.orders.delete(name)
        return taken
      },
    }
  })
}
