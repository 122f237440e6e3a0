import type { AttemptKey } from '../attempt/runner.ts'
import { afterTurn, type Clock } from '../clock.ts'
import type { Dispatcher, KeyReceiver, Offered, Order, Reception, TakenOrder } from '../cluster/order.ts'
import type { SharedStore } from '../cluster/shared-store.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'

/** Time between two looks for orders that the dispatcher has lost, ms. */
export const LOOK_MS = 10_000 as const
/** An order that has waited so long is taken from the store, ms: its key may be lost. */
const MAX_WAIT_MS = 20_000
/** How long the worker asks the store after a limit may have held an order or answers back, ms. */
const LIMITED_MS = 10_000
/** How long the worker asks the store after the dispatcher has returned, ms. */
const RETURNED_MS = 30_000

/** The parts of the offers of a worker. */
export interface OffersParts {
  readonly dispatcher: Dispatcher
  readonly store: Pick<SharedStore, 'orders'>
  readonly workerId: string
  readonly clock: Clock
  readonly logger: Logger
  readonly capacity: number
  /** How many orders the worker can take. */
  readonly freeCount: () => number
  /** Whether the worker takes orders of a tool. */
  readonly hasTool: (tool: string) => boolean
  /** An offer waits, or the store is to be asked. */
  readonly wake: () => void
}

/** An order that the worker was offered and has not asked the store for. */
interface Offer {
  readonly key: AttemptKey
  readonly tool: string
  readonly settle: (offered: Offered) => void
}

/**
 * The offers of a dispatcher to this worker, and when the worker asks the store without one.
 *
 * A key is only a hint: the store decides which orders the worker receives. While keys may be missing, because the dispatcher
 * is away or a limit holds orders back, the worker asks the store as it does without a dispatcher.
 */
export class Offers implements KeyReceiver {
  readonly workerId: string
  readonly capacity: number
  readonly #parts: OffersParts
  readonly #ends = new Map<string, (end: 'done' | 'handed-back') => void>()
  #offers: Offer[] = []
  #reception: Reception | undefined
  #isReachable = false
  #wasReachable = false
  #directUntil = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(parts: OffersParts) {
    this.#parts = parts
    this.workerId = parts.workerId
    this.capacity = parts.capacity
  }

  /** @throws as `Dispatcher.receive` */
  async start(): Promise<void> {
    this.#reception = await this.#parts.dispatcher.receive?.(this)
  }

  /** Whether the worker asks the store also without an offer. */
  get isDirect(): boolean {
    return !this.#isReachable || this.#parts.clock.now() < this.#directUntil
  }

  get hasWaiting(): boolean {
    return this.#offers.length > 0
  }

  offer(key: AttemptKey, tool: string): Promise<Offered> {
    if (this.#isStopped) return Promise.resolve({ status: 'postponed', cause: 'turn' })
    return new Promise(settle => {
      this.#offers.push({ key, tool, settle })
      // Offers that come together are one take.
      if (this.#offers.length === 1) afterTurn(this.#parts.wake)
    })
  }

  reachable(isReachable: boolean): void {
    if (isReachable === this.#isReachable) return
    this.#isReachable = isReachable
    if (isReachable && this.#wasReachable) this.#askStoreFor(RETURNED_MS)
    this.#wasReachable = true
    this.#parts.wake()
  }

  /** The offers of the next take, as many as the worker has room for. Pass them to `settle`. */
  draw(): readonly Offer[] {
    return this.#offers.splice(0, Math.max(1, this.#parts.freeCount()))
  }

  /** Reports what a take gave. @param count what it asked for @param taken `undefined`: the store did not answer. */
  async settle(drawn: readonly Offer[], count: number, taken: readonly TakenOrder[] | undefined): Promise<void> {
    if (taken === undefined) return postpone(drawn, 'limit')
    const names = new Set<string>()
    for (const order of taken) if (order.kind === 'start') names.add(nameOf(order.command))
    const left: Offer[] = []
    for (const offer of drawn) {
      const name = nameOf(offer.key)
      if (!names.delete(name)) left.push(offer)
      else offer.settle({ status: 'taken', ended: new Promise(resolve => this.#ends.set(name, resolve)) })
    }
    const others = taken.filter(order => order.kind === 'start' && names.has(nameOf(order.command)))
    if (others.length > 0) this.#reception?.withdraw(others.map(order => toKey(order)))
    this.limit()
    if (left.length > 0) await this.#settleLeft(left, taken.length < count)
  }

  /** @param isLimited whether the store had nothing more for this worker */
  async #settleLeft(left: readonly Offer[], isLimited: boolean): Promise<void> {
    const { orders } = this.#parts.store
    const keys = left.map(({ key }) => key)
    let waiting = keys
    try {
      waiting = [...(await orders.findWaiting(keys))]
    } catch (error) {
      this.#parts.logger.debug('Offers could not be compared with the store', { error: describeError(error) })
    }
    const names = new Set(waiting.map(nameOf))
    for (const { key, tool, settle } of left) {
      if (!names.has(nameOf(key))) settle({ status: 'gone' })
      else if (!this.#parts.hasTool(tool)) settle({ status: 'postponed', cause: 'tool' })
      else {
        // The store tells when the limit allows it again.
        if (isLimited) this.#askStoreFor(LIMITED_MS)
        settle({ status: 'postponed', cause: isLimited ? 'limit' : 'turn' })
      }
    }
  }

  /** An attempt holds no place any more. Ignored for one that was not offered. */
  ended(key: AttemptKey, end: 'done' | 'handed-back' = 'done'): void {
    const name = nameOf(key)
    this.#ends.get(name)?.(end)
    this.#ends.delete(name)
    this.limit()
  }

  /** Orders have been given back to the store: they are offered again. Never rejects. */
  handedBack(orders: readonly TakenOrder[]): void {
    const withdrawn: Order[] = []
    for (const order of orders) {
      if (order.kind !== 'start') continue
      if (this.#ends.has(nameOf(order.command))) this.ended(order.command, 'handed-back')
      else withdrawn.push({ command: order.command, priority: 0 })
    }
    if (withdrawn.length === 0) return
    this.#parts.dispatcher.dispatch(withdrawn).catch((error: unknown) => {
      // They are found by their age.
      this.#parts.logger.debug('Orders were not offered again', { error: describeError(error) })
    })
  }

  /** Accepts as many offers as there is room for, besides those that it holds. */
  limit(): void {
    this.#reception?.limit(Math.max(1, this.#parts.freeCount() + this.#ends.size))
  }

  /** Answers may wait, perhaps for a permit. No dispatcher offers them. */
  answersMayWait(): void {
    this.#askStoreFor(LIMITED_MS)
  }

  /** Looks for orders whose keys may be lost: then the store is asked. Never rejects. */
  async look(): Promise<void> {
    const { store, hasTool, logger } = this.#parts
    try {
      const waiting = await store.orders.countWaiting()
      const isLate = waiting.some(({ tool, oldestMs }) => oldestMs >= MAX_WAIT_MS && hasTool(tool))
      if (isLate) this.#askStoreFor(2 * LOOK_MS)
    } catch (error) {
      logger.debug('Waiting orders could not be counted', { error: describeError(error) })
    }
  }

  /** Accepts no offers any more. */
  stop(): void {
    this.#isStopped = true
    this.#reception?.stop()
    postpone(this.#offers.splice(0), 'turn')
  }

  /** Resolves once the dispatcher knows what became of all offers, within a bounded time; never rejects. */
  async close(): Promise<void> {
    this.stop()
    for (const end of this.#ends.values()) end('done')
    this.#ends.clear()
    await this.#reception?.close()
  }

  #askStoreFor(ms: number): void {
    this.#directUntil = Math.max(this.#directUntil, this.#parts.clock.now() + ms)
  }
}

function postpone(offers: readonly Offer[], cause: 'turn' | 'limit'): void {
  for (const { settle } of offers) settle({ status: 'postponed', cause })
}

function toKey(order: TakenOrder): AttemptKey {
  const { executionId, taskId, attempt } = order.kind === 'start' ? order.command : order.key
  return { executionId, taskId, attempt }
}

function nameOf({ executionId, taskId, attempt }: AttemptKey): string {
  return `${executionId}.${attempt}.${taskId}`
}
