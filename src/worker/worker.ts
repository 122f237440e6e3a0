import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import { LocalRunner } from '../attempt/local-runner.ts'
import { MAX_RETRY_AFTER_MS } from '../attempt/retry.ts'
import type { AbortReason } from '../attempt/runner.ts'
import type { AnnouncedTool, Member } from '../cluster/members.ts'
import type { RenewedOrders, TakenOrder } from '../cluster/order.ts'
import type { Hint } from '../cluster/shared-store.ts'
import { PACKAGE_VERSION } from '../cluster/version.ts'
import { describeError } from '../log/describe-error.ts'
import type { RegisteredTool, ToolRegistry } from '../tools/registry.ts'
import { type AttemptEnd, type AttemptHolder, END_WARNINGS, HeldAttempt } from './held-attempt.ts'
import { HeldAttempts } from './held-attempts.ts'
import { OrderIntake } from './order-intake.ts'
import { OrderRenewal } from './order-renewal.ts'
import { Outbox } from './outbox.ts'
import { settleWithin } from './settle-within.ts'
import type { ResolvedWorkerOptions } from './worker-options.ts'

/** Time to post the last news of a worker that ends, ms; after it its leases expire. */
const FLUSH_MS = 5000

/** What a worker has done. */
export interface WorkerCounters {
  /** Attempts that began. */
  begunCount: number
  /** Outcomes that the store has refused: another one counts. */
  refusedCount: number
}

/** Takes orders of a shared store, runs them in this process and posts what they report. */
export class Worker implements AttemptHolder {
  readonly tools: readonly AnnouncedTool[]
  readonly counters: WorkerCounters = { begunCount: 0, refusedCount: 0 }
  readonly #options: ResolvedWorkerOptions
  readonly #registry: ToolRegistry
  readonly #held = new HeldAttempts()
  readonly #runner: LocalRunner
  readonly #outbox: Outbox
  readonly #intake: OrderIntake
  readonly #interrupted: HeldAttempt[] = []
  readonly #startedAt: string
  #renewal: OrderRenewal | undefined
  #unsubscribe: (() => Promise<void>) | undefined
  #drained: Promise<void> | undefined

  /** @param tools those that it takes orders of, from the registry */
  constructor(options: ResolvedWorkerOptions, registry: ToolRegistry, tools: readonly AnnouncedTool[]) {
    const { store, workerId, leaseMs, clock, random, logger, abortGraceMs, dispatcher, concurrency } = options
    this.#options = options
    this.#registry = registry
    this.tools = tools
    this.#startedAt = new Date(clock.wallTime()).toISOString()
    const names = new Set(tools.map(({ name }) => name))
    const get = (name: string): RegisteredTool | undefined => (names.has(name) ? registry.get(name) : undefined)
    this.#runner = new LocalRunner({ tools: { get }, clock, abortGraceMs })
    const shared = { store, workerId, leaseMs, dispatcher, clock, random, logger }
    this.#intake = new OrderIntake({
      ...shared,
      capacity: concurrency,
      hasTool: tool => names.has(tool),
      freeCount: () => (this.#outbox.isAway ? 0 : concurrency - this.#held.busyCount),
      taken: order => this.#taken(order),
      begin: order => this.#begin(order),
      rateOf: tool => registry.get(tool)?.rate,
    })
    this.#outbox = new Outbox({ ...shared, intake: this.#intake, onBack: () => this.#intake.wake() })
  }

  get workerId(): string {
    return this.#options.workerId
  }

  /** Attempts that run; those that wait for answers are not counted. */
  get runningCount(): number {
    return this.#held.busyCount
  }

  /** The worker as a member of its store. */
  describe(): Member {
    const { workerId: memberId, concurrency: capacity } = this.#options
    const { tools, runningCount: running } = this
    return { memberId, role: 'worker', startedAt: this.#startedAt, tools, running, capacity, version: PACKAGE_VERSION }
  }

  get waitingWeight(): number {
    return this.#outbox.weight
  }

  /** Takes orders from here on. The worker is announced. @throws as `Hints.subscribe` */
  async start(): Promise<void> {
    const { store, workerId, leaseMs, logger } = this.#options
    this.#renewal = new OrderRenewal({
      store,
      workerId,
      leaseMs,
      logger,
      keys: () => this.#held.keys,
      onRenewed: renewed => this.#renewed(renewed),
    })
    this.#unsubscribe = await store.hints.subscribe(hints => this.#hinted(hints), ['orders', 'worker'])
    await this.#intake.start()
  }

  /**
   * Ends the worker: gives back what has not begun, lets the rest end for `drainMs`, then aborts it. Attempts that wait for
   * answers are interrupted at once. Idempotent.
   * @returns resolves once no attempt is left and its last news are posted, or after 5 s without an answer of the store; never
   * rejects
   */
  drain(limitMs: number = this.#options.drainMs): Promise<void> {
    return (this.#drained ??= this.#drain(limitMs))
  }

  async #drain(drainMs: number): Promise<void> {
    const { abortGraceMs, clock } = this.#options
    const within = (ms: number, promise: Promise<void>): Promise<void> => settleWithin(clock, ms, promise)
    await within(FLUSH_MS, this.#intake.stop())
    for (const attempt of this.#held) {
      if (attempt.state === 'taken') this.#forget(attempt)
      else if (attempt.state === 'asking') this.#giveUp(attempt)
    }
    await within(drainMs, this.#held.empty())
    for (const attempt of this.#held) this.#giveUp(attempt)
    // Attempts with a longer grace of their own are left: their leases expire.
    await within(abortGraceMs + FLUSH_MS, this.#held.empty())
    await within(FLUSH_MS, this.#outbox.idle())
    await within(FLUSH_MS, this.#interrupt())
    await this.#close()
  }

  /** Ends it at once, without a word to the store. Never rejects. */
  async #close(): Promise<void> {
    this.#outbox.close()
    this.#runner.close()
    for (const end of [() => this.#intake.close(), this.#unsubscribe, () => this.#renewal?.close()]) {
      try {
        await end?.()
      } catch (error) {
        this.#options.logger.debug('A connection of the worker did not close', { error: describeError(error) })
      }
    }
  }

  #taken(order: TakenOrder): void {
    if (order.kind === 'answer') return
    const attempt = new HeldAttempt(order.command, this)
    if (this.#held.find(attempt.key) !== undefined) return
    this.#held.add(attempt)
    this.#renewal?.hold(attempt.key, 0)
    if (order.cancelled !== undefined) attempt.abort(order.cancelled)
  }

  #begin(order: TakenOrder): void {
    if (order.kind === 'answer') {
      const attempt = this.#held.find(order.key)
      attempt?.answered(order.answers)
      for (const { number, answer } of order.answers) this.#runner.answer(order.key, number, answer)
      return
    }
    const attempt = this.#held.find(order.command)
    // It was cancelled or lost before its turn.
    if (attempt?.state !== 'taken') return
    attempt.begin()
    this.counters.begunCount += 1
    this.#limit(attempt)
    this.#runner.start(attempt.command, attempt)
  }

  /** From here on the renewal ends the attempt after its time if the event loop is blocked. */
  #limit(attempt: HeldAttempt): void {
    const { timeoutMs, abortGraceMs = this.#options.abortGraceMs } = attempt.command
    const isBounded = attempt.state === 'running' && timeoutMs > 0
    this.#renewal?.hold(attempt.key, isBounded ? timeoutMs + abortGraceMs : 0)
  }

  /** For attempts. */
  added(attempt: HeldAttempt, isUrgent: boolean): void {
    this.#outbox.add(attempt, isUrgent)
  }

  /** For attempts. */
  abort(attempt: HeldAttempt, reason: AbortReason): void {
    this.#runner.abort(attempt.key, reason)
  }

  /** For attempts. */
  asked(attempt: HeldAttempt): void {
    this.#limit(attempt)
    if (attempt.state === 'asking') this.#intake.ended(attempt.key)
  }

  /** For attempts. */
  settled(attempt: HeldAttempt, report: AttemptReport): void {
    // Its time is over, that of its last news is not.
    this.#renewal?.hold(attempt.key, 0)
    const { tool } = attempt.command
    const delayMs = report.status === 'error' ? report.retryAfterMs : undefined
    if (delayMs === undefined || this.#registry.get(tool)?.rate === undefined) return
    const { store, logger } = this.#options
    store.members.pauseTool(tool, Math.min(delayMs, MAX_RETRY_AFTER_MS)).catch(error => {
      logger.warn('A tool was not paused in the system', { tool, error: describeError(error) })
    })
  }

  /** For attempts. */
  ended(attempt: HeldAttempt, end: AttemptEnd): void {
    if (this.#held.find(attempt.key) !== attempt) return
    if (end === 'interrupted') this.#interrupted.push(attempt)
    if (end === 'refused' && attempt.hasBegun) this.counters.refusedCount += 1
    const warning = attempt.hasBegun ? END_WARNINGS[end] : undefined
    if (warning !== undefined) this.#options.logger.warn(warning, { ...attempt.key })
    this.#forget(attempt)
  }

  #forget(attempt: HeldAttempt): void {
    this.#held.delete(attempt)
    this.#outbox.forget(attempt)
    this.#intake.ended(attempt.key)
    // Interrupted ones are renewed until the store knows.
    if (!this.#interrupted.includes(attempt)) this.#renewal?.release(attempt.key)
  }

  #giveUp(attempt: HeldAttempt): void {
    attempt.isGivenUp = true
    attempt.abort({ code: 'SHUTTING_DOWN', message: 'The worker ends; the attempt runs again elsewhere' })
  }

  async #interrupt(): Promise<void> {
    const { store, workerId, logger } = this.#options
    const keys = this.#interrupted.map(({ key }) => key)
    if (keys.length === 0) return
    try {
      await store.orders.interrupt(workerId, keys)
    } catch (error) {
      logger.warn('Attempts were not reported as interrupted: their leases expire', { error: describeError(error) })
    }
  }

  #hinted(hints: readonly Hint[] | undefined): void {
    const isOwn = (hint: Hint): boolean => hint.kind === 'worker' && hint.workerId === this.workerId
    const concernsOwn = hints === undefined || hints.some(isOwn)
    if (concernsOwn) void this.#renewal?.ask()
    if (concernsOwn || hints.some(({ kind }) => kind === 'orders')) this.#intake.wake(concernsOwn)
  }

  #renewed({ lost, cancelled }: RenewedOrders): void {
    for (const key of lost) this.#held.find(key)?.missed()
    for (const { key, reason } of cancelled) this.#held.find(key)?.abort(reason)
  }
}
