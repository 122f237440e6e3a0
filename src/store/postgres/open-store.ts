import type { ClientBase } from 'pg'
import { describeUrl, expectUsable, readConnectionUrl } from './connection/connection-url.ts'
import { Database } from './connection/database.ts'
import { loadDriver } from './connection/load-driver.ts'
import { createPostgresStore } from './create-store.ts'
import type { PostgresStore } from './postgres-store.ts'
import { SET_SESSION } from './sql/session.ts'
import { checkStore } from './schema-version.ts'
import { type PostgresStoreOptions, resolvePostgresOptions } from './store-options.ts'
import { toStoreError } from './connection/store-error.ts'

/**
 * Opens the store in a database of PostgreSQL 15 or newer, which `dagstream store migrate` has prepared. Any number of processes may
 * open it. Needs the package `pg`.
 *
 * @param url such as `postgres://user:password@host:5432/database?sslmode=verify-full`. Never logged with its password
 * @throws `INVALID_OPTION`; `STORE_NOT_MIGRATED` if the database lacks the tables of this version; `STORE_FAILED` if it does not
 *   answer, refuses, is too old, a standby, or was migrated by a much newer version
 */
export async function openPostgresStore(url: string, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  const resolved = resolvePostgresOptions(options)
  const config = readConnectionUrl(url, 'dagstream')
  const where = describeUrl(url)
  const driver = await loadDriver()
  expectUsable(driver, config)
  // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it
  const pool = new driver.Pool({ ...config, max: resolved.maxConnections, onConnect: setSession })
  // Without these a connection that ends while nobody uses it would end the process.
  pool.on('error', error => resolved.logger.debug('A connection to the store was lost', { error: String(error) }))
  pool.on('connect', client => void client.on('error', () => {}))
  try {
    await checkStore(pool, where)
  } catch (error) {
    await pool.end()
    throw toStoreError(where, error)
  }
  const database = new Database({ driver, pool, where, clock: resolved.clock, storeRetryMs: resolved.storeRetryMs })
  return createPostgresStore({ database, driver, config, options: resolved })
}

/** Settings of a connection before its first statement. */
async function setSession(client: ClientBase & { readonly processID?: number }): Promise<void> {
  try {
    await client.query(SET_SESSION, [client.processID ?? 0])
  } catch {
    // Without them it is only slower. A connection that is lost shows at its first statement.
  }
}
