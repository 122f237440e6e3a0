import { loadDriver, readResultCode, rollBack, SQLITE, type SqliteConnection, type SqliteDriver } from './driver.ts'
import { migrate, MIGRATIONS, readVersion } from './schema.ts'
import { createSqliteStore, type SqliteStore } from './sqlite-store.ts'
import { failStore, toStoreError } from './store-error.ts'
import { lockStore } from './store-lock.ts'
import { resolveSqliteOptions, type SqliteStoreOptions } from './store-options.ts'
import { prepareFile } from './store-path.ts'

/** Maximum time that a statement blocks on a lock, ms. It blocks the event loop, so longer waits are retried instead. */
const MAX_BLOCKING_MS = 2

/** Size to which the write-ahead log is truncated after a long backup or reader let it grow, bytes. */
const MAX_IDLE_LOG_BYTES = 64 * 1024 * 1024

/** Replacements for tests. */
export interface StoreMakings {
  readonly driver?: SqliteDriver
  readonly migrations?: readonly string[]
}

/**
 * Opens the store in a file. Creates the file if it is missing; its directory must exist. Beside it are `FILE-wal` and
 * `FILE-shm`, parts of the store while it is open, and `FILE-lock`, which is empty.
 *
 * Only one store at a time may write a file: see `readOnly`. Close the store when it is no longer needed.
 * @throws `INVALID_OPTION`; `STORE_IN_USE` if another process or store writes the file; `STORE_FAILED` if the file is
 *   unusable, is not a store, or was created by a newer version
 */
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  return openStore(file, options)
}

/** `openSqliteStore` with replaceable parts. */
export async function openStore(
  file: string,
  given: SqliteStoreOptions,
  { driver: givenDriver, migrations = MIGRATIONS }: StoreMakings = {},
): Promise<SqliteStore> {
  const options = resolveSqliteOptions(given)
  const path = prepareFile(file, { mustExist: options.readOnly })
  const driver = givenDriver ?? (await loadDriver())
  const opened: (() => void)[] = []
  try {
    const unlock = options.readOnly ? (): void => {} : await lockStore(driver, path)
    opened.push(unlock)
    const connection = driver.open(path)
    opened.push(() => connection.close())
    if (options.readOnly) prepareReading(connection, path, options)
    else prepareWriting(connection, path, options, migrations)
    return createSqliteStore({ driver, connection, file: path, unlock, options })
  } catch (error) {
    for (const close of opened.toReversed()) close()
    throw toStoreError(path, error)
  }
}

function prepareReading(
  connection: SqliteConnection,
  file: string,
  { busyTimeoutMs }: Required<SqliteStoreOptions>,
): void {
  connection.exec('PRAGMA query_only = 1')
  connection.query(`PRAGMA busy_timeout = ${toMilliseconds(busyTimeoutMs)}`)()
  const version = readVersion(connection, file)
  if (version === MIGRATIONS.length) return
  throw failStore(file, `is ${version === 0 ? 'empty' : 'of an older version'}: open it once without \`readOnly\``)
}

function prepareWriting(
  connection: SqliteConnection,
  file: string,
  { durability, busyTimeoutMs }: Required<SqliteStoreOptions>,
  migrations: readonly string[],
): void {
  connection.query(`PRAGMA busy_timeout = ${toMilliseconds(busyTimeoutMs)}`)()
  // Checked before any change, because the file may belong to another program.
  readVersion(connection, file, migrations.length)
  if (connection.query('PRAGMA journal_mode = WAL')()[0]?.['journal_mode'] !== 'wal') {
    throw failStore(file, 'cannot be opened: its file system has no shared memory, which a write-ahead log needs')
  }
  connection.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
  connection.query(`PRAGMA journal_size_limit = ${MAX_IDLE_LOG_BYTES}`)()
  migrate(connection, file, migrations)
  tryWriting(connection, migrations.length)
  connection.query(`PRAGMA busy_timeout = ${Math.min(toMilliseconds(busyTimeoutMs), MAX_BLOCKING_MS)}`)()
}

/**
 * Verifies that the file is writable: a file on a read-only file system can still be opened and locked. A full disk is
 * tolerated, because the store can be read, and its executions resumed once there is space.
 */
function tryWriting(connection: SqliteConnection, version: number): void {
  try {
    // `BEGIN IMMEDIATE` alone becomes a read transaction if the file is not writable.
    connection.exec('BEGIN IMMEDIATE')
    connection.exec(`PRAGMA user_version = ${version}`)
    connection.exec('COMMIT')
  } catch (error) {
    rollBack(connection)
    if (readResultCode(error) !== SQLITE.FULL) throw error
  }
}

/** Rounds and clamps to a 32-bit integer, as SQLite requires. */
function toMilliseconds(ms: number): number {
  return Math.min(Math.ceil(ms), 2 ** 31 - 1)
}
