import type { TokenUsage } from '../events/token-usage.ts'
import type { AbortReason, Answer, AttemptCommand, AttemptKey, Question } from '../attempt/runner.ts'

/** The lowest and the highest priority of an execution. */
export const MIN_PRIORITY = -100 as const
export const MAX_PRIORITY = 100 as const

/** One attempt that a worker is to run. It exists from its `task_start` in the log until its attempt has settled. */
export interface Order {
  readonly command: AttemptCommand
  /** Owners take turns. */
  readonly owner?: string | undefined
  /** −100 to 100; higher ones are taken first. */
  readonly priority: number
}

/**
 * What a worker receives: an order to begin, or the answers that one of its attempts waited for. An order that was cancelled between its
 * take and the answer to it does not begin.
 */
export type TakenOrder =
  | { readonly kind: 'start'; readonly command: AttemptCommand; readonly cancelled?: AbortReason }
  | { readonly kind: 'answer'; readonly key: AttemptKey; readonly answers: readonly NumberedAnswer[] }

/** The answer to a question of an attempt. */
export interface NumberedAnswer {
  /** That of the question. */
  readonly number: number
  readonly answer: Answer
}

/** An order as a coordinator finds it when it takes an execution over. */
export interface OpenOrder {
  readonly key: AttemptKey
  /** The questions of its attempt that are open: it holds no permit. */
  readonly questions: readonly Question[]
  /** Of the last `usage` message of its attempt. */
  readonly usage?: TokenUsage
}

/** The result of a renewal. */
export interface RenewedOrders {
  /** Attempts that the worker no longer holds: their outcomes will be refused. */
  readonly lost: readonly AttemptKey[]
  /** Attempts that are to be aborted. Repeated at each renewal until they have settled. */
  readonly cancelled: readonly { readonly key: AttemptKey; readonly reason: AbortReason }[]
}

/**
 * The orders of all executions. A worker holds an order by a lease on the database's clock, until `interruptExpired` ends an
 * order whose lease has expired: an outcome or a renewal that comes before is accepted.
 *
 * A taken order counts towards the limit of its tool and towards `maxRunningPerOwner` unless its attempt waits for an answer.
 */
export interface OrderSource {
  /**
   * Takes orders for the announced tools of a worker, within the limits and rates of the tools: by priority, then owners in
   * turn, then the oldest first. Answers for its attempts come first.
   * @param free the maximum number
   * @param keys orders that come before others of the same priority and owner; those that do not wait are ignored. A store may
   * leave them out of account
   */
  take(workerId: string, free: number, ttlMs: number, keys?: readonly AttemptKey[]): Promise<readonly TakenOrder[]>
  /** Those of these orders that no worker has taken. */
  findWaiting(keys: readonly AttemptKey[]): Promise<readonly AttemptKey[]>
  /**
   * Extends the leases of orders.
   * @param keys the attempts that the worker knows of. An order whose `take` was never answered is not among them: it expires
   */
  renew(workerId: string, keys: readonly AttemptKey[], ttlMs: number): Promise<RenewedOrders>
  /** Gives orders back whose attempts have not begun: another worker takes them. Ignored for others than the worker holds. */
  handBack(workerId: string, keys: readonly AttemptKey[]): Promise<void>
  /** Ends orders with an `interrupted` message whose attempts the worker gives up after their start. */
  interrupt(workerId: string, keys: readonly AttemptKey[]): Promise<void>
  /**
   * Asks for the end of an attempt. An order that no worker has taken ends at once with a `settled` message of status
   * `cancelled`; a taken one is reported by `renew`. Idempotent; ignored for one that has settled.
   */
  cancel(key: AttemptKey, reason: AbortReason): Promise<void>
  /**
   * Answers questions of an attempt. Its worker takes the answers once no question of the attempt is open and the limits allow
   * it. Ignored for a question that is not open.
   */
  answer(key: AttemptKey, answers: readonly NumberedAnswer[]): Promise<void>
  /** The orders of an execution, and those that have ended and whose last message is in the inbox. */
  list(executionId: string): Promise<readonly OpenOrder[]>
  /** Ends the orders whose leases have expired with an `interrupted` message. @returns how many */
  interruptExpired(): Promise<number>
  /**
   * Orders that no living worker can take: each gets an `unclaimed` message once, and ends with a `settled` message of the
   * code `TOOLS_UNAVAILABLE` once that has lasted `toolsWaitMs`, as calls of this method have found it. @returns how many have
   * ended
   */
  refuseUnclaimed(toolsWaitMs: number): Promise<number>
  /** The orders that no worker has taken, by tool; at most 1,000 tools. */
  countWaiting(): Promise<readonly WaitingOrders[]>
}

/** The orders of one tool that no worker has taken. */
export interface WaitingOrders {
  readonly tool: string
  readonly count: number
  /** Age of the oldest, ms, by the database's clock. */
  readonly oldestMs: number
}

/**
 * Carries keys of orders to workers, beside the store that keeps the orders. Each waiting order is offered to one worker at a time,
 * until one has taken it, or knows that it is gone.
 *
 * Test an implementation with `testKeyDispatcher` of `dagstream/testing`.
 */
export interface Dispatcher {
  /** Such as `bullmq`. All processes on one store use the same. */
  readonly name: string
  /** Announces orders that are in the store. Idempotent by key. */
  dispatch(orders: readonly Order[]): Promise<void>
  /** Withdraws an order that has not been taken. */
  cancel(key: AttemptKey, code: string): Promise<void>
  /** Offers keys to a worker from here on. Absent: the worker asks the store. */
  receive?(receiver: KeyReceiver): Promise<Reception>
  close(): Promise<void>
}

/** A worker as a dispatcher sees it. */
export interface KeyReceiver {
  readonly workerId: string
  /** Maximum number of attempts at once. */
  readonly capacity: number
  /** Offers an order. Settles once the worker has asked the store for it, which may take until it has room; never rejects. */
  offer(key: AttemptKey, tool: string): Promise<Offered>
  /** `false`: keys do not arrive, so the worker asks the store. `true`: they do again, and some may be lost. */
  reachable(isReachable: boolean): void
}

/** What became of an offer. */
export type Offered =
  /** The worker holds the order. `ended` resolves once it does not hold a place of the worker any more. */
  | { readonly status: 'taken'; readonly ended: Promise<'done' | 'handed-back'> }
  /** It waits. `turn`: another one came first. `tool`: the worker lacks its tool. `limit`: a limit or a rate holds it back. */
  | { readonly status: 'postponed'; readonly cause: 'turn' | 'tool' | 'limit' }
  /** It does not wait any more. */
  | { readonly status: 'gone' }

/** The offers of a dispatcher to one worker. */
export interface Reception {
  /**
   * How many offers the worker accepts at once; never rejects. A higher count may take effect at the end of the next offer.
   * @param count 1 or more
   */
  limit(count: number): void
  /** The worker has taken orders that were not offered. Never rejects. */
  withdraw(keys: readonly AttemptKey[]): void
  /** Offers nothing more. */
  stop(): void
  /** Resolves once all offers have ended, within a bounded time; never rejects. Call `stop` first. */
  close(): Promise<void>
}
