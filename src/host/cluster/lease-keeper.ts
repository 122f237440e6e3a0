import type { Clock } from '../../clock.ts'
import type { LeaseStore } from '../../cluster/shared-store.ts'
import { DagstreamError } from '../../errors.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Lease } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import { callStore } from '../../store/call-store.ts'
import type { Registration } from '../../store/create-and-claim.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'

/** Pause between two attempts to take an execution over, ms. */
const RETRY_MS = 10_000

/** What a lease keeper works with. */
export interface LeaseKeeperOptions {
  readonly leases: LeaseStore
  /** The id of this server. */
  readonly holder: string
  readonly ttlMs: number
  readonly logger: Logger
  readonly clock: Clock
  /** Called with the id of an execution whose lease this server has lost. */
  readonly onLost: (executionId: string) => void
}

/** The leases of the executions that this server coordinates. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #held = new Map<string, Lease>()
  /** Given back, but not known to the store: it renews them with the others. */
  readonly #releasing = new Set<Lease>()
  /** Calls that may give this server executions that it does not hold yet. */
  #callCount = 0
  /** Executions that the last renewal named and this server does not hold. */
  #unknown: ReadonlySet<string> = new Set()
  /** Executions claimed from servers that died or gave them back. */
  takeoverCount = 0

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#held.size
  }

  /** Creates an execution and claims it. @throws the errors of the store */
  async create(record: ExecutionRecord): Promise<Registration> {
    const { leases, holder, ttlMs } = this.#options
    const registration = await this.#count(() => leases.create(holder, record, ttlMs))
    if (registration.lease !== undefined) this.#hold(registration.lease)
    return registration
  }

  /** Claims an execution on request. @throws `INTERRUPTED` while another server coordinates it; the errors of the store */
  async claim(executionId: string): Promise<Lease> {
    const { leases, holder, ttlMs } = this.#options
    const lease = await this.#count(() => leases.claim(holder, executionId, ttlMs))
    if (lease === undefined) throw new DagstreamError('INTERRUPTED', 'Another server coordinates the execution')
    return this.#hold(lease)
  }

  /** Claims executions that no living server coordinates. @param which as `LeaseStore.claimFree` @throws the errors of the store */
  async claimFree(limit: number, which: 'all' | 'released'): Promise<readonly Lease[]> {
    const { leases, holder, ttlMs } = this.#options
    const claimed = await this.#count(() => leases.claimFree(holder, limit, ttlMs, which))
    for (const lease of claimed) this.#hold(lease)
    this.takeoverCount += claimed.length
    return claimed
  }

  /** Renews all leases, and reports those that are lost. @throws the errors of the store */
  async renew(): Promise<void> {
    const { leases, holder, ttlMs, onLost } = this.#options
    // Leases that are claimed during the renewal may be missing from its answer.
    const before = [...this.#held.values()]
    const isQuiet = this.#callCount === 0
    await Promise.all(Array.from(this.#releasing, lease => this.release(lease)))
    if (before.length === 0) return
    const kept = new Set(await callStore(() => leases.renew(holder, ttlMs)))
    for (const lease of before) {
      const { executionId } = lease
      if (kept.has(executionId) || this.#held.get(executionId) !== lease) continue
      this.#held.delete(executionId)
      onLost(executionId)
    }
    await this.#returnUnknown(isQuiet && this.#callCount === 0 ? kept : [])
  }

  /**
   * Gives back what two renewals in a row have named and this server does not hold: the answer that gave it was lost. Otherwise
   * its renewals would keep others from it.
   */
  async #returnUnknown(kept: Iterable<string>): Promise<void> {
    const { leases, holder, ttlMs, logger } = this.#options
    const known = new Set([...this.#held.keys(), ...Array.from(this.#releasing, ({ executionId }) => executionId)])
    const unknown = [...kept].filter(executionId => !known.has(executionId))
    const repeated = unknown.filter(executionId => this.#unknown.has(executionId))
    this.#unknown = new Set(unknown)
    for (const executionId of repeated) {
      logger.warn('An execution that was claimed without an answer is given back', { executionId })
      const lease = await callStore(() => leases.claim(holder, executionId, ttlMs))
      if (lease !== undefined) await this.release(lease)
    }
  }

  /** Forgets the lease of an execution that has ended. */
  drop(lease: Lease): void {
    if (this.#held.get(lease.executionId) === lease) this.#held.delete(lease.executionId)
  }

  /**
   * Gives an execution back: another server continues it at once. Does nothing for a lease that is lost. Never rejects: a lease
   * that the store does not take back is offered again with each renewal.
   */
  async release(lease: Lease): Promise<void> {
    const { leases, logger } = this.#options
    const { executionId } = lease
    this.drop(lease)
    this.#releasing.add(lease)
    try {
      await callStore(() => leases.release(lease))
      this.#releasing.delete(lease)
    } catch (error) {
      logger.warn('A lease could not be given back yet', { executionId, error: describeError(error) })
    }
  }

  /** Gives an execution back after a while: its takeover has failed, and would fail at another server, too. */
  releaseLater(lease: Lease): void {
    this.#options.clock.after(RETRY_MS, () => void this.release(lease))
  }

  async releaseAll(): Promise<void> {
    await Promise.all(Array.from(this.#held.values(), lease => this.release(lease)))
  }

  async #count<T>(call: () => Promise<T>): Promise<T> {
    this.#callCount += 1
    try {
      return await callStore(call)
    } finally {
      this.#callCount -= 1
    }
  }

  #hold(lease: Lease): Lease {
    this.#held.set(lease.executionId, lease)
    return lease
  }
}
