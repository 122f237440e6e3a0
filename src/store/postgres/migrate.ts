import type { ClientBase } from 'pg'
import { readConnectionUrl, describeUrl } from './connection-url.ts'
import { loadDriver, type PostgresDriver } from './load-driver.ts'
import { MIGRATION_LOCK, MIGRATIONS, type Migration } from './sql/migrations.ts'
import { ADD_VERSION, CREATE_SCHEMA, CREATE_VERSIONS, LOCK_MIGRATION, READ_FACTS, READ_VERSION } from './sql/version.ts'
import { failStore, notMigrated, toStoreError } from './store-error.ts'

/** The oldest server that is supported, as `server_version_num` has it. */
const OLDEST_SERVER = 150_000

/** The version of a database, and that of this dagstream. */
export interface SchemaVersion {
  /** 0: no store yet. */
  readonly found: number
  readonly newest: number
}

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

/** Checks the server and the version of the store. @throws `STORE_FAILED`, `STORE_NOT_MIGRATED` */
export async function checkStore(
  client: Pick<ClientBase, 'query'>,
  where: string,
  newest: number = MIGRATIONS.length,
): Promise<SchemaVersion> {
  await checkServer(client, where)
  const found = await readVersion(client)
  checkVersion(where, found, newest)
  return { found, newest }
}

/** A version one above is accepted: the database is migrated before its servers are replaced, one after the other. */
function checkVersion(where: string, found: number, newest: number): void {
  if (found < newest) throw notMigrated(where)
  if (found > newest + 1) {
    const supported = `this one supports versions up to ${newest + 1}`
    throw failStore(where, `was migrated by a newer dagstream: its version is ${found}, ${supported}`)
  }
}

async function checkServer(client: Pick<ClientBase, 'query'>, where: string): Promise<void> {
  const [facts] = (await client.query(READ_FACTS)).rows as [Readonly<Record<string, unknown>>]
  const version = facts['server_version'] as number
  if (version < OLDEST_SERVER) {
    throw failStore(where, `is of PostgreSQL ${Math.floor(version / 10_000)}: it must be 15 or newer`)
  }
  if (facts['encoding'] !== 'UTF8') {
    throw failStore(
      where,
      `has the encoding ${String(facts['encoding'])}: create the database with \`--encoding UTF8\``,
    )
  }
  if (facts['is_standby'] === true) {
    throw failStore(where, 'is a standby, which is read-only: give the URL of the primary server')
  }
  if (facts['is_read_only'] === true) {
    throw failStore(
      where,
      'is read-only: give the URL of the primary server, or set `default_transaction_read_only` to off',
    )
  }
}

async function readVersion(client: Pick<ClientBase, 'query'>): Promise<number> {
  const [facts] = (await client.query(READ_FACTS)).rows as [{ is_store: boolean }]
  if (!facts.is_store) return 0
  const [row] = (await client.query(READ_VERSION)).rows as [{ version: number }]
  return row.version
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

async function withClient<T>(
  url: string,
  run: (client: ClientBase, where: string) => Promise<T>,
  driver?: PostgresDriver,
): Promise<T> {
  const config = readConnectionUrl(url, 'dagstream store')
  const where = describeUrl(url)
  const { Client } = driver ?? (await loadDriver())
  // A step may rebuild a large table.
  const client = new Client({ ...config, query_timeout: 0 })
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
