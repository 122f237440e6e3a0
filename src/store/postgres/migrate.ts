import type { ClientBase } from 'pg'
import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import { describeUrl, expectUsable, readConnectionUrl } from './connection/connection-url.ts'
import { loadDriver } from './connection/load-driver.ts'
import { MIGRATION_LOCK, MIGRATIONS, type Migration } from './sql/migrations.ts'
import {
  ADD_VERSION,
  BOUND_LOCKS,
  CREATE_SCHEMA,
  CREATE_VERSIONS,
  LOCK_MIGRATION,
  type SchemaVersion,
} from './sql/version.ts'
import { checkMembers, checkServer, checkStore, checkVersion, readVersion } from './schema-version.ts'
import { failStore, isConflict, isLocked, toStoreError } from './connection/store-error.ts'

/** Pause in which the running processes go on, before a step is tried again, ms. */
const PAUSE_MS = 500

/** What a migration did. */
export interface MigrationReport extends SchemaVersion {
  /** Titles of the steps that were made, in their order. */
  readonly made: readonly string[]
}

/**
 * Migrates a database to the version of this dagstream, each step in a transaction. Idempotent; of several at once one migrates.
 *
 * Processes that use the store stay at work. It refuses to leave one of them two versions behind.
 *
 * A step needs its tables for itself. It waits for them for half a second, then lets the processes on the store go on and tries again.
 *
 * Needs the privilege to create a schema in the database; a running store does not.
 * @param waitMs how long each step is tried, ms
 * @throws `INVALID_OPTION`, `STORE_FAILED`
 */
export function migratePostgresStore(
  url: string,
  migrations: readonly Migration[] = MIGRATIONS,
  waitMs: number = 60_000,
): Promise<MigrationReport> {
  return withClient(url, async (client, where) => {
    await checkServer(client, where)
    const made: string[] = []
    const found = await readVersion(client)
    if (found === 0) await inTransaction(client, () => createSchema(client))
    let version = found
    while (version < migrations.length) {
      const step = await untilFree(where, waitMs, () =>
        inTransaction(client, () => makeStep(client, where, migrations)),
      )
      version = step.version
      if (step.made !== undefined) made.push(step.made.title)
    }
    checkVersion(where, version, migrations.length)
    return { found, newest: migrations.length, made }
  })
}

/**
 * Checks that a store can be opened on a database.
 * @throws `INVALID_OPTION`, `STORE_FAILED`, `STORE_NOT_MIGRATED`
 */
export function checkPostgresStore(url: string): Promise<SchemaVersion> {
  return withClient(url, checkStore)
}

/** @returns the version, and the step that led to it unless another process has made all of them */
async function makeStep(
  client: ClientBase,
  where: string,
  migrations: readonly Migration[],
): Promise<{ readonly version: number; readonly made?: Migration }> {
  const version = await readVersion(client)
  const next = migrations[version]
  if (next === undefined) return { version }
  await checkMembers(client, where, migrations.length)
  await client.query(BOUND_LOCKS)
  await client.query(next.sql)
  await client.query(ADD_VERSION, [version + 1])
  return { version: version + 1, made: next }
}

/** Repeats a step while others have its tables. @throws `STORE_FAILED` after `waitMs` */
async function untilFree<T>(where: string, waitMs: number, run: () => Promise<T>): Promise<T> {
  for (const end = systemClock.now() + waitMs; ; await sleep(systemClock, PAUSE_MS)) {
    try {
      return await run()
    } catch (error) {
      if (!isLocked(error) && !isConflict(error)) throw error
      if (systemClock.now() >= end) {
        const meaning =
          'has a table in use by a long transaction, such as that of a backup: migrate once that has ended'
        throw failStore(where, meaning, error)
      }
    }
  }
}

async function createSchema(client: ClientBase): Promise<void> {
  await client.query(CREATE_SCHEMA)
  await client.query(CREATE_VERSIONS)
}

/** One migration at a time: the lock ends with its transaction. */
async function inTransaction<T>(client: ClientBase, run: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    await client.query(LOCK_MIGRATION, [MIGRATION_LOCK])
    const value = await run()
    await client.query('COMMIT')
    return value
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      // The connection is gone, and the transaction with it. The caller gets the original error.
    })
    throw error
  }
}

async function withClient<T>(url: string, run: (client: ClientBase, where: string) => Promise<T>): Promise<T> {
  const config = readConnectionUrl(url, 'dagstream store')
  const where = describeUrl(url)
  const driver = await loadDriver()
  expectUsable(driver, config)
  // A step may rebuild a large table.
  const client = new driver.Client({ ...config, query_timeout: 0 })
  client.on('error', () => {
    // A statement in flight rejects with it.
  })
  try {
    await client.connect()
  } catch (error) {
    throw toStoreError(where, error)
  }
  try {
    return await run(client, where)
  } catch (error) {
    throw toStoreError(where, error)
  } finally {
    await client.end()
  }
}
