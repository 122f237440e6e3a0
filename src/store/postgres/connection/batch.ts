import type { Connection, Pool, QueryResult, Submittable } from 'pg'
import type { PostgresDriver } from './load-driver.ts'
import type { Statement } from '../sql/statement.ts'

/** A statement with its values. */
export interface Call {
  readonly statement: Statement
  readonly values: readonly unknown[]
}

/** How a batch ended. */
interface BatchEnd {
  /** Of the statements that the server has run. */
  readonly results: readonly QueryResult[]
  /** That of the statement behind them. */
  readonly error?: Error
}

/** What the driver's own query does with the answers of the server; its types leave it out. */
interface Receiver {
  /** @returns why it has sent nothing */
  submit(connection: Connection): Error | null
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleReadyForQuery(connection: Connection): void
}

const BEGIN: Call = { statement: { name: 'dagstream_begin_batch', text: 'BEGIN' }, values: [] }
const COMMIT: Call = { statement: { name: 'dagstream_commit_batch', text: 'COMMIT' }, values: [] }

/**
 * Runs statements in one transaction and one trip: each trip costs about as much as a statement.
 * @param after runs once they are committed, in a transaction of its own; its failure is ignored
 * @returns the results of `calls`
 * @throws the error of the driver
 */
export async function runBatch(
  driver: Pick<PostgresDriver, 'Query'>,
  pool: Pool,
  calls: readonly Call[],
  after: Call | undefined,
): Promise<readonly QueryResult[]> {
  const first = after === undefined ? 0 : 1
  const all = after === undefined ? calls : [BEGIN, ...calls, COMMIT, after]
  const client = await pool.connect()
  const { results, error } = await new Promise<BatchEnd>(resolve => client.query(new Batch(driver, all, resolve)))
  // The driver takes statements that the server has skipped after an error for prepared ones.
  client.release(error)
  const isCommitted = error === undefined || (after !== undefined && results.length >= calls.length + 2)
  if (!isCommitted) throw error
  return results.slice(first, first + calls.length)
}

/** Statements that are sent in one write. Unlike the driver's own query it does not wait for the answer to one before the next. */
class Batch implements Submittable {
  /** Told of its end. The driver puts a function around it that stops the timer of `query_timeout`; without it that timer throws. */
  callback: (error?: Error) => void
  readonly #calls: readonly Call[]
  readonly #receivers: readonly Receiver[]
  readonly #results: QueryResult[] = []
  /** Of the first statement that the driver cannot send, or whose answer it cannot read. What follows it is dropped. */
  #fault: Error | undefined

  constructor(driver: Pick<PostgresDriver, 'Query'>, calls: readonly Call[], onEnd: (end: BatchEnd) => void) {
    this.callback = error => onEnd({ results: this.#results, ...(error && { error }) })
    this.#calls = calls
    const onResult = (error: Error | undefined, result: unknown): void => {
      if (error) this.#fault ??= error
      else this.#results.push(result as QueryResult)
    }
    this.#receivers = calls.map(
      ({ statement, values }) =>
        new driver.Query({ ...statement, values: [...values] }, onResult) as unknown as Receiver,
    )
  }

  /** Of the statement that is being answered, for the driver. */
  get name(): string | undefined {
    return this.#calls[this.#results.length]?.statement.name
  }

  get text(): string | undefined {
    return this.#calls[this.#results.length]?.statement.text
  }

  readonly submit = (connection: Connection): null => {
    // Each statement would end with a `Sync`, which ends its transaction. Here one follows the last.
    const open = Object.create(connection, { sync: { value: () => {} } }) as Connection
    connection.stream.cork()
    try {
      for (const receiver of this.#receivers) {
        this.#fault = receiver.submit(open) ?? this.#fault
        if (this.#fault !== undefined) throw this.#fault
      }
      connection.sync()
    } catch (error) {
      // The server gets nothing of a batch that lacks a part, and answers nothing.
      connection.stream.destroy()
      this.callback(error as Error)
    } finally {
      connection.stream.uncork()
    }
    return null
  }

  handleRowDescription(message: unknown): void {
    this.#current?.handleRowDescription(message)
  }

  handleDataRow(message: unknown): void {
    this.#current?.handleDataRow(message)
  }

  handleCommandComplete(message: unknown, connection: Connection): void {
    const receiver = this.#current
    receiver?.handleCommandComplete(message, connection)
    receiver?.handleReadyForQuery(connection)
  }

  handleError(error: Error): void {
    this.callback(this.#fault ?? error)
  }

  handleReadyForQuery(): void {
    this.callback(this.#fault)
  }

  get #current(): Receiver | undefined {
    return this.#fault === undefined ? this.#receivers[this.#results.length] : undefined
  }
}
