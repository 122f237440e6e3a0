import type { Clock } from '../../src/clock.ts'
import type { Exchanged, Round, SharedStore } from '../../src/cluster/shared-store.ts'
import type { LogEntry } from '../../src/events/log-entry.ts'
import type { Lease } from '../../src/log/event-log.ts'
import { createMemoryStore } from '../../src/store/memory-store.ts'
import { type HintDelay, MemoryHints } from './shared/hints.ts'
import { MemoryInbox } from './shared/inbox.ts'
import { MemoryLeases } from './shared/leases.ts'
import { MemoryMembers } from './shared/members.ts'
import { MemoryOrders } from './shared/orders.ts'
import { renewOnTimer } from './shared/renewal.ts'
import { copyJson, executionOf, keyOf, nameOf, SharedTables } from './shared/tables.ts'

/** A shared store in memory, and what a test decides about it. */
export interface MemorySharedStore extends SharedStore {
  /** Its rows. */
  readonly tables: SharedTables
  /** Decides when hints arrive. @defaultValue in a microtask */
  delayHints(delay: HintDelay): void
  /** Tells all subscribers that hints may have been lost. */
  interruptHints(): void
  /** The same store for another process: closing it ends only its own subscriptions. */
  connect(): SharedStore
}

/**
 * The reference implementation of `SharedStore`: each method takes effect at once, and time is that of the clock.
 *
 * Objects that are taken from it are copies.
 */
export function createMemorySharedStore(clock: Clock): MemorySharedStore {
  const unbounded = { maxFinishedAgeMs: 1e12, maxFinishedCount: 1e9, maxFinishedBytes: 1e12 }
  const executions = createMemoryStore({ clock, ...unbounded })
  const hints = new MemoryHints(clock)
  const tables = new SharedTables(clock, executions, hint => hints.publish(hint))
  const leases = new MemoryLeases(tables)
  const orders = new MemoryOrders(tables)

  const connect = (): SharedStore => {
    const own = hints.connect()
    return {
      ...executions,
      claim: executionId => leases.claimFor(undefined, executionId, 0),
      append: async (lease, firstSeq, entries) => commit(tables, lease, firstSeq, entries),
      commit: async (lease, firstSeq, entries, round) => commit(tables, lease, firstSeq, entries, round),
      delete(executionId) {
        tables.clear(executionId)
        tables.holders.delete(executionId)
        return executions.delete(executionId)
      },
      leases,
      orders,
      inbox: new MemoryInbox(tables),
      members: new MemoryMembers(tables),
      hints: own,
      exchange: exchangeByParts,
      keepOrders: options => renewOnTimer({ orders }, clock, options),
      close: async () => own.close(),
    }
  }
  return {
    ...connect(),
    tables,
    delayHints: delay => void (hints.delay = delay),
    interruptHints: () => hints.interrupt(),
    connect,
  }
}

/** By the parts of the store that it is called on: a test that replaces one of them replaces it here, too. */
async function exchangeByParts(
  this: SharedStore,
  ...[workerId, messages, free, ttlMs]: Parameters<NonNullable<SharedStore['exchange']>>
): Promise<Exchanged> {
  const accepted = await this.inbox.post(workerId, messages)
  return { accepted, taken: await this.orders.take(workerId, free, ttlMs) }
}

/** One transaction. */
function commit(
  tables: SharedTables,
  lease: Lease,
  firstSeq: number,
  entries: readonly LogEntry[],
  round?: Round,
): void {
  const { executionId } = lease
  // Throws before anything is written. Its methods are synchronous.
  void tables.executions.append(lease, firstSeq, entries)
  for (const id of round?.consumed ?? []) tables.messages.delete(id)
  for (const reply of round?.replies ?? []) tables.replies.set(reply.commandId, reply)
  for (const order of round?.orders ?? []) {
    tables.orders.set(nameOf(keyOf(order.command)), {
      order: copyJson(order),
      age: tables.next(),
      createdAt: tables.clock.now(),
      worker: undefined,
      expiresAt: 0,
      cancelled: undefined,
      lastNumber: 0,
      questions: new Map(),
      usage: undefined,
      answers: [],
      isDetached: false,
      isReported: false,
      unclaimedSince: undefined,
    })
  }
  if (entries.at(-1)?.type === 'execution_complete') end(tables, executionId)
  if (entries.length > 0) tables.publish({ kind: 'log', executionId })
  if ((round?.orders.length ?? 0) > 0) tables.publish({ kind: 'orders' })
  if ((round?.replies.length ?? 0) > 0) tables.publish({ kind: 'reply', executionId })
}

/** Commands that came too late are answered; nothing else of the execution is left. */
function end(tables: SharedTables, executionId: string): void {
  for (const { message } of tables.messages.values()) {
    if (!('commandId' in message) || executionOf(message) !== executionId) continue
    const error = { code: 'EXECUTION_ENDED', message: `Execution \`${executionId}\` has ended` }
    tables.replies.set(message.commandId, { commandId: message.commandId, error })
    tables.publish({ kind: 'reply', executionId })
  }
  tables.clear(executionId)
}
