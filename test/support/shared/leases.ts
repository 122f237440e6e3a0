import type { LeaseStore } from '../../../src/cluster/shared-store.ts'
import { DagstreamError } from '../../../src/errors.ts'
import type { Lease } from '../../../src/log/event-log.ts'
import { compareAge } from '../../../src/store/list-order.ts'
import type { Registration } from '../../../src/store/create-and-claim.ts'
import type { ExecutionRecord } from '../../../src/store/execution-store.ts'
import type { SharedTables } from './tables.ts'

/** The leases of coordinators of the store in memory. */
export class MemoryLeases implements LeaseStore {
  readonly #tables: SharedTables

  constructor(tables: SharedTables) {
    this.#tables = tables
  }

  async create(holder: string, record: ExecutionRecord, ttlMs: number): Promise<Registration> {
    const existing = await this.#tables.executions.create(record)
    if (existing !== undefined) return { existing }
    return { lease: await this.#claim(holder, record.executionId, ttlMs) }
  }

  async claim(holder: string, executionId: string, ttlMs: number): Promise<Lease | undefined> {
    if ((await this.#tables.executions.get(executionId)) === undefined) {
      throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
    }
    const living = this.#livingHolder(executionId)
    return living === undefined || living === holder ? this.#claim(holder, executionId, ttlMs) : undefined
  }

  async claimFree(
    holder: string,
    limit: number,
    ttlMs: number,
    which: 'all' | 'released' = 'all',
  ): Promise<readonly Lease[]> {
    const all = await this.#tables.executions.list({ limit: Number.POSITIVE_INFINITY })
    const free = all
      .filter(({ status, parked }) => status === 'running' && parked === undefined)
      .filter(({ executionId }) => this.#tables.holders.has(executionId))
      .filter(({ executionId }) => which === 'all' || this.#tables.holders.get(executionId)?.holder === undefined)
      .filter(({ executionId }) => this.#livingHolder(executionId) === undefined)
      .sort(compareAge)
      .slice(0, limit)
    return Promise.all(free.map(({ executionId }) => this.#claim(holder, executionId, ttlMs)))
  }

  async renew(holder: string, ttlMs: number): Promise<readonly string[]> {
    const held: string[] = []
    for (const [executionId, row] of this.#tables.holders) {
      if (row.holder !== holder) continue
      row.expiresAt = this.#tables.clock.now() + ttlMs
      held.push(executionId)
    }
    return held
  }

  async release({ executionId, epoch }: Lease): Promise<void> {
    const row = this.#tables.holders.get(executionId)
    if (row?.epoch === epoch) row.holder = undefined
  }

  async findHolder(executionId: string): Promise<string | undefined> {
    return this.#livingHolder(executionId)
  }

  /** Any claim, such as that of a store without leases. */
  async claimFor(holder: string | undefined, executionId: string, ttlMs: number): Promise<Lease> {
    return this.#claim(holder, executionId, ttlMs)
  }

  async #claim(holder: string | undefined, executionId: string, ttlMs: number): Promise<Lease> {
    const lease = this.#tables.executions.claim(executionId) as Lease
    const expiresAt = this.#tables.clock.now() + ttlMs
    this.#tables.holders.set(executionId, { holder, epoch: lease.epoch, expiresAt })
    return lease
  }

  #livingHolder(executionId: string): string | undefined {
    const row = this.#tables.holders.get(executionId)
    return row !== undefined && row.expiresAt > this.#tables.clock.now() ? row.holder : undefined
  }
}
