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
