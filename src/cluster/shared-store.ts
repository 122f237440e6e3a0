import type { LogEntry } from '../events/log-entry.ts'
import type { Lease } from '../log/event-log.ts'
import type { Registration } from '../store/create-and-claim.ts'
import type { ExecutionRecord, ExecutionStore } from '../store/execution-store.ts'
import type { AttemptMessage, Inbox, Reply } from './inbox.ts'
import type { Members } from './members.ts'
import type { Order, OrderSource, RenewedOrders, TakenOrder } from './order.ts'
import type { AttemptKey } from '../attempt/runner.ts'

/** What one round of a coordinator writes beside its log entries. */
export interface Round {
  /** Each has its `task_start` among the entries. */
  readonly orders: readonly Order[]
  /** Ids of the inbox messages that the entries follow from. */
  readonly consumed: readonly string[]
  /** Outcomes of consumed commands. */
  readonly replies: readonly Reply[]
}

/**
 * The right of servers to coordinate executions, for a limited time by the database's clock. A server that is dead, cut off or
 * blocked loses it; its next append fails with `FENCED`.
 */
export interface LeaseStore {
  /** Creates an execution and claims it in one transaction. @throws as `ExecutionStore.create` */
  create(holder: string, record: ExecutionRecord, ttlMs: number): Promise<Registration>
  /** Claims one execution, unless another living holder has it: `undefined`. @throws `EXECUTION_NOT_FOUND` */
  claim(holder: string, executionId: string, ttlMs: number): Promise<Lease | undefined>
  /**
   * Claims unfinished executions without a living holder, the oldest first. Excludes parked ones, and those that were created
   * but never claimed.
   * @param which `released`: only those that were given back, whatever has expired. @defaultValue `"all"`
   */
  claimFree(holder: string, limit: number, ttlMs: number, which?: 'all' | 'released'): Promise<readonly Lease[]>
  /** @returns the executions that the holder still has */
  renew(holder: string, ttlMs: number): Promise<readonly string[]>
  /** Gives an execution back: any server claims it at once. Ignored for a lease that is lost. */
  release(lease: Lease): Promise<void>
  /** The id of the living holder of an execution; `undefined` for none. */
  findHolder(executionId: string): Promise<string | undefined>
}

/** A change in the store that some process may wait for. */
export type Hint =
  /** `log`: entries were appended. `inbox`: messages were posted. `reply`: a command of this execution was answered. */
  | { readonly kind: 'log' | 'inbox' | 'reply'; readonly executionId: string }
  /** Orders wait for workers. */
  | { readonly kind: 'orders' }
  /** Cancellations or answers wait for this worker. */
  | { readonly kind: 'worker'; readonly workerId: string }

/**
 * Hints that shorten waits. The store publishes them itself. They may be late, lost, joined or repeated: each reader polls, too.
 */
export interface Hints {
  /**
   * @param wake `undefined`: hints may have been lost, look at everything
   * @param kinds those that it needs; others may come, too. @defaultValue all
   * @returns ends the subscription
   */
  subscribe(
    wake: (hints: readonly Hint[] | undefined) => void,
    kinds?: readonly Hint['kind'][],
  ): Promise<() => Promise<void>>
}

/** Renews the leases of a worker's orders independently of the event loop. */
export interface Renewal {
  /** An attempt runs; it is settled by the renewal as abandoned after `limitMs` if the event loop stays blocked. 0: never. */
  begin(key: AttemptKey, limitMs: number): void
  end(key: AttemptKey): void
  close(): Promise<void>
}

/** How a worker's orders are renewed. */
export interface RenewalOptions {
  readonly workerId: string
  readonly ttlMs: number
  /** Called on the event loop after each renewal that has something to report. */
  readonly onRenewed: (renewed: RenewedOrders) => void
}

/** What an exchange of a worker gives. */
export interface Exchanged {
  /** As the result of `Inbox.post`. */
  readonly accepted: readonly boolean[]
  /** As the result of `OrderSource.take`. */
  readonly taken: readonly TakenOrder[]
}

/**
 * A store of several processes: servers that coordinate executions, and workers that run their attempts. All times are those
 * of its database.
 *
 * Test an implementation with the conformance suites of `dagstream/testing`.
 */
export interface SharedStore extends ExecutionStore {
  /**
   * Appends entries and writes a round, in one transaction. The entries may be none. Retries while the database is away, within
   * the store's bound. An `execution_complete` among the entries removes the orders and messages of the execution that are
   * left; commands among them get the reply `EXECUTION_ENDED`.
   * @throws `FENCED`, `SEQ_CONFLICT`
   */
  commit(lease: Lease, firstSeq: number, entries: readonly LogEntry[], round: Round): Promise<void>
  readonly leases: LeaseStore
  readonly orders: OrderSource
  readonly inbox: Inbox
  readonly members: Members
  readonly hints: Hints
  /**
   * Posts messages of a worker and takes orders for the places that they free, sooner than `inbox.post` and `orders.take` one after
   * the other, with the same results. Absent: workers call those.
   * @param free the maximum number of orders, at least 1
   * @throws as `inbox.post`, or because of the take; nothing is taken then, or what is taken expires. The worker posts alone then
   */
  exchange?(workerId: string, messages: readonly AttemptMessage[], free: number, ttlMs: number): Promise<Exchanged>
  keepOrders(options: RenewalOptions): Renewal
  /** Closes all connections. */
  close(): Promise<void>
}

/** Whether a store is one of several processes. */
export function isSharedStore(store: ExecutionStore): store is SharedStore {
  return 'leases' in store && 'orders' in store && 'inbox' in store
}
