import type { Inbox } from '../../../src/cluster/inbox.ts'
import type { Members } from '../../../src/cluster/members.ts'
import type { OrderSource } from '../../../src/cluster/order.ts'
import type { LeaseStore, Round, SharedStore } from '../../../src/cluster/shared-store.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../../support/memory-shared-store.ts'
import type { FakeClock } from '../../support/fake-clock.ts'
import { override } from './planted.ts'

/** A shared store with the faulty parts in place of its own. */
export type SharedPlant = (store: MemorySharedStore, clock: FakeClock) => Partial<SharedStore>

export function createPlanted(plant: SharedPlant, clock: FakeClock): SharedStore {
  const store = createMemorySharedStore(clock)
  return { ...store, ...plant(store, clock) }
}

type Faulty<Part> = (part: Part, store: MemorySharedStore, clock: FakeClock) => Partial<Part>

export const leases =
  (faulty: Faulty<LeaseStore>): SharedPlant =>
  (store, clock) => ({ leases: override(store.leases, faulty(store.leases, store, clock)) })

export const orders =
  (faulty: Faulty<OrderSource>): SharedPlant =>
  (store, clock) => ({ orders: override(store.orders, faulty(store.orders, store, clock)) })

export const inbox =
  (faulty: Faulty<Inbox>): SharedPlant =>
  (store, clock) => ({ inbox: override(store.inbox, faulty(store.inbox, store, clock)) })

export const members =
  (faulty: Faulty<Members>): SharedPlant =>
  (store, clock) => ({ members: override(store.members, faulty(store.members, store, clock)) })

/** A store that changes the rounds of its commits. */
export const rounds =
  (change: (round: Round, store: MemorySharedStore) => Round): SharedPlant =>
  store => ({
    commit: (lease, firstSeq, entries, round) => store.commit(lease, firstSeq, entries, change(round, store)),
  })
