import { IS_FREE } from './orders.ts'
import { type Statement, statement } from './statement.ts'

/** The tools of worker $1. */
const OWN = 'own AS (SELECT tool, limit_key FROM dagstream.member_tools WHERE member = $1)'

/**
 * One row per tool, priority and owner with waiting orders: each costs one probe of the index, however many orders there are.
 * @param from which tools
 */
const groups = (from: string): string => `heads AS (
     (SELECT first.* FROM ${from} CROSS JOIN LATERAL (
       SELECT tool, rank, owner FROM dagstream.orders WHERE worker IS NULL AND tool = wanted.tool
       ORDER BY rank, owner LIMIT 1) AS first)
     UNION ALL
     SELECT next.* FROM heads CROSS JOIN LATERAL (
       SELECT tool, rank, owner FROM dagstream.orders
       WHERE worker IS NULL AND tool = heads.tool AND (rank, owner) > (heads.rank, heads.owner)
       ORDER BY rank, owner LIMIT 1) AS next
   )`

/** The oldest $2 orders of each group. As a range, since equal values would let the planner look through all orders by their number. */
const OLDEST = `CROSS JOIN LATERAL (
     SELECT number FROM dagstream.orders
     WHERE worker IS NULL AND (tool, rank, owner, number) > (heads.tool, heads.rank, heads.owner, 0)
       AND (tool, rank, owner) <= (heads.tool, heads.rank, heads.owner)
     ORDER BY tool, rank, owner, number LIMIT $2) AS o LEFT JOIN dagstream.owners AS w ON w.owner = heads.owner`

/**
 * Takes at most $4 orders in one statement, unless something bounds them: limits, rates, pauses, the maximum per owner or answers.
 * Then the first row says so and nothing is taken. Orders that another take has locked are left out, so $2 is above $4.
 *
 * Owners take turns: within a priority the first order of each owner comes before the second of any, and the owner whose last turn is
 * the longest ago comes first. Turns are noted only where there are several owners.
 */
export const TAKE_FREELY: Statement = statement(
  'take_freely',
  `WITH RECURSIVE ${OWN}, bound AS (
     SELECT EXISTS (SELECT FROM dagstream.settings WHERE name = 'max_running_per_owner' AND value > 0)
       OR EXISTS (SELECT FROM dagstream.orders WHERE worker = $1 AND is_detached AND cardinality(answers) > 0)
       OR EXISTS (SELECT FROM own LEFT JOIN dagstream.tools AS t USING (tool) LEFT JOIN dagstream.limits ON key = own.limit_key
         CROSS JOIN LATERAL (SELECT FROM dagstream.orders AS o WHERE worker IS NULL AND o.tool = own.tool LIMIT 1) AS waiting
         WHERE max_running IS NOT NULL OR t.rate_max IS NOT NULL OR t.paused_until > clock_timestamp()) AS is_bound
   ), ${groups('(SELECT tool FROM own, bound WHERE NOT is_bound) AS wanted')}, placed AS (
     SELECT number, row_number() OVER (ORDER BY rank, round, turn, number) AS place FROM (
       SELECT number, rank, coalesce(turn, 0) AS turn,
         row_number() OVER (PARTITION BY heads.rank, heads.owner ORDER BY number) AS round
       FROM heads ${OLDEST}) AS candidate
   ), locked AS (
     SELECT o.number, place FROM (SELECT number, place FROM placed ORDER BY place) AS next CROSS JOIN LATERAL (
       SELECT number FROM dagstream.orders WHERE number = next.number AND ${IS_FREE} FOR UPDATE SKIP LOCKED) AS o
     LIMIT $4
   ), taken AS (
     UPDATE dagstream.orders SET worker = $1, lease_ms = $3, lease_until = clock_timestamp() + $3::float8 * interval '1 ms'
     WHERE number = ANY (ARRAY(SELECT number FROM locked)) RETURNING number, owner, command
   ), turned AS (
     INSERT INTO dagstream.owners (owner, turn)
     SELECT owner, extract(epoch FROM clock_timestamp()) * 1000 + max(place) / 1000.0 FROM taken JOIN locked USING (number)
     WHERE (SELECT count(DISTINCT owner) FROM heads) > 1 GROUP BY owner ORDER BY owner
     ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn
   )
   SELECT is_bound, command, (SELECT count(*)::int FROM placed) AS found
   FROM bound LEFT JOIN (taken JOIN locked USING (number)) ON true ORDER BY place`,
)

/** What worker $1 has taken by a take with the duration $2, unless it was renewed since. */
export const FIND_TAKEN: Statement = statement(
  'find_taken',
  'SELECT command, cancelled FROM dagstream.orders WHERE worker = $1 AND lease_ms = $2::float8 ORDER BY rank, number',
)

/** The limits of worker $1's tools, locked against other takes until the end of the transaction, in one order for all. */
export const LOCK_LIMITS: Statement = statement(
  'lock_limits',
  `SELECT key, max_running FROM dagstream.limits WHERE max_running IS NOT NULL AND key IN (
     SELECT limit_key FROM dagstream.member_tools WHERE member = $1) ORDER BY key FOR UPDATE`,
)
export const LOCK_RATES: Statement = statement(
  'lock_rates',
  `SELECT tool, rate_max, rate_per_ms, tokens, refilled_at FROM dagstream.tools WHERE rate_max IS NOT NULL AND tool IN (
     SELECT tool FROM dagstream.member_tools WHERE member = $1) ORDER BY tool FOR UPDATE`,
)
export const LOCK_OWNERS: Statement = statement(
  'lock_owners',
  `SELECT value FROM dagstream.settings WHERE name = 'max_running_per_owner' AND value > 0 FOR UPDATE`,
)

/** Running attempts by limit key and owner, the pauses and the time. A statement of its own: its snapshot is newer than the locks. */
export const COUNT_RUNNING: Statement = statement(
  'count_running',
  `SELECT coalesce(t.limit_key, o.tool) AS key, owner, count(*)::int AS count
   FROM dagstream.orders AS o LEFT JOIN dagstream.tools AS t USING (tool)
   WHERE worker IS NOT NULL AND NOT is_detached AND ($2 OR coalesce(t.limit_key, o.tool) = ANY ($1::text[]))
   GROUP BY 1, 2`,
)

/** The oldest $2 orders of each group of worker $1's tools that are not paused. */
export const LIST_CANDIDATES: Statement = statement(
  'list_candidates',
  `WITH RECURSIVE ${OWN}, ${groups(`(SELECT own.tool FROM own LEFT JOIN dagstream.tools AS t USING (tool)
     WHERE paused_until IS NULL OR paused_until <= clock_timestamp()) AS wanted`)}
   SELECT number, heads.tool, rank, heads.owner, coalesce(turn, 0) AS turn, limit_key
   FROM heads JOIN own USING (tool) ${OLDEST} ORDER BY rank, number`,
)

export const LIST_ANSWERED: Statement = statement(
  'list_answered',
  `SELECT number, execution_id, task, attempt, owner, answers, coalesce(limit_key, o.tool) AS key,
     (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8) AS now
   FROM dagstream.orders AS o LEFT JOIN dagstream.tools USING (tool)
   WHERE worker = $1 AND is_detached AND cardinality(answers) > 0 AND cardinality(questions) = 0 ORDER BY number
   FOR UPDATE OF o`,
)

export const READ_TIME: Statement = statement(
  'read_time',
  'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
)

export const TAKE_ANSWERS: Statement = statement(
  'take_answers',
  `UPDATE dagstream.orders SET answers = '{}', is_detached = false WHERE number = ANY ($1::bigint[])`,
)

/** Of $2 those that no other take has got meanwhile. */
export const TAKE_CHOSEN: Statement = statement(
  'take_chosen',
  `WITH locked AS (
     SELECT number FROM dagstream.orders WHERE number = ANY ($2::bigint[]) AND ${IS_FREE} ORDER BY number FOR UPDATE SKIP LOCKED
   ) UPDATE dagstream.orders SET worker = $1, lease_ms = $3, lease_until = clock_timestamp() + $3::float8 * interval '1 ms'
   WHERE number = ANY (ARRAY(SELECT number FROM locked)) RETURNING number, tool, owner, command`,
)

export const NOTE_TURNS: Statement = statement(
  'note_turns',
  `INSERT INTO dagstream.owners (owner, turn)
   SELECT owner, extract(epoch FROM clock_timestamp()) * 1000 + max(place) / 1000.0
   FROM unnest($1::text[]) WITH ORDINALITY AS taken (owner, place) GROUP BY owner ORDER BY owner
   ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn`,
)

/** Buckets after a take: $1 tools, $2 tokens, $3 the time, ms. */
export const SET_TOKENS: Statement = statement(
  'set_tokens',
  `UPDATE dagstream.tools AS t SET tokens = filled.tokens, refilled_at = $3
   FROM unnest($1::text[], $2::float8[]) AS filled (tool, tokens) WHERE t.tool = filled.tool`,
)
