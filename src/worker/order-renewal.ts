import type { AttemptKey } from '../attempt/runner.ts'
import type { RenewedOrders } from '../cluster/order.ts'
import type { Renewal, SharedStore } from '../cluster/shared-store.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'

/** The parts of the renewal of a worker's orders. */
export interface OrderRenewalParts {
  readonly store: Pick<SharedStore, 'keepOrders' | 'orders'>
  readonly workerId: string
  readonly leaseMs: number
  readonly logger: Logger
  /** All attempts that the worker knows. */
  readonly keys: () => readonly AttemptKey[]
  readonly onRenewed: (renewed: RenewedOrders) => void
}

/** Keeps the leases of a worker's orders, and asks for cancellations at once where a hint says that there are some. */
export class OrderRenewal {
  readonly #parts: OrderRenewalParts
  readonly #renewal: Renewal
  #isAsking = false
  #isDue = false
  #isClosed = false

  constructor(parts: OrderRenewalParts) {
    this.#parts = parts
    const { store, workerId, leaseMs, onRenewed } = parts
    this.#renewal = store.keepOrders({ workerId, ttlMs: leaseMs, onRenewed })
  }

  /** The order of an attempt is held. @param limitMs as `Renewal.begin`; replaces an earlier one, and counts from now */
  hold(key: AttemptKey, limitMs: number): void {
    if (!this.#isClosed) this.#renewal.begin(key, limitMs)
  }

  release(key: AttemptKey): void {
    if (!this.#isClosed) this.#renewal.end(key)
  }

  /** Asks now. Never rejects. */
  async ask(): Promise<void> {
    this.#isDue = true
    if (this.#isAsking) return
    this.#isAsking = true
    const { store, workerId, leaseMs, logger, onRenewed } = this.#parts
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false
      const keys = this.#parts.keys()
      if (keys.length === 0) break
      try {
        onRenewed(await store.orders.renew(workerId, keys, leaseMs))
      } catch (error) {
        // The renewal of the leases asks again.
        logger.debug('Cancellations were not read', { error: describeError(error) })
      }
    }
    this.#isAsking = false
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#renewal.close()
  }
}
