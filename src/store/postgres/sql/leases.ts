import { type Statement, statement } from './statement.ts'

export const RENEW: Statement = statement(
  'renew_leases',
  `UPDATE dagstream.executions SET lease_ms = $2, lease_until = clock_timestamp() + $2::float8 * interval '1 ms'
   WHERE holder = $1 AND ended_at IS NULL RETURNING id`,
)

export const RELEASE_ALL: Statement = statement(
  'release_all',
  'UPDATE dagstream.executions SET holder = NULL, lease_until = NULL WHERE holder = $1 AND ended_at IS NULL',
)

/** $3: the duration. Its living holder may claim an execution again. */
export const CLAIM_FREE_ONE: Statement = statement(
  'claim_free_one',
  `UPDATE dagstream.executions SET epoch = epoch + 1, holder = $2, lease_ms = $3,
     lease_until = clock_timestamp() + $3::float8 * interval '1 ms'
   WHERE id = $1 AND (holder IS NULL OR holder = $2 OR lease_until <= clock_timestamp()) RETURNING epoch`,
)

/**
 * Claims at most $2 executions that began, run, are not parked, and whose lease was given back or has expired. After an outage no
 * lease counts as expired before its holder had its whole duration to renew it. $4: ms since this process has been connected; negative: none
 * counts as expired.
 */
export const CLAIM_FREE: Statement = statement(
  'claim_free',
  `UPDATE dagstream.executions SET epoch = epoch + 1, holder = $1, lease_ms = $3,
     lease_until = clock_timestamp() + $3::float8 * interval '1 ms'
   WHERE number IN (
     SELECT number FROM dagstream.executions
     WHERE ended_at IS NULL AND epoch > 0 AND parked IS NULL AND (holder IS NULL OR (
       lease_until <= clock_timestamp() AND lease_ms <= $4
       AND pg_postmaster_start_time() + lease_ms * interval '1 ms' <= clock_timestamp()))
     ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
   ) RETURNING id, epoch, created_at`,
)

export const RELEASE: Statement = statement(
  'release',
  'UPDATE dagstream.executions SET holder = NULL, lease_until = NULL WHERE id = $1 AND epoch = $2',
)

export const FIND_HOLDER: Statement = statement(
  'find_holder',
  'SELECT holder FROM dagstream.executions WHERE id = $1 AND lease_until > clock_timestamp()',
)
