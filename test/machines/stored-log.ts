import type { StoredLog } from '../kill/stored-log.ts'
import { execute } from '../support/postgres.ts'

/** The log of an execution as a database holds it. */
export async function readPostgresLog(url: string, executionId: string): Promise<StoredLog | undefined> {
  const [row] = await execute(url, 'SELECT number, status FROM dagstream.executions WHERE id = $1', [executionId])
  if (row === undefined) return undefined
  const sql = 'SELECT seq::integer, type, json FROM dagstream.events WHERE execution = $1 ORDER BY seq'
  const entries = await execute(url, sql, [row['number']])
  return { status: row['status'] as string, entries: entries as unknown as StoredLog['entries'] }
}
