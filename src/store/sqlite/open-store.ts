import { loadDriver, readResultCode, rollBack, SQLITE, type SqliteConnection, type SqliteDriver } from './driver.ts'
import { migrate, MIGRATIONS, readVersion } from './schema.ts'
import { createSqliteStore, type SqliteStore } from './sqlite-store.ts'
import { failStore, toStoreError } from './store-error.ts'
import { lockStore } from './store-lock.ts'
import { resolveSqliteOptions, type SqliteStoreOptions } from './store-options.ts'
import { prepareFile } from './store-path.ts'

/** How long a statement itself waits for a lock, ms: the event loop waits with it, so what takes longer is tried again. */
const MAX_BLOCKING_MS = 2

/** The size to which the write-ahead log is cut back once a long backup or reader has let it grow, bytes. */
const MAX_IDLE_LOG_BYTES = 64 * 1024 * 1024

/** What tests put in place of the real things. */
export interface StoreMakings {
  readonly driver?: SqliteDriver
  readonly migrations?: readonly string[]
}

/**
 * Opens the store in a file, which is made if there is none; its directory must exist. Beside it lie `FILE-wal` and
 * `FILE-shm`, parts of the store while it is open, and `FILE-lock`, which is empty.
 *
 * One store writes a file at a time: see `readOnly`. Close it when it is no longer needed.
 * @throws `INVALID_OPTION`; `STORE_IN_USE` if another process or store writes it; `STORE_FAILED` if the file cannot be used,
 *   is not a store's, or was made by a newer version
 */
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  return openStore(file, options)
}

/** The same, of other makings. */
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
  // Before anything is changed: the file may be another program's.
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
 * What cannot be written, such as a file on a read-only file system, may still be opened, and be locked. A full disk is no
 * reason not to begin: what is there can be read, and taken up once there is room.
 */
function tryWriting(connection: SqliteConnection, version: number): void {
  try {
    // A transaction alone would be one of reading, where nothing may be written.
    connection.exec('BEGIN IMMEDIATE')
    connection.exec(`PRAGMA user_version = ${version}`)
    connection.exec('COMMIT')
  } catch (error) {
    rollBack(connection)
    if (readResultCode(error) !== SQLITE.FULL) throw error
  }
}

/** As SQLite takes it: an integer of 32 bits. */
function toMilliseconds(ms: number): number {
  return Math.min(Math.ceil(ms), 2 ** 31 - 1)
}
