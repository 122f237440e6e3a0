import { TIMED_TYPES, type TimedEntry } from '../timed-entries.ts'
import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import { toText } from './stored-owner.ts'

/** Finds the most recent ended executions by their age, and what their tasks took. */
export class RecentRows {
  readonly #find: ReturnType<SqliteConnection['query']>
  readonly #findOfOwner: ReturnType<SqliteConnection['query']>
  readonly #times: ReturnType<SqliteConnection['query']>

  constructor(connection: SqliteConnection) {
    const select = `SELECT ${selectText('id')} FROM executions WHERE ended_at IS NOT NULL`
    const order = 'ORDER BY executions.created_at DESC, executions.id DESC LIMIT ?'
    this.#find = connection.query(`${select} ${order}`)
    // All entries in one row: each row costs more than an entry, and outputs may be long.
    const types = TIMED_TYPES.map(type => `'${type}'`).join(', ')
    const data = `CASE WHEN json_valid(json) THEN json_remove(json, '$.output', '$.layers', '$.estimatesMs') ELSE '{}' END`
    const entry = `json_object('seq', place & ${2 ** 32 - 1}, 'type', type, 'data', json(${data}))`
    this.#times = connection.query(
      `SELECT CAST(json_group_array(json(entry)) AS BLOB) AS entries FROM (
         SELECT ${entry} AS entry FROM events
         WHERE place > (SELECT number << 32 | ? FROM executions WHERE id = ?)
           AND place < (SELECT (number + 1) << 32 FROM executions WHERE id = ?)
           AND type IN (${types})
           AND (type <> 'task_start' OR (json_valid(json) AND json ->> '$.itemCount' IS NOT NULL))
         ORDER BY place LIMIT ?)`,
    )
    this.#findOfOwner = connection.query(`${select} AND owner = ? ${order}`)
  }

  find(owner: string | undefined, limit: number): readonly string[] {
    const rows = owner === undefined ? this.#find(limit) : this.#findOfOwner(toText(owner), limit)
    return rows.map(row => row['id'] as string)
  }

  times(executionId: string, afterSeq: number, limit: number): readonly TimedEntry[] {
    const text = this.#times(afterSeq, executionId, executionId, limit)[0]?.['entries']
    return typeof text === 'string' ? (JSON.parse(text) as readonly TimedEntry[]) : []
  }
}
