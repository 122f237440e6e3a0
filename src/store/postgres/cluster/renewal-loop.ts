import type { AttemptKey } from '../../../attempt/runner.ts'
import type { RenewedOrders } from '../../../cluster/order.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Row } from '../connection/database.ts'
import { ABANDON, RENEW_ORDERS } from '../sql/orders.ts'
import type { Statement } from '../sql/statement.ts'
import { toKeyValues } from './keys.ts'
import { readRenewed } from './order-table.ts'
import type { SharedLimits } from './shared-limits.ts'

/** Renewals within one lease. With the interval of `tick` a cancellation waits for at most a third of it. */
const RENEWALS = 3.3

interface Attempt {
  readonly key: AttemptKey
  readonly place: number
  /** That of its limit when it was last looked at. */
  version: number
  limitMs: number
  /** When it is abandoned, if the event loop has not turned since; ms of the clock. */
  abandonedAt: number
}

export interface RenewalLoopOptions {
  readonly workerId: string
  readonly ttlMs: number
  readonly limits: SharedLimits
  readonly now: () => number
  /** Runs a statement; rejects while the database is away. */
  readonly query: (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>
  readonly onRenewed: (renewed: RenewedOrders) => void
}

/** The attempts of a worker, renewed and, while its event loop is blocked, abandoned beyond their limit. */
export class RenewalLoop {
  readonly #options: RenewalLoopOptions
  /** By the places of their limits. */
  readonly #attempts = new Map<number, Attempt>()
  #pulse = 0
  /** When the event loop was last seen to turn. */
  #turnedAt: number
  #renewedAt: number

  constructor(options: RenewalLoopOptions) {
    this.#options = options
    this.#turnedAt = options.now()
    this.#renewedAt = options.now()
  }

  begin(key: AttemptKey, place: number): void {
    const attempt = { key, place, version: 0, limitMs: 0, abandonedAt: Number.POSITIVE_INFINITY }
    this.#attempts.set(place, attempt)
  }

  end(place: number): void {
    this.#attempts.delete(place)
  }

  /** @param pulse a number that changes while the event loop turns */
  async tick(pulse: number): Promise<void> {
    const now = this.#options.now()
    if (pulse !== this.#pulse) this.#turnedAt = now
    this.#pulse = pulse
    for (const attempt of this.#attempts.values()) this.#readLimit(attempt, now)
    await this.#abandonBlocked(now)
    if (now - this.#renewedAt < this.#options.ttlMs / RENEWALS) return
    this.#renewedAt = now
    await this.#renew()
  }

  /** A limit counts from the first look at it. */
  #readLimit(attempt: Attempt, now: number): void {
    const { limits } = this.#options
    const version = limits.version(attempt.place)
    if (version === attempt.version) return
    attempt.version = version
    attempt.limitMs = limits.limitMs(attempt.place)
    attempt.abandonedAt = attempt.limitMs > 0 ? now + attempt.limitMs : Number.POSITIVE_INFINITY
  }

  /** An event loop that turns ends its attempts itself. One that has not turned since the limit of an attempt cannot. */
  async #abandonBlocked(now: number): Promise<void> {
    for (const { key, place, abandonedAt, limitMs } of this.#attempts.values()) {
      if (now < abandonedAt || this.#turnedAt >= abandonedAt) continue
      const message = `The tool blocked its process beyond its timeout and grace, ${limitMs} ms`
      const failure = { status: 'error', code: 'TASK_TIMEOUT', message, isRetryable: false }
      const report = { ...failure, executionTimeMs: limitMs, abandoned: true }
      const body = stringifyJson({ type: 'settled', report })
      await this.#options.query(ABANDON, [this.#options.workerId, ...toKeyValues([key]), body])
      this.#attempts.delete(place)
    }
  }

  async #renew(): Promise<void> {
    const keys = [...this.#attempts.values()].map(({ key }) => key)
    if (keys.length === 0) return
    const { workerId, ttlMs, query, onRenewed } = this.#options
    const renewed = readRenewed(keys, await query(RENEW_ORDERS, [workerId, ...toKeyValues(keys), ttlMs]))
    if (renewed.lost.length + renewed.cancelled.length > 0) onRenewed(renewed)
  }
}
