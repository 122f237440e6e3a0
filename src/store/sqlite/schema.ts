import { rollBack, type SqliteConnection } from './driver.ts'
import { failStore } from './store-error.ts'

/** Marks a file as a dagstream store in its header: `dags`. */
const APPLICATION_ID = 0x64616773

/**
 * Migrations from each version of the file to the next; the first turns an empty file into a store. Never change an
 * existing migration: files made by it exist.
 *
 * Texts from outside (owners, keys, task ids) are stored as JSON, which can escape what UTF-8 cannot encode. An event's
 * place combines the number of its execution and its seq in one integer, so that the log of an execution is contiguous in
 * one tree, without a separate index. A number is reused only after all rows of its execution are deleted.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE executions (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     owner TEXT NOT NULL,
     idempotency_key TEXT,
     request_hash TEXT,
     created_at TEXT NOT NULL,
     status TEXT NOT NULL,
     ended_at INTEGER,
     epoch INTEGER NOT NULL,
     notes TEXT
   );
   CREATE UNIQUE INDEX executions_by_key ON executions (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
   CREATE INDEX executions_by_age ON executions (created_at, id);
   CREATE INDEX executions_by_owner ON executions (owner, created_at, id);
   CREATE INDEX executions_by_end ON executions (ended_at) WHERE ended_at IS NOT NULL;
   CREATE INDEX executions_unfinished ON executions (created_at, id) WHERE ended_at IS NULL;
   CREATE TABLE requests (execution INTEGER PRIMARY KEY, workflow TEXT, input TEXT, options TEXT);
   CREATE TABLE events (place INTEGER PRIMARY KEY, type TEXT NOT NULL, json TEXT NOT NULL);
   CREATE TABLE outputs (number INTEGER PRIMARY KEY, execution INTEGER NOT NULL, task TEXT NOT NULL, json TEXT NOT NULL);
   CREATE UNIQUE INDEX outputs_by_task ON outputs (execution, task);
   CREATE TABLE removals (execution INTEGER PRIMARY KEY);`,
  // Events replace `notes`: only the notes of unfinished executions are still read.
  `UPDATE executions SET status =
     CASE WHEN json_extract(notes, '$.stop') IS NULL THEN 'parked' ELSE 'parked, stopping' END
     WHERE ended_at IS NULL AND json_extract(notes, '$.parked') IS NOT NULL;
   UPDATE executions SET status = 'stopping'
     WHERE ended_at IS NULL AND status = 'running' AND json_extract(notes, '$.stop') IS NOT NULL;
   UPDATE executions SET notes = NULL WHERE ended_at IS NOT NULL;`,
]

/**
 * Migrates a file to the newest version. Each step is atomic.
 * @throws `STORE_FAILED` for a file of another program or of a newer version
 */
export function migrate(connection: SqliteConnection, file: string, migrations: readonly string[] = MIGRATIONS): void {
  for (let version = readVersion(connection, file, migrations.length); version < migrations.length; version++) {
    connection.exec('BEGIN IMMEDIATE')
    try {
      connection.exec(migrations[version] as string)
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}`)
      connection.exec('COMMIT')
    } catch (error) {
      rollBack(connection)
      throw error
    }
  }
}

/**
 * Reads the version of a file; 0 for an empty file.
 * @throws `STORE_FAILED` for a file of another program, or a version above `newest`
 */
export function readVersion(connection: SqliteConnection, file: string, newest: number = MIGRATIONS.length): number {
  const readNumber = (sql: string): number => Object.values(connection.query(sql)()[0] ?? {})[0] as number
  const applicationId = readNumber('PRAGMA application_id')
  const isEmpty = readNumber('SELECT count(*) FROM sqlite_schema') === 0
  if (applicationId !== APPLICATION_ID && !(isEmpty && applicationId === 0)) {
    throw failStore(file, 'belongs to another program: name another file')
  }
  const version = readNumber('PRAGMA user_version')
  if (version < 0 || isEmpty !== (version === 0)) {
    throw failStore(file, `is damaged: its version, ${version}, does not match its content`)
  }
  if (version > newest) {
    throw failStore(
      file,
      `was made by a newer dagstream: its version is ${version}, this one supports versions up to ${newest}`,
    )
  }
  return version
}
