import type { Pool, PoolClient } from 'pg'
import type { Clock } from '../../../clock.ts'
import { type Call, runBatch } from './batch.ts'
import { toParameter } from './parameters.ts'
import type { PostgresDriver } from './load-driver.ts'
import { failStore, isConflict, isOutage, toStoreError, TransactionGoesOn } from './store-error.ts'
import type { Statement } from '../sql/statement.ts'
import { READ_TRANSACTION } from '../sql/transactions.ts'
import { sleep } from '../../../sleep.ts'

/** A row of a result. Numbers beyond 32 bits are text. */
export type Row = Readonly<Record<string, unknown>>

/** Delay before the first retry, and the maximum, ms. */
const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 1000

/**
 * Begins a transaction. Its id tells whether it took effect, if the answer to its `COMMIT` is lost. A process that stands still in it
 * does not keep its locks.
 */
const BEGIN =
  "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SELECT pg_current_xact_id()::text AS id" as const

/** Retries of transactions that met others, such as in a deadlock: the others went on. */
const MAX_CONFLICTS = 5

/** Runs one statement on a connection. */
export type Query = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>

/**
 * Runs statements in one transaction and one trip. Resolves with the rows of each.
 * @param after follows once they are committed, in a transaction of its own; its failure is ignored
 */
export type RunBatch = (calls: readonly Call[], after?: Call) => Promise<readonly (readonly Row[])[]>

export interface DatabaseOptions {
  readonly driver: Pick<PostgresDriver, 'Query'>
  readonly pool: Pool
  /** The URL without its password. */
  readonly where: string
  readonly clock: Clock
  readonly storeRetryMs: number
}

/** The connections of a store, and what happens while its database is away. */
export class Database {
  readonly where: string
  readonly #options: DatabaseOptions
  /** When the current outage began, and when the last one ended, by the clock; `undefined` for none. */
  #awaySince: number | undefined
  #backSince: number | undefined
  #isClosed = false

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.where = options.where
  }

  /** Time since the last outage ended, ms; 0 during one, `Infinity` if there was none. */
  get connectedMs(): number {
    if (this.#awaySince !== undefined) return 0
    return this.#backSince === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - this.#backSince
  }

  /** Runs a statement in a transaction of its own; retried while the database is away. */
  query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.retry(query => query(statement, values))
  }

  /** Runs a statement once. @throws the error of the driver */
  async tryOnce(statement: Statement, values: readonly unknown[]): Promise<void> {
    if (!this.#isClosed) await this.#query(statement, values)
  }

  /**
   * Runs statements on a connection, again after an outage, until the outage has lasted its bound.
   *
   * A statement whose answer was lost may have taken effect: `isRetry` tells the caller.
   * @param maxMs a smaller bound of this call
   * @throws `STORE_FAILED` and the other errors of stores
   */
  async retry<T>(
    call: (query: Query, isRetry: boolean, batch: RunBatch) => Promise<T>,
    maxMs: number = Infinity,
  ): Promise<T> {
    const { clock, storeRetryMs } = this.#options
    for (let attempt = 0; ; attempt++) {
      if (this.#isClosed) throw failStore(this.where, 'is closed')
      try {
        const value = await call(this.#query, attempt > 0, this.#batch)
        this.#noteAnswer()
        return value
      } catch (error) {
        if (isConflict(error) && attempt < MAX_CONFLICTS) continue
        if (!isOutage(error) || this.#isClosed) throw toStoreError(this.where, error)
        this.#awaySince ??= clock.now()
        const delayMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, MAX_DELAY_MS) * (0.5 + Math.random() / 2)
        const awayMs = clock.now() - this.#awaySince
        if (awayMs + delayMs > Math.min(storeRetryMs, maxMs)) throw toStoreError(this.where, error)
        await sleep(clock, delayMs)
      }
    }
  }

  /** Runs statements in one transaction; retried whole after an outage, unless it took effect. */
  transaction<T>(run: (query: Query, isRetry: boolean) => Promise<T>): Promise<T> {
    let last: { readonly id: string; readonly value: T } | undefined
    return this.retry(async (query, isRetry) => {
      // The answer to its `COMMIT` was lost.
      if (last !== undefined && (await isCommitted(query, last.id))) return last.value
      last = undefined
      const client = await this.#options.pool.connect()
      let fault: Error | undefined
      try {
        const id = readId(await client.query(BEGIN))
        const value = await run(queryWith(client), isRetry)
        last = { id, value }
        await client.query('COMMIT')
        return value
      } catch (error) {
        fault = error as Error
        throw error
      } finally {
        await endTransaction(client, fault)
      }
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#options.pool.end()
  }

  readonly #query: Query = async ({ name, text }, values = []) => {
    const { rows } = await this.#options.pool.query({ name, text, values: values.map(toParameter) })
    return rows as readonly Row[]
  }

  readonly #batch: RunBatch = async (calls, after) => {
    const { driver, pool } = this.#options
    const [first] = calls
    // Without a second statement the driver's own query is one trip, too, and costs less.
    if (first !== undefined && calls.length === 1 && after === undefined) {
      return [await this.#query(first.statement, first.values)]
    }
    const results = await runBatch(driver, pool, calls.map(toSent), after && toSent(after))
    return results.map(({ rows }) => rows as readonly Row[])
  }

  #noteAnswer(): void {
    if (this.#awaySince === undefined) return
    this.#awaySince = undefined
    this.#backSince = this.#options.clock.now()
  }
}

function toSent({ statement, values }: Call): Call {
  return { statement, values: values.map(toParameter) }
}

function queryWith(client: PoolClient): Query {
  return async ({ name, text }, values = []) =>
    (await client.query({ name, text, values: values.map(toParameter) })).rows as Row[]
}

/** The last of the results of `BEGIN`. */
function readId(results: unknown): string {
  return (results as readonly { readonly rows: readonly { readonly id: string }[] }[]).at(-1)?.rows[0]?.id as string
}

/** @throws an outage while the transaction goes on: its connection is lost, and the server does not know yet */
async function isCommitted(query: Query, id: string): Promise<boolean> {
  const [row] = await query(READ_TRANSACTION, [id])
  if (row?.['status'] === 'in progress') throw new TransactionGoesOn()
  return row?.['status'] === 'committed'
}

/** Gives a connection back; one that may be in a transaction still is closed. */
async function endTransaction(client: PoolClient, fault: Error | undefined): Promise<void> {
  if (fault === undefined) return client.release()
  if (isOutage(fault)) return client.release(fault)
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch (error) {
    client.release(error as Error)
  }
}
