import type { LeaseStore } from '../../../cluster/shared-store.ts'
import type { Lease } from '../../../log/event-log.ts'
import type { Registration } from '../../create-and-claim.ts'
import { compareAge } from '../../list-order.ts'
import type { ExecutionRecord } from '../../execution-store.ts'
import type { Database } from '../connection/database.ts'
import { notFound } from '../event-table.ts'
import type { Executions } from '../executions.ts'
import { READ_FENCE } from '../sql/log.ts'
import { CLAIM_FREE, CLAIM_FREE_ONE, FIND_HOLDER, RELEASE, RENEW } from '../sql/leases.ts'
import { toAgeMs, toCount } from '../stored-text.ts'

/** The leases of coordinators, by the database's clock. */
export class LeaseTable implements LeaseStore {
  readonly #database: Database
  readonly #executions: Executions

  constructor(database: Database, executions: Executions) {
    this.#database = database
    this.#executions = executions
  }

  async create(holder: string, record: ExecutionRecord, ttlMs: number): Promise<Registration> {
    const existing = await this.#executions.create(record, { holder, ttlMs })
    return existing === undefined ? { lease: { executionId: record.executionId, epoch: 1 } } : { existing }
  }

  claim(holder: string, executionId: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#database.retry(async query => {
      const [row] = await query(CLAIM_FREE_ONE, [executionId, holder, ttlMs])
      if (row !== undefined) return { executionId, epoch: Number(row['epoch']) }
      if ((await query(READ_FENCE, [executionId])).length === 0) throw notFound(executionId)
      return undefined
    })
  }

  async claimFree(
    holder: string,
    limit: number,
    ttlMs: number,
    which: 'all' | 'released' = 'all',
  ): Promise<readonly Lease[]> {
    // No lease has a negative duration.
    const connectedMs = which === 'released' ? -1 : toAgeMs(this.#database.connectedMs)
    const rows = await this.#database.query(CLAIM_FREE, [holder, toCount(limit), ttlMs, connectedMs])
    return rows
      .map(({ id, created_at, epoch }) => ({ executionId: id as string, createdAt: created_at as string, epoch }))
      .sort(compareAge)
      .map(({ executionId, epoch }) => ({ executionId, epoch: Number(epoch) }))
  }

  async renew(holder: string, ttlMs: number): Promise<readonly string[]> {
    return (await this.#database.query(RENEW, [holder, ttlMs])).map(({ id }) => id as string)
  }

  async release({ executionId, epoch }: Lease): Promise<void> {
    await this.#database.query(RELEASE, [executionId, epoch])
  }

  async findHolder(executionId: string): Promise<string | undefined> {
    const [row] = await this.#database.query(FIND_HOLDER, [executionId])
    return (row?.['holder'] ?? undefined) as string | undefined
  }
}
