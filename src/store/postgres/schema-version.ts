import type { ClientBase } from 'pg'
import { MIGRATIONS } from './sql/migrations.ts'
import { READ_FACTS, READ_VERSION, type SchemaVersion } from './sql/version.ts'
import { failStore, notMigrated } from './store-error.ts'

/** The oldest server that is supported, as `server_version_num` has it. */
const OLDEST_SERVER = 150_000

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

/** @throws `STORE_FAILED`, `STORE_NOT_MIGRATED`. A version one above is accepted: the database is migrated before its servers are replaced, one after the other. */
export function checkVersion(where: string, found: number, newest: number): void {
  if (found < newest) throw notMigrated(where)
  if (found > newest + 1) {
    const supported = `this one supports versions up to ${newest + 1}`
    throw failStore(where, `was migrated by a newer dagstream: its version is ${found}, ${supported}`)
  }
}

export async function checkServer(client: Pick<ClientBase, 'query'>, where: string): Promise<void> {
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

export async function readVersion(client: Pick<ClientBase, 'query'>): Promise<number> {
  const [facts] = (await client.query(READ_FACTS)).rows as [{ is_store: boolean }]
  if (!facts.is_store) return 0
  const [row] = (await client.query(READ_VERSION)).rows as [{ version: number }]
  return row.version
}
