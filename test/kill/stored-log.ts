import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadDriver } from '../../src/store/sqlite/driver.ts'

/** An event as it lies in the file. */
export interface Stored {
  readonly seq: number
  readonly type: string
  readonly json: string
}

/** What a file has of one execution. */
export interface StoredLog {
  readonly status: string
  readonly entries: readonly Stored[]
}

/**
 * Everything in a store's file, by execution, read from a copy: what is found there is left for the next process as it is.
 * @throws Error for a file that is not sound
 */
export async function readLogs(file: string): Promise<ReadonlyMap<string, StoredLog>> {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-kill-copy-'))
  const copy = join(folder, 'store.db')
  for (const end of ['', '-wal']) if (existsSync(file + end)) copyFileSync(file + end, copy + end)
  const connection = (await loadDriver()).open(copy)
  try {
    const [check] = connection.query('PRAGMA integrity_check')()
    if (check?.['integrity_check'] !== 'ok') throw new Error(`The file is damaged: ${JSON.stringify(check)}`)
    // Killed before it had made any of its tables; what has some of them has all.
    if (connection.query('SELECT 1 FROM sqlite_schema')().length === 0) return new Map()
    const entriesOf = connection.query(
      `SELECT place & 4294967295 AS seq, type, json FROM events
       WHERE place >= ? * 4294967296 AND place < (? + 1) * 4294967296 ORDER BY place`,
    )
    const logs = connection
      .query('SELECT number, id, status FROM executions')()
      .map(row => {
        const number = row['number'] as number
        const entries = entriesOf(number, number) as readonly unknown[] as readonly Stored[]
        const log = { status: row['status'] as string, entries }
        return [row['id'] as string, log] as const
      })
    return new Map(logs)
  } finally {
    connection.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
