import { type Statement, statement } from './statement.ts'

/** Whether the order is held by worker $1: finds no use for the index of held orders, as `IS_FREE`. */
export const IS_HELD = "coalesce(worker, '') = $1"

/** As `worker IS NULL`, but finds no use for the index of waiting orders: an order by its number is one probe of the primary key. */
export const IS_FREE = "coalesce(worker, '') = ''"

/**
 * The numbers of the orders with these keys: a probe of an index for each, whatever the planner believes of the table.
 * @param keys rows with `execution_id`, `task` and `attempt`
 */
export const numbersOf = (keys: string): string => `ARRAY(
     SELECT found.number FROM ${keys} AS key CROSS JOIN LATERAL (
       SELECT number FROM dagstream.orders WHERE execution_id = key.execution_id AND task = key.task AND attempt = key.attempt
       LIMIT 1) AS found)`

/** The orders with these keys: $2 executions, $3 tasks, $4 attempts. Locked, in one order for all statements. */
const HELD_KEYS = `asked AS (
     SELECT * FROM unnest($2::text[], $3::text[], $4::int[]) AS key (execution_id, task, attempt)
   ), target AS (
     SELECT number, execution, execution_id, task, attempt, cancelled, usage, last_message FROM dagstream.orders
     WHERE number = ANY (${numbersOf('asked')}) AND ${IS_HELD} ORDER BY number FOR UPDATE
   )`

/** The end of the body of a message of an interruption. */
const USAGE = `coalesce(',"usage":' || usage, '') || '}'`

/** Of the orders with the executions $1, tasks $2 and attempts $3 those that no worker has taken. */
export const FIND_WAITING: Statement = statement(
  'find_waiting',
  `WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) AS key (execution_id, task, attempt))
   SELECT execution_id, task, attempt FROM dagstream.orders WHERE number = ANY (${numbersOf('asked')}) AND ${IS_FREE}`,
)

/** $5: the duration. Returns the keys that the worker holds, with their cancellation. */
export const RENEW_ORDERS: Statement = statement(
  'renew_orders',
  `WITH ${HELD_KEYS} UPDATE dagstream.orders AS o SET lease_ms = $5,
     lease_until = clock_timestamp() + $5::float8 * interval '1 ms'
   FROM target WHERE o.number = target.number
   RETURNING o.execution_id, o.task, o.attempt, o.cancelled`,
)

/** $5: the body of the message that ends a cancelled one. Returns the executions of those that ended. */
export const HAND_BACK: Statement = statement(
  'hand_back',
  `WITH ${HELD_KEYS}, ended AS (
     DELETE FROM dagstream.orders USING target WHERE orders.number = target.number AND target.cancelled IS NOT NULL
   ), returned AS (
     UPDATE dagstream.orders AS o SET worker = NULL, lease_until = NULL, last_message = 0
     FROM target WHERE o.number = target.number AND target.cancelled IS NULL
   )
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
   SELECT execution, execution_id, task, attempt, last_message + 1, 'settled', $5 FROM target WHERE cancelled IS NOT NULL
   RETURNING execution_id`,
)

/** $5: the body of the message up to the usage of the attempt. */
export const INTERRUPT: Statement = statement(
  'interrupt',
  `WITH ${HELD_KEYS}, ended AS (DELETE FROM dagstream.orders USING target WHERE orders.number = target.number)
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, kind, body)
   SELECT execution, execution_id, task, attempt, 'interrupted', $5 || ${USAGE} FROM target ORDER BY number
   RETURNING execution_id`,
)

/** The outcome of an attempt whose worker's event loop is blocked; $5 its body. */
export const ABANDON: Statement = statement(
  'abandon',
  `WITH ${HELD_KEYS}, ended AS (DELETE FROM dagstream.orders USING target WHERE orders.number = target.number)
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
   SELECT execution, execution_id, task, attempt, last_message + 1, 'settled', $5 FROM target RETURNING execution_id`,
)

/** $1: the body of the message up to the usage; $2: ms since this process has been connected, see `CLAIM_FREE`. */
export const INTERRUPT_EXPIRED: Statement = statement(
  'interrupt_expired',
  `WITH expired AS (
     SELECT number FROM dagstream.orders
     WHERE worker IS NOT NULL AND lease_until <= clock_timestamp() AND lease_ms <= $2
       AND pg_postmaster_start_time() + lease_ms * interval '1 ms' <= clock_timestamp()
     ORDER BY number LIMIT 1000 FOR UPDATE SKIP LOCKED
   ), ended AS (
     DELETE FROM dagstream.orders USING expired WHERE orders.number = expired.number
     RETURNING orders.number, execution, execution_id, task, attempt, usage
   )
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, kind, body)
   SELECT execution, execution_id, task, attempt, 'interrupted', $1 || ${USAGE} FROM ended ORDER BY number RETURNING execution_id`,
)

/** $4: the reason, $5: the body of the message that ends an order without a worker. */
export const CANCEL: Statement = statement(
  'cancel',
  `WITH target AS (
     SELECT number, execution, execution_id, task, attempt, worker FROM dagstream.orders
     WHERE execution_id = $1 AND task = $2 AND attempt = $3 FOR UPDATE
   ), marked AS (
     UPDATE dagstream.orders AS o SET cancelled = coalesce(cancelled, $4)
     FROM target WHERE o.number = target.number AND target.worker IS NOT NULL
   ), ended AS (
     DELETE FROM dagstream.orders USING target WHERE orders.number = target.number AND target.worker IS NULL
   ), added AS (
     INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
     SELECT execution, execution_id, task, attempt, 1, 'settled', $5 FROM target WHERE worker IS NULL
   )
   SELECT worker FROM target`,
)

export const LOCK_ORDER: Statement = statement(
  'lock_order',
  `SELECT number, worker, questions, answers FROM dagstream.orders
   WHERE execution_id = $1 AND task = $2 AND attempt = $3 FOR UPDATE`,
)
export const SET_ANSWERS: Statement = statement(
  'set_answers',
  'UPDATE dagstream.orders SET questions = $2::text[], answers = $3::text[] WHERE number = $1',
)

/** Those that have ended are known by their last message. */
export const LIST_ORDERS: Statement = statement(
  'list_orders',
  `WITH e AS (SELECT number FROM dagstream.executions WHERE id = $1)
   SELECT task, attempt, questions, usage FROM dagstream.orders WHERE execution = (SELECT number FROM e)
   UNION ALL
   SELECT DISTINCT task, attempt, '{}'::text[] COLLATE "C", NULL FROM dagstream.inbox
   WHERE execution = (SELECT number FROM e) AND kind IN ('settled', 'interrupted')`,
)

export const COUNT_WAITING: Statement = statement(
  'count_waiting',
  `SELECT tool, count(*)::int AS count,
     greatest(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS oldest_ms
   FROM dagstream.orders WHERE worker IS NULL GROUP BY tool ORDER BY tool LIMIT 1000`,
)

/** Tools of waiting orders, found by one probe of the index each. $1: ms that an order waits for its tool. */
const MISSING = `RECURSIVE waiting AS (
     (SELECT tool FROM dagstream.orders WHERE worker IS NULL ORDER BY tool LIMIT 1)
     UNION ALL
     SELECT next.tool FROM waiting CROSS JOIN LATERAL (
       SELECT tool FROM dagstream.orders WHERE worker IS NULL AND tool > waiting.tool ORDER BY tool LIMIT 1) AS next
   ), missing AS (
     SELECT tool FROM waiting WHERE NOT EXISTS (
       SELECT FROM dagstream.member_tools AS t JOIN dagstream.members AS m ON m.id = t.member
       WHERE t.tool = waiting.tool AND alive_until > clock_timestamp())
   )`

/** Orders that found a tool wait anew the next time. */
export const FORGET_UNCLAIMED: Statement = statement(
  'forget_unclaimed',
  `WITH ${MISSING} UPDATE dagstream.orders SET unclaimed_since = NULL
   WHERE worker IS NULL AND unclaimed_since IS NOT NULL AND tool NOT IN (SELECT tool FROM missing)`,
)

/** Returns the orders that get their message now. */
export const REPORT_UNCLAIMED: Statement = statement(
  'report_unclaimed',
  `WITH ${MISSING}, found AS (
     SELECT number, is_reported FROM dagstream.orders
     WHERE worker IS NULL AND tool IN (SELECT tool FROM missing) AND (unclaimed_since IS NULL OR NOT is_reported)
     ORDER BY number FOR UPDATE SKIP LOCKED
   ), noted AS (
     UPDATE dagstream.orders AS o SET is_reported = true, unclaimed_since = coalesce(unclaimed_since, clock_timestamp())
     FROM found WHERE o.number = found.number
     RETURNING o.number, found.is_reported AS was_reported, execution, execution_id, task, attempt, tool
   )
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, kind, body)
   SELECT execution, execution_id, task, attempt, 'unclaimed', '{"type":"unclaimed","tool":' || tool || '}'
   FROM noted WHERE NOT was_reported ORDER BY number RETURNING execution_id`,
)

/** $1: the wait, ms; $2 and $3: the body before and behind the name of the tool, which is JSON within JSON. */
export const REFUSE_UNCLAIMED: Statement = statement(
  'refuse_unclaimed',
  `WITH found AS (
     SELECT number FROM dagstream.orders
     WHERE worker IS NULL AND unclaimed_since <= clock_timestamp() - $1::float8 * interval '1 ms'
     ORDER BY number FOR UPDATE SKIP LOCKED
   ), ended AS (
     DELETE FROM dagstream.orders USING found WHERE orders.number = found.number
     RETURNING orders.number, execution, execution_id, task, attempt, tool
   )
   INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
   SELECT execution, execution_id, task, attempt, 1, 'settled', $2 || substr(tool, 2, length(tool) - 2) || $3
   FROM ended ORDER BY number RETURNING execution_id`,
)
