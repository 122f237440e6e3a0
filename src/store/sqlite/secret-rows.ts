import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import type { RowRef } from './store-tables.ts'

/** Begins the key of a secret among the outputs: those of tasks are JSON strings, which begin with a quote. */
const PREFIX = 'secret '

/** The first text after all that begin with the prefix. */
const BEHIND = 'secret!'

/**
 * Secret answers, kept among the outputs of their execution: they are removed and copied with those, and a file of an earlier
 * version can hold them. Validates nothing and begins no transaction.
 */
export class SecretRows {
  readonly #put: ReturnType<SqliteConnection['command']>
  readonly #get: ReturnType<SqliteConnection['query']>
  readonly #list: ReturnType<SqliteConnection['query']>
  readonly #delete: ReturnType<SqliteConnection['command']>

  constructor(connection: SqliteConnection) {
    this.#put = connection.command(
      `INSERT INTO outputs (execution, task, json) VALUES (?, ?, ?)
       ON CONFLICT (execution, task) DO UPDATE SET json = excluded.json`,
    )
    this.#get = connection.query(
      `SELECT ${selectText('json')} FROM outputs WHERE execution = (SELECT number FROM executions WHERE id = ?) AND task = ?`,
    )
    this.#list = connection.query(
      `SELECT ${selectText('task')} FROM outputs WHERE execution = ? AND task >= '${PREFIX}' AND task < '${BEHIND}'`,
    )
    this.#delete = connection.command('DELETE FROM outputs WHERE execution = ? AND task = ?')
  }

  put({ number }: RowRef, inputId: string, json: string): void {
    this.#put(number, PREFIX + JSON.stringify(inputId), json)
  }

  get(executionId: string, inputId: string): string | undefined {
    return this.#get(executionId, PREFIX + JSON.stringify(inputId))[0]?.['json'] as string | undefined
  }

  /** Removes all secrets of an execution but these. */
  keep({ number }: RowRef, inputIds: readonly string[]): void {
    const kept = new Set(inputIds.map(inputId => PREFIX + JSON.stringify(inputId)))
    for (const row of this.#list(number)) {
      const key = row['task'] as string
      if (!kept.has(key)) this.#delete(number, key)
    }
  }
}
