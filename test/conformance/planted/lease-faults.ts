import type { Lease } from '../../../src/log/event-log.ts'
import type { ExecutionStore } from '../../../src/store/execution-store.ts'
import type { MemorySharedStore } from '../../support/memory-shared-store.ts'
import { override, type Planted } from './planted.ts'
import { leases, members, type SharedPlant } from './shared-planted.ts'

const TIMES = 'a lease expires after its time, however it was claimed'
const EXPIRY = 'a lease that is not renewed is free, and fenced off by its next claim'
const FREE = 'free are only executions that run'
const TAKEN = 'a lease that was taken over writes nothing'

/** Claims whatever `isFree` says of those that a correct store leaves. */
async function claimMore(
  store: MemorySharedStore,
  isFree: (executionId: string) => boolean | Promise<boolean>,
  [holder, limit, ttlMs]: readonly [string, number, number, ...unknown[]],
): Promise<readonly Lease[]> {
  const claimed = [...(await store.leases.claimFree(holder, limit, ttlMs))]
  for (const { executionId } of await store.list({ limit: 1000 })) {
    if (claimed.length >= limit || !(await isFree(executionId))) continue
    const lease = await store.leases.claim(holder, executionId, ttlMs)
    if (lease !== undefined && !claimed.some(each => each.executionId === executionId)) claimed.push(lease)
  }
  return claimed
}

/** The newest lease, whichever was given. */
const newest = ({ tables }: MemorySharedStore, lease: Lease): Lease => ({
  ...lease,
  epoch: tables.holders.get(lease.executionId)?.epoch ?? lease.epoch,
})

/** Faults of leases and members. */
export const LEASE_FAULTS: readonly Planted<SharedPlant>[] = [
  [
    'lets two holders claim one execution',
    leases((part, { tables }) => ({
      claim: (holder, id, ttlMs) => {
        const row = tables.holders.get(id)
        if (row !== undefined) row.expiresAt = 0
        return part.claim(holder, id, ttlMs)
      },
    })),
    'an execution has one living holder',
  ],
  [
    'claims without a higher epoch',
    leases((part, { tables }) => ({
      async claimFree(holder, limit, ttlMs) {
        const claimed = await part.claimFree(holder, limit, ttlMs)
        return claimed.map(lease => ({
          ...lease,
          epoch: Math.max(1, (tables.holders.get(lease.executionId)?.epoch ?? 1) - 1),
        }))
      },
      async claim(holder, id, ttlMs) {
        const lease = await part.claim(holder, id, ttlMs)
        return lease && { ...lease, epoch: 1 }
      },
    })),
    TAKEN,
  ],
  [
    'does not fence earlier leases',
    store => ({
      commit: (lease, first, entries, round) => store.commit(newest(store, lease), first, entries, round),
    }),
    EXPIRY,
  ],
  [
    'does not fence the append of earlier leases',
    store => ({
      append: (lease, first, entries) => store.append(newest(store, lease), first, entries),
    }),
    TAKEN,
  ],
  [
    'does not fence a round without entries',
    store => ({
      commit: (lease, first, entries, round) =>
        store.commit(entries.length === 0 ? newest(store, lease) : lease, first, entries, round),
    }),
    'a commit that is refused writes nothing of its round',
  ],
  [
    'does not fence outputs after a takeover',
    store => ({
      putOutput: (lease, taskId, json) => store.putOutput(newest(store, lease), taskId, json),
    }),
    TAKEN,
  ],
  [
    'does not fence secrets after a takeover',
    store => {
      const secrets = store.secrets as NonNullable<ExecutionStore['secrets']>
      return {
        secrets: {
          put: (lease, inputId, json) => secrets.put(newest(store, lease), inputId, json),
          get: (id, inputId) => secrets.get(id, inputId),
          keep: (lease, ids) => secrets.keep(newest(store, lease), ids),
        },
      }
    },
    TAKEN,
  ],
  [
    'fences by the holder alone',
    store => {
      const holders = new Map<string, string | undefined>()
      return {
        leases: override(store.leases, {
          claim: async (holder, id, ttlMs) => {
            const lease = await store.leases.claim(holder, id, ttlMs)
            holders.set(id, holder)
            return lease
          },
          create: async (holder, record, ttlMs) => {
            holders.set(record.executionId, holder)
            return store.leases.create(holder, record, ttlMs)
          },
        }),
        putOutput: (lease, taskId, json) => {
          const isSame = store.tables.holders.get(lease.executionId)?.holder === holders.get(lease.executionId)
          return store.putOutput(isSame ? newest(store, lease) : lease, taskId, json)
        },
        append: (lease, first, entries) => store.append(newest(store, lease), first, entries),
      }
    },
    'an earlier lease of the same holder writes nothing, and is released without effect',
  ],
  [
    'renews a lease that was taken over',
    leases((part, { tables }) => {
      const had = new Map<string, string>()
      return {
        async create(holder, record, ttlMs) {
          had.set(record.executionId, holder)
          return part.create(holder, record, ttlMs)
        },
        async renew(holder, ttlMs) {
          const renewed = await part.renew(holder, ttlMs)
          const all = [...had].filter(([id, first]) => first === holder && tables.holders.has(id)).map(([id]) => id)
          return [...new Set([...renewed, ...all])]
        },
      }
    }),
    EXPIRY,
  ],
  [
    'renews the leases of all',
    leases((part, { tables }, clock) => ({
      renew: (holder, ttlMs) => {
        for (const row of tables.holders.values()) row.expiresAt = clock.now() + ttlMs
        return part.renew(holder, ttlMs)
      },
    })),
    'a renewal extends the leases of its holder alone',
  ],
  [
    'renews without effect',
    leases((part, { tables }) => ({
      async renew(holder, ttlMs) {
        const times = new Map([...tables.holders].map(([id, row]) => [id, row.expiresAt]))
        const renewed = await part.renew(holder, ttlMs)
        for (const [id, row] of tables.holders) row.expiresAt = times.get(id) ?? row.expiresAt
        return renewed
      },
    })),
    EXPIRY,
  ],
  [
    'releases by any lease',
    leases((part, store) => ({ release: lease => part.release(newest(store, lease)) })),
    EXPIRY,
  ],
  ['releases nothing', leases(() => ({ release: async () => {} })), 'a lease that is released is free at once'],
  ['creates for ever', leases(part => ({ create: (holder, record) => part.create(holder, record, 1e9) })), TIMES],
  ['claims for ever', leases(part => ({ claim: (holder, id) => part.claim(holder, id, 1e9) })), TIMES],
  [
    'claims what is free for ever',
    leases(part => ({ claimFree: (holder, limit) => part.claimFree(holder, limit, 1e9) })),
    TIMES,
  ],
  [
    'keeps a holder whose time is over',
    leases((_, { tables }) => ({
      findHolder: async id => tables.holders.get(id)?.holder,
    })),
    TIMES,
  ],
  [
    'claims what others hold as free',
    leases((part, store) => ({
      async claimFree(holder, limit, ttlMs) {
        for (const row of store.tables.holders.values()) if (row.holder !== holder) row.expiresAt = 0
        return part.claimFree(holder, limit, ttlMs)
      },
    })),
    'an execution has one living holder',
  ],
  [
    'claims what has expired where only what was released is asked for',
    leases(part => ({ claimFree: (holder, limit, ttlMs) => part.claimFree(holder, limit, ttlMs) })),
    'of free executions those that were released are claimed alone',
  ],
  [
    'claims parked executions',
    leases((_, store) => ({
      claimFree: (...given) => claimMore(store, async id => (await store.get(id))?.parked !== undefined, given),
    })),
    FREE,
  ],
  [
    'claims ended executions',
    leases((_, store) => ({
      claimFree: (...given) => claimMore(store, async id => (await store.get(id))?.status === 'success', given),
    })),
    FREE,
  ],
  [
    'claims what was never claimed',
    leases((_, store) => ({
      claimFree: (...given) => claimMore(store, id => !store.tables.holders.has(id), given),
    })),
    FREE,
  ],
  [
    'never claims again what was parked',
    leases((part, store) => ({
      async claimFree(holder, limit, ttlMs) {
        const found: Lease[] = []
        for (const lease of await part.claimFree(holder, limit, ttlMs)) {
          const entries = await store.read(lease.executionId, 0, 1000)
          if (!entries.some(({ type }) => type === 'execution_parked')) found.push(lease)
        }
        return found
      },
    })),
    'an execution that was parked and resumed is free',
  ],
  [
    'claims the newest first',
    leases((_, store) => ({
      async claimFree(holder, limit, ttlMs) {
        const all = (await store.list({ limit: 1000 })).toReversed()
        const found: Lease[] = []
        for (const { executionId, status } of all) {
          const isFree = status === 'running' && (await store.leases.findHolder(executionId)) === undefined
          const lease =
            isFree && found.length < limit ? await store.leases.claim(holder, executionId, ttlMs) : undefined
          if (lease !== undefined) found.push(lease)
        }
        return found
      },
    })),
    'free executions are claimed oldest first',
  ],
  [
    'claims more than it was asked for',
    leases(part => ({ claimFree: (holder, _, ttlMs) => part.claimFree(holder, 1e9, ttlMs) })),
    'free executions are claimed oldest first',
  ],
  [
    'looks for a holder and claims a moment later',
    leases((part, { tables }, clock) => ({
      async claim(holder, id, ttlMs) {
        const isFree = (await part.findHolder(id)) === undefined
        await Promise.resolve()
        if (!isFree) return undefined
        const row = tables.holders.get(id)
        if (row !== undefined) row.expiresAt = clock.now()
        return part.claim(holder, id, ttlMs)
      },
    })),
    'of claims at once one succeeds',
  ],
  [
    'creates two executions of one key at once',
    leases((part, { tables }) => ({
      async create(holder, record, ttlMs) {
        const { idempotencyKey: _, ...rest } = record
        const known = (await tables.executions.list({ limit: 1000 })).find(each => each.owner === record.owner)
        return known === undefined ? part.create(holder, rest, ttlMs) : part.create(holder, record, ttlMs)
      },
    })),
    'of creations at once with one key one is claimed',
  ],
  [
    'forgets messages at a takeover',
    leases((part, { tables }) => ({
      claim: (holder, id, ttlMs) => {
        for (const [name, { message }] of tables.messages)
          if ('key' in message && message.key.executionId === id) tables.messages.delete(name)
        return part.claim(holder, id, ttlMs)
      },
    })),
    'messages wait for the next holder, and its workers go on',
  ],
  [
    'keeps the holder of what it deletes',
    store => ({
      delete: id => {
        const row = store.tables.holders.get(id)
        const isDeleted = store.delete(id)
        if (row !== undefined) store.tables.holders.set(id, row)
        return isDeleted
      },
    }),
    'a deleted execution has no holder and is not free',
  ],
  [
    'lists members whose time is over',
    members((_, { tables }) => ({
      list: async () => [...tables.members.values()].map(({ member }) => member),
    })),
    'members are listed while they live, with what they announced last',
  ],
  [
    'keeps the first announcement of a member',
    members((part, { tables }) => ({
      async announce(member, dispatcher, ttlMs) {
        const known = tables.members.get(member.memberId)?.member
        return part.announce(known ?? member, dispatcher, ttlMs)
      },
    })),
    'members are listed while they live, with what they announced last',
  ],
  [
    'accepts members with any dispatcher',
    members(part => ({
      announce: (member, _, ttlMs) => part.announce(member, 'store', ttlMs),
    })),
    'members with another dispatcher are refused while others live',
  ],
  [
    'counts the subscribers of members that are gone',
    members((_, { tables }) => ({
      async countSubscribers(id) {
        return [...tables.subscribers.values()].reduce((sum, own) => sum + (own.get(id) ?? 0), 0)
      },
    })),
    'subscribers of an execution are counted at all living members',
  ],
  [
    'adds up subscribers of one member',
    members((part, { tables }) => ({
      setSubscribers: (member, id, count) =>
        part.setSubscribers(member, id, count === 0 ? 0 : count + (tables.subscribers.get(member)?.get(id) ?? 0)),
    })),
    'subscribers of an execution are counted at all living members',
  ],
  [
    'keeps every tool that a worker ever had',
    members((part, { tables }) => ({
      announce: (member, dispatcher, ttlMs) => {
        const before = tables.members.get(member.memberId)?.member.tools ?? []
        const names = new Set(member.tools.map(({ name }) => name))
        const tools = [...member.tools, ...before.filter(({ name }) => !names.has(name))]
        return part.announce({ ...member, tools }, dispatcher, ttlMs)
      },
    })),
    'a worker takes orders of the tools that it announced last',
  ],
]
