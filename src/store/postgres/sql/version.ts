import { type Statement, statement } from './statement.ts'

/** The version of a database, and that of this dagstream. */
export interface SchemaVersion {
  /** 0: no store yet. */
  readonly found: number
  readonly newest: number
}

/** Facts about a database that decide whether it can hold a store, in one row. Needs no privilege beyond the connection. */
export const READ_FACTS = `
  SELECT current_setting('server_version_num')::int AS server_version,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS is_standby,
    current_setting('transaction_read_only')::bool AS is_read_only,
    to_regclass('dagstream.versions') IS NOT NULL AS is_store,
    to_regclass('dagstream.members') IS NOT NULL AS has_members` as const

export const READ_VERSION = 'SELECT coalesce(max(version), 0)::int AS version FROM dagstream.versions' as const

/** For processes that run. */
export const READ_OWN_VERSION: Statement = statement('read_version', READ_VERSION)

/** Waits for another process that migrates; ends with the transaction. */
export const LOCK_MIGRATION = 'SELECT pg_advisory_xact_lock($1)' as const

/**
 * Bounds each wait of this transaction for a table: all other statements on the table queue behind it. Shorter than the second after
 * which the database looks for deadlocks, so that of two transactions in a deadlock the migration is the one that fails.
 */
export const BOUND_LOCKS = "SET LOCAL lock_timeout = '500ms'" as const

export const CREATE_SCHEMA = 'CREATE SCHEMA IF NOT EXISTS dagstream' as const
export const CREATE_VERSIONS = `
  CREATE TABLE IF NOT EXISTS dagstream.versions (
    version integer PRIMARY KEY, migrated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )` as const

export const ADD_VERSION = 'INSERT INTO dagstream.versions (version) VALUES ($1)' as const
