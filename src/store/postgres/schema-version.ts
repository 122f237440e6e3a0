import type { ClientBase } from 'pg'
import { LIST_BODIES, LOCK_MEMBERS, MEMBERS_LOCK } from './sql/members.ts'
import { MIGRATIONS } from './sql/migrations.ts'
import { READ_FACTS, READ_VERSION, type SchemaVersion } from './sql/version.ts'
import { failStore, notMigrated } from './connection/store-error.ts'

/** The oldest server that is supported, as `server_version_num` has it. */
const OLDEST_SERVER = 150_000

/** The version of members that do not tell theirs. */
const UNTOLD_VERSION = 2

/** Members that are named at most. */
const MAX_NAMED = 5

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

/**
 * Checks that the processes on the store will work with a version of it. In a transaction: no process joins until its end.
 * @throws `STORE_FAILED`
 */
export async function checkMembers(client: Pick<ClientBase, 'query'>, where: string, version: number): Promise<void> {
  const [facts] = (await client.query(READ_FACTS)).rows as [{ has_members: boolean }]
  if (!facts.has_members) return
  await client.query(LOCK_MEMBERS.text, [MEMBERS_LOCK])
  const members = (await client.query(LIST_BODIES)).rows as readonly { id: string; body: string }[]
  const behind = members.flatMap(({ id, body }) => readBehind(id, body, version))
  if (behind.length === 0) return
  const more = behind.length > MAX_NAMED ? ` and ${behind.length - MAX_NAMED} more` : ''
  const named = `${behind.slice(0, MAX_NAMED).join(', ')}${more}`
  const advice = 'replace them by the version between, or stop them, then migrate'
  throw failStore(where, `is used by processes that do not work with its version ${version}: ${named}; ${advice}`)
}

/** @returns the member if it is two or more versions behind; nothing for a row that another program has damaged */
function readBehind(id: string, body: string, version: number): string[] {
  try {
    const { role, version: own, schema = UNTOLD_VERSION } = JSON.parse(body) as Record<string, unknown>
    return Number(schema) < version - 1 ? [`${String(role)} ${id} (dagstream ${String(own)})`] : []
  } catch {
    return []
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
