import { DagstreamError } from '../../errors.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { Lease } from '../../log/event-log.ts'
import type { StoredEntry } from '../../log/stored-entry.ts'
import type { Call } from './connection/batch.ts'
import type { Database, Query } from './connection/database.ts'
import { toStatusValues } from './execution-row.ts'
import {
  CLAIM,
  COUNT_SAME,
  GET_OUTPUT,
  GET_SECRET,
  KEEP_SECRETS,
  PUT_OUTPUT,
  PUT_SECRET,
  READ,
  READ_FENCE,
} from './sql/log.ts'
import type { Statement } from './sql/statement.ts'
import { toCount, toStored } from './stored-text.ts'

/** The logs of executions, their outputs and secrets: everything that an outdated lease must not write. */
export class EventTable {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Takes the right to append from its present holder. @throws `EXECUTION_NOT_FOUND` */
  async claim(executionId: string, holder: string, ttlMs: number): Promise<Lease> {
    const [row] = await this.#database.query(CLAIM, [executionId, holder, ttlMs])
    if (row === undefined) throw notFound(executionId)
    return { executionId, epoch: Number(row['epoch']) }
  }

  /**
   * Runs a fenced statement that appends entries.
   *
   * An attempt whose answer was lost may have taken effect. It is recognized: the same entries are there, by the same lease.
   * @param more further parameters of the statement
   * @throws `FENCED`, `SEQ_CONFLICT`, `EXECUTION_NOT_FOUND`
   */
  write(
    statement: Statement,
    lease: Lease,
    firstSeq: number,
    entries: readonly LogEntry[],
    more: readonly unknown[],
    after?: Call,
  ): Promise<void> {
    const place = [lease.executionId, lease.epoch, firstSeq - 1]
    const content = [entries.map(({ type }) => type), entries.map(({ json }) => json)]
    const values = [...place, ...content, ...toStatusValues(entries), ...more]
    return this.#database.retry(async (query, isRetry, batch) => {
      const [rows] = await batch([{ statement, values }], after)
      if ((rows?.length ?? 0) > 0) return
      if (isRetry && entries.length > 0) {
        const [same] = await query(COUNT_SAME, [...place, ...content])
        if (same?.['count'] === entries.length) return
      }
      throw await this.#explain(query, lease, firstSeq)
    })
  }

  async read(executionId: string, afterSeq: number, limit: number): Promise<readonly StoredEntry[]> {
    const rows = await this.#database.query(READ, [executionId, afterSeq, toCount(limit)])
    return rows.map(({ seq, type, json }) => ({ seq: Number(seq), type, json }) as StoredEntry)
  }

  putOutput(lease: Lease, taskId: string, json: string): Promise<void> {
    return this.#writeHeld(PUT_OUTPUT, lease, [toStored(taskId), json])
  }

  getOutput(executionId: string, taskId: string): Promise<string | undefined> {
    return this.#getJson(GET_OUTPUT, executionId, taskId)
  }

  putSecret(lease: Lease, inputId: string, json: string): Promise<void> {
    return this.#writeHeld(PUT_SECRET, lease, [toStored(inputId), json])
  }

  getSecret(executionId: string, inputId: string): Promise<string | undefined> {
    return this.#getJson(GET_SECRET, executionId, inputId)
  }

  keepSecrets(lease: Lease, inputIds: readonly string[]): Promise<void> {
    return this.#writeHeld(KEEP_SECRETS, lease, [inputIds.map(toStored)])
  }

  async #getJson(statement: Statement, executionId: string, id: string): Promise<string | undefined> {
    const [row] = await this.#database.query(statement, [executionId, toStored(id)])
    return row?.['json'] as string | undefined
  }

  /** Runs a statement that returns a row if the lease is valid. */
  #writeHeld(statement: Statement, lease: Lease, more: readonly unknown[]): Promise<void> {
    return this.#database.retry(async query => {
      const rows = await query(statement, [lease.executionId, lease.epoch, ...more])
      if (rows.length === 0) throw await this.#explain(query, lease)
    })
  }

  async #explain(query: Query, { executionId, epoch }: Lease, firstSeq = 0): Promise<DagstreamError> {
    const [row] = await query(READ_FENCE, [executionId])
    if (row === undefined) return notFound(executionId)
    if (Number(row['epoch']) !== epoch) {
      return new DagstreamError('FENCED', `Execution \`${executionId}\` has been claimed by another process`)
    }
    return new DagstreamError('SEQ_CONFLICT', `Expected seq ${Number(row['last_seq']) + 1}, got ${firstSeq}`)
  }
}

export function notFound(executionId: string): DagstreamError {
  return new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
}
