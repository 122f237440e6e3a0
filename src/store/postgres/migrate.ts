import type { ClientBase } from 'pg'
import { describeUrl, expectUsable, readConnectionUrl } from './connection-url.ts'
import { loadDriver } from './load-driver.ts'
import { MIGRATION_LOCK, MIGRATIONS, type Migration } from './sql/migrations.ts'
import { ADD_VERSION, CREATE_SCHEMA, CREATE_VERSIONS, LOCK_MIGRATION, type SchemaVersion } from './sql/version.ts'
import { checkServer, checkStore, checkVersion, readVersion } from './schema-version.ts'
import { toStoreError } from './store-error.ts'

/** What a migration did. */
export interface MigrationReport extends SchemaVersion {
  /** Titles of the steps that were made, in their order. */
  readonly made: readonly string[]
}

/**
 * Migrates a database to the version of this dagstream, each step in a transaction. Idempotent; of several at once one migrates.
 *
 * Needs the privilege to create a schema in the database; a running store does not.
 * @throws `INVALID_OPTION`, `STORE_FAILED`
 */
export function migratePostgresStore(
  url: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<MigrationReport> {
  return withClient(url, async (client, where) => {
    await checkServer(client, where)
    const made: string[] = []
    const found = await readVersion(client)
    if (found === 0) await inTransaction(client, () => createSchema(client))
    let version = found
    while (version < migrations.length) {
      version = await inTransaction(client, async () => {
        const before = await readVersion(client)
        const next = migrations[before]
        if (next === undefined) return before
        await client.query(next.sql)
        await client.query(ADD_VERSION, [before + 1])
        made.push(next.title)
        return before + 1
      })
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
