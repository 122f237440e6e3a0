import type { AttemptKey } from '../attempt/runner.ts'
import { afterTurn, type Clock, isTurnSpent } from '../clock.ts'
import type { Dispatcher, TakenOrder } from '../cluster/order.ts'
import type { SharedStore } from '../cluster/shared-store.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'
import type { Rate } from '../tools/rate.ts'
import { LOOK_MS, Offers } from './offers.ts'
import { settleWithin } from './settle-within.ts'

/** Time between takes without a hint, ms. */
const POLL_MS = 1000
/** The least time between takes for the token of a rate, ms. */
const MIN_POLL_MS = 50
/** How long after the last call of a tool with a rate its tokens are polled for, ms. */
const RATED_MS = 10_000
/** How long a post waits for a take in flight, ms. */
const MAX_TURN_MS = 20
/** Random share of the time between takes. */
const JITTER = 0.2

/** The parts of an intake. */
export interface IntakeParts {
  readonly store: Pick<SharedStore, 'orders' | 'exchange'>
  readonly workerId: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** How many orders the worker can take; 0 while it cannot report. */
  readonly freeCount: () => number
  /** The order is held from now on. */
  readonly taken: (order: TakenOrder) => void
  /** The order begins, in a turn of the event loop that has time for it. */
  readonly begin: (order: TakenOrder) => void
  readonly rateOf: (tool: string) => Rate | undefined
  /** Without one that offers keys the store is asked at each hint and each second. */
  readonly dispatcher: Dispatcher | undefined
  /** Maximum number of attempts at once. */
  readonly capacity: number
  readonly hasTool: (tool: string) => boolean
}

/**
 * Takes orders: at each hint and each second, or for each offer of a dispatcher, one take at a time, never more than the worker
 * has room for.
 */
export class OrderIntake {
  readonly #parts: IntakeParts
  readonly #offers: Offers | undefined
  #isTaking = false
  #isDue = false
  #isStopped = false
  /** The next take needs no offer: answers may wait, which no dispatcher offers. */
  #isLooking = false
  #isAway = false
  /** The last take gave about all that was asked for, or did not ask: more orders may wait for room. */
  #mayHaveMore = true
  #stopTimer: (() => void) | undefined
  #ratedUntil = Number.NEGATIVE_INFINITY
  #ratedMs = POLL_MS
  /** Called once no take is in flight. */
  #idle: (() => void)[] = []

  constructor(parts: IntakeParts) {
    this.#parts = parts
    const { dispatcher } = parts
    const isOffered = dispatcher?.receive !== undefined
    this.#offers = isOffered ? new Offers({ ...parts, dispatcher, wake: () => this.wake() }) : undefined
  }

  /** Takes orders from here on. @throws as `Dispatcher.receive` */
  async start(): Promise<void> {
    await this.#offers?.start()
    this.wake()
  }

  /** An attempt counts no more towards the capacity, or never did. */
  ended(key: AttemptKey): void {
    this.#offers?.ended(key)
    // The store gives a hint when the end frees a permit.
    if (this.#offers === undefined && !this.#mayHaveMore) return
    // Attempts whose outcomes one post has stored end together: one take fills all their places.
    queueMicrotask(() => this.wake())
  }

  /** Ends what `stop` has left: call it once no attempt runs. Never rejects. */
  async close(): Promise<void> {
    await this.#offers?.close()
  }

  /** Orders may wait, or there is room for them. @param mayHaveAnswers whether answers may wait, too */
  wake(mayHaveAnswers = false): void {
    if (this.#isStopped) return
    if (mayHaveAnswers) this.#offers?.answersMayWait()
    this.#isDue = true
    if (!this.#isTaking) void this.#takeAll()
  }

  /** Resolves once a take in flight, which a post could have replaced, has ended or has lasted for long. */
  turn(): Promise<void> {
    if (!this.#isTaking || !this.#canJoin) return Promise.resolve()
    return settleWithin(this.#parts.clock, MAX_TURN_MS, new Promise(resolve => this.#idle.push(resolve)))
  }

  /**
   * Begins a take that goes along with a post. While one is in flight there is no other.
   * @param freeing how many places the post frees
   * @returns how many orders to take; 0: none. Otherwise call `joined`
   */
  join(freeing: number): number {
    if (freeing === 0 || this.#isTaking || this.#isStopped || !this.#canJoin) return 0
    // Below 0 before it, where attempts that had asked have ended while others ran in their places.
    const count = Math.max(0, this.#parts.freeCount() + freeing)
    this.#isTaking = count > 0
    return count
  }

  /** Ends such a take. @param taken `undefined`: it did not come about */
  joined(count: number, taken: readonly TakenOrder[] | undefined): void {
    if (taken !== undefined) this.#hold(taken, count)
    void this.#begin(taken ?? []).then(() => this.#takeAll())
  }

  /** Takes nothing more. Resolves once the take in flight has ended and its orders are given back. */
  stop(): Promise<void> {
    this.#isStopped = true
    this.#stopTimer?.()
    this.#offers?.stop()
    return this.#isTaking ? new Promise(resolve => this.#idle.push(resolve)) : Promise.resolve()
  }

  /** Never rejects. */
  async #takeAll(): Promise<void> {
    this.#isTaking = true
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false
      await this.#take()
    }
    this.#isTaking = false
    for (const resolve of this.#idle.splice(0)) resolve()
    if (!this.#isStopped) this.#armTimer()
  }

  /** Whether a post may take orders along, and there may be some. */
  get #canJoin(): boolean {
    return this.#mayHaveMore && this.#offers === undefined && this.#parts.store.exchange !== undefined
  }

  #armTimer(): void {
    const { clock, random } = this.#parts
    const offers = this.#offers
    this.#stopTimer?.()
    const isDirect = offers === undefined || offers.isDirect
    const directMs = clock.now() < this.#ratedUntil ? this.#ratedMs : POLL_MS
    const pollMs = isDirect ? directMs : LOOK_MS
    // Members that started together must not ask together for ever.
    this.#stopTimer = clock.after(pollMs * (1 + JITTER * (2 * random() - 1)), () => {
      if (isDirect) return this.wake()
      this.#isLooking = true
      void offers.look().then(() => this.wake())
    })
  }

  async #take(): Promise<void> {
    const { store, workerId, leaseMs, freeCount, logger } = this.#parts
    const offers = this.#offers
    this.#mayHaveMore = true
    const free = freeCount()
    if (free <= 0) return
    const isDirect = offers === undefined || offers.isDirect || this.#isLooking
    if (!isDirect && !offers.hasWaiting) return
    this.#isLooking = false
    const drawn = offers?.draw() ?? []
    if (offers?.hasWaiting) this.#isDue = true
    const count = isDirect ? free : drawn.length
    let taken: readonly TakenOrder[]
    try {
      const keys = drawn.map(({ key }) => key)
      taken = await store.orders.take(workerId, count, leaseMs, ...(keys.length > 0 ? [keys] : []))
    } catch (error) {
      await offers?.settle(drawn, count, undefined)
      if (!this.#isAway)
        logger.warn('The store gives no orders: asked again until it does', { error: describeError(error) })
      this.#isAway = true
      return
    }
    if (this.#isAway) logger.debug('The store gives orders again')
    this.#isAway = false
    this.#hold(taken, count)
    await Promise.all([offers?.settle(drawn, count, taken), this.#begin(taken)])
  }

  /**
   * All are held before the first begins: their leases are renewed meanwhile, and they take up room.
   * @param count how many were asked for
   */
  #hold(taken: readonly TakenOrder[], count: number): void {
    this.#mayHaveMore = 2 * taken.length >= count
    if (!this.#isStopped) for (const order of taken) this.#parts.taken(order)
  }

  /** Never rejects. */
  async #begin(taken: readonly TakenOrder[]): Promise<void> {
    const { begin } = this.#parts
    for (const [at, order] of taken.entries()) {
      if (isTurnSpent()) await new Promise<void>(resolve => afterTurn(resolve))
      if (this.#isStopped) return await this.#handBack(taken.slice(at))
      if (order.kind === 'start') this.#noteRate(order.command.tool)
      begin(order)
    }
  }

  /** A token may come sooner than the next poll. */
  #noteRate(tool: string): void {
    const rate = this.#parts.rateOf(tool)
    if (rate === undefined) return
    const { clock } = this.#parts
    const now = clock.now()
    const ms = Math.min(POLL_MS, Math.max(MIN_POLL_MS, rate.perMs / rate.max))
    this.#ratedMs = now < this.#ratedUntil ? Math.min(this.#ratedMs, ms) : ms
    this.#ratedUntil = now + RATED_MS
  }

  async #handBack(taken: readonly TakenOrder[]): Promise<void> {
    const { store, workerId, logger } = this.#parts
    const keys = taken.flatMap(order => (order.kind === 'start' ? [toKey(order.command)] : []))
    if (keys.length === 0) return
    try {
      await store.orders.handBack(workerId, keys)
      this.#offers?.handedBack(taken)
    } catch (error) {
      logger.warn('Orders were not given back: their leases expire', { error: describeError(error) })
    }
  }
}

function toKey({ executionId, taskId, attempt }: AttemptKey): AttemptKey {
  return { executionId, taskId, attempt }
}
