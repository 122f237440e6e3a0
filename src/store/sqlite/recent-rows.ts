import type { SqliteConnection } from './driver.ts'
import { selectText } from './rows.ts'
import { toText } from './stored-owner.ts'

/** Finds the most recent ended executions by their age. */
export class RecentRows {
  readonly #find: ReturnType<SqliteConnection['query']>
  readonly #findOfOwner: ReturnType<SqliteConnection['query']>

  constructor(connection: SqliteConnection) {
    const select = `SELECT ${selectText('id')} FROM executions WHERE ended_at IS NOT NULL`
    const order = 'ORDER BY executions.created_at DESC, executions.id DESC LIMIT ?'
    this.#find = connection.query(`${select} ${order}`)
    this.#findOfOwner = connection.query(`${select} AND owner = ? ${order}`)
  }

  find(owner: string | undefined, limit: number): readonly string[] {
    const rows = owner === undefined ? this.#find(limit) : this.#findOfOwner(toText(owner), limit)
    return rows.map(row => row['id'] as string)
  }
}
