import { type Statement, statement } from './statement.ts'

/**
 * Removes at most $3 executions that ended longer than $1 ms ago or are beyond the newest $2, and those that were refused: created
 * an hour ago and never claimed. Of several servers each takes others.
 */
export const SWEEP: Statement = statement(
  'sweep',
  `WITH beyond AS (
     SELECT number FROM dagstream.executions WHERE ended_at IS NOT NULL AND (
       ended_at <= clock_timestamp() - $1::float8 * interval '1 ms'
       OR (ended_at, number) <= (
         SELECT ended_at, number FROM dagstream.executions WHERE ended_at IS NOT NULL
         ORDER BY ended_at DESC, number DESC OFFSET $2 LIMIT 1))
     ORDER BY ended_at, number LIMIT $3 FOR UPDATE SKIP LOCKED
   ), refused AS (
     SELECT number FROM dagstream.executions
     WHERE ended_at IS NULL AND epoch = 0 AND inserted_at < clock_timestamp() - interval '1 hour'
     LIMIT $3 FOR UPDATE SKIP LOCKED
   ), gone AS (
     DELETE FROM dagstream.executions
     WHERE number IN (SELECT number FROM beyond UNION ALL SELECT number FROM refused) RETURNING number
   ), request AS (
     DELETE FROM dagstream.requests USING gone WHERE execution = gone.number
   ), secret AS (
     DELETE FROM dagstream.secrets USING gone WHERE execution = gone.number
   ), message AS (
     DELETE FROM dagstream.inbox USING gone WHERE execution = gone.number
   )
   INSERT INTO dagstream.removals (execution) SELECT number FROM gone RETURNING execution`,
)

/** Deletes $1 events or outputs of a removed execution. No row is returned once nothing is left. */
export const CLEAR_SLICE: Statement = statement(
  'clear_slice',
  `WITH removed AS (
     SELECT execution FROM dagstream.removals LIMIT 1 FOR UPDATE SKIP LOCKED
   ), event AS (
     DELETE FROM dagstream.events AS e USING (
       SELECT events.execution, seq FROM dagstream.events JOIN removed USING (execution) ORDER BY seq LIMIT $1
     ) AS slice WHERE e.execution = slice.execution AND e.seq = slice.seq RETURNING 1
   ), output AS (
     DELETE FROM dagstream.outputs AS o USING (
       SELECT outputs.execution, task FROM dagstream.outputs JOIN removed USING (execution) LIMIT $1
     ) AS slice WHERE o.execution = slice.execution AND o.task = slice.task RETURNING 1
   ), done AS (
     DELETE FROM dagstream.removals USING removed WHERE removals.execution = removed.execution
       AND NOT EXISTS (SELECT FROM event) AND NOT EXISTS (SELECT FROM output)
   ) SELECT execution FROM removed`,
)

export const RECALL: Statement = statement(
  'recall',
  `SELECT execution, task, json FROM dagstream.remembered
   WHERE owner = $1 AND key = $2 AND kept_at >= clock_timestamp() - $3::float8 * interval '1 ms'`,
)
export const REMEMBER: Statement = statement(
  'remember',
  `INSERT INTO dagstream.remembered (owner, key, execution, task, json, bytes, kept_at)
   VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
   ON CONFLICT (owner, key) DO UPDATE SET execution = excluded.execution, task = excluded.task, json = excluded.json,
     bytes = excluded.bytes, kept_at = excluded.kept_at`,
)
export const FORGET: Statement = statement(
  'forget',
  'WITH gone AS (DELETE FROM dagstream.remembered RETURNING 1) SELECT count(*)::int AS count FROM gone',
)

/** Forgets commands an hour after they were sent, and turns of owners that have no order. */
export const SWEEP_COMMANDS: Statement = statement(
  'sweep_commands',
  `WITH command AS (DELETE FROM dagstream.commands WHERE sent_at < clock_timestamp() - interval '1 hour')
   DELETE FROM dagstream.owners WHERE turn < extract(epoch FROM clock_timestamp() - interval '1 hour') * 1000
     AND NOT EXISTS (SELECT FROM dagstream.orders WHERE orders.owner = owners.owner)`,
)

/** Forgets outputs older than $1 ms, and the oldest beyond $2 bytes. */
export const SWEEP_REMEMBERED: Statement = statement(
  'sweep_remembered',
  `DELETE FROM dagstream.remembered WHERE kept_at < clock_timestamp() - $1::float8 * interval '1 ms' OR kept_at <= (
     SELECT kept_at FROM (
       SELECT kept_at, sum(bytes) OVER (ORDER BY kept_at DESC) AS total FROM dagstream.remembered
     ) AS summed WHERE total > $2 ORDER BY kept_at DESC LIMIT 1)`,
)
