import { DagstreamError } from '../../errors.ts'
import type { ExecutionRecord, ExecutionStore, StoredExecution } from '../execution-store.ts'
import { type ExecutionSummary, summarize } from '../execution-summary.ts'
import type { Database, Query, Row } from './connection/database.ts'
import { readExecutionRow, toRecordValues } from './execution-row.ts'
import {
  CREATE,
  FIND,
  FIND_BY_KEY,
  IS_CREATED,
  LIST,
  LIST_INTERRUPTED,
  LIST_OF_OWNER,
  RECENT,
  RECENT_OF_OWNER,
  SUMMARIZE,
} from './sql/executions.ts'
import { toCount, toStored, toStoredOwner } from './stored-text.ts'

/** The holder of a new execution, for a limited time. */
export interface NewHolder {
  readonly holder: string
  readonly ttlMs: number
}

/** A request of a client answers within five seconds while the database is away. */
const MAX_CREATE_MS = 4000

/** The records of executions. */
export class Executions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Registers an execution, unless there is one with the same owner and key, which is returned.
   * @param held claims it in the same transaction
   * @throws `STORE_FAILED` if the id exists
   */
  create(record: ExecutionRecord, held?: NewHolder): Promise<StoredExecution | undefined> {
    const values = toRecordValues(record)
    const holder = held?.holder ?? null
    const epoch = held === undefined ? 0 : 1
    const [id, owner, key, hash, createdAt] = values
    return this.#database.retry(async (query, isRetry) => {
      for (;;) {
        if ((await query(CREATE, [...values, holder, held?.ttlMs ?? null, epoch])).length > 0) return undefined
        if (isRetry && (await query(IS_CREATED, [id, owner, key, hash, createdAt, holder, epoch])).length > 0)
          return undefined
        const same = key === null ? undefined : await find(query, FIND_BY_KEY, [owner, key])
        if (same !== undefined) return same
        if ((await find(query, FIND, [id])) !== undefined) {
          throw new DagstreamError('STORE_FAILED', `Execution \`${record.executionId}\` exists already`)
        }
        // The one in the way was deleted since.
      }
    }, MAX_CREATE_MS)
  }

  get(executionId: string): Promise<StoredExecution | undefined> {
    return this.#database.retry(query => find(query, FIND, [executionId]))
  }

  findByKey(owner: string | undefined, idempotencyKey: string): Promise<StoredExecution | undefined> {
    const values = [toStoredOwner(owner), toStored(idempotencyKey)]
    return this.#database.retry(query => find(query, FIND_BY_KEY, values))
  }

  /** Without `workflow`, `input` and `options`, which may be large. */
  async list({ owner, after, limit }: Parameters<ExecutionStore['list']>[0]): Promise<readonly StoredExecution[]> {
    const page = [after?.createdAt ?? '', after?.executionId ?? '', toCount(limit)]
    const rows =
      owner === undefined
        ? await this.#database.query(LIST, page)
        : await this.#database.query(LIST_OF_OWNER, [...page, toStoredOwner(owner)])
    return rows.map(readExecutionRow)
  }

  /** Ids of ended executions, the newest first. */
  async recent({ owner, limit }: { readonly owner?: string; readonly limit: number }): Promise<readonly string[]> {
    const rows =
      owner === undefined
        ? await this.#database.query(RECENT, [toCount(limit)])
        : await this.#database.query(RECENT_OF_OWNER, [toCount(limit), toStoredOwner(owner)])
    return rows.map(row => row['id'] as string)
  }

  /** Without `workflow`, `input` and `options`, which may be large. */
  async interrupted(): Promise<readonly StoredExecution[]> {
    return (await this.#database.query(LIST_INTERRUPTED)).map(readExecutionRow)
  }

  async summarize(executionIds: readonly string[]): Promise<readonly ExecutionSummary[]> {
    const rows = await this.#database.query(SUMMARIZE, [executionIds])
    return rows.map(row =>
      summarize({ workflow: text(row, 'workflow'), startedAt: text(row, 'started_at'), end: text(row, 'end') }),
    )
  }
}

async function find(query: Query, ...[statement, values]: Parameters<Query>): Promise<StoredExecution | undefined> {
  const [row] = await query(statement, values)
  return row && readExecutionRow(row)
}

function text(row: Row, name: string): string | undefined {
  return (row[name] ?? undefined) as string | undefined
}
