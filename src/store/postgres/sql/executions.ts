import { type Statement, statement } from './statement.ts'

const HEAD =
  'id, owner, idempotency_key, request_hash, created_at, status, is_stopping, parked, ended_at IS NOT NULL AS has_ended'
const WHOLE = `SELECT ${HEAD}, workflow, input, options
  FROM dagstream.executions LEFT JOIN dagstream.requests ON execution = number`

/** A lease that has not expired. */
const IS_HELD = '(holder IS NOT NULL AND lease_until > clock_timestamp())'

/** $11: the epoch, 0 or 1; $9, $10: the holder and the duration of its lease. */
export const CREATE: Statement = statement(
  'create',
  `WITH made AS (
     INSERT INTO dagstream.executions
       (id, owner, idempotency_key, request_hash, created_at, holder, lease_ms, lease_until, epoch)
     VALUES ($1, $2, $3, $4, $5, $9, $10, clock_timestamp() + $10::float8 * interval '1 ms', $11)
     ON CONFLICT DO NOTHING RETURNING number
   ), requested AS (
     INSERT INTO dagstream.requests (execution, workflow, input, options)
     SELECT number, $6, $7, $8 FROM made WHERE coalesce($6, $7, $8) IS NOT NULL
   )
   SELECT number FROM made`,
)

/** Whether an earlier attempt of the same call, whose answer was lost, created it. */
export const IS_CREATED: Statement = statement(
  'is_created',
  `SELECT 1 FROM dagstream.executions
   WHERE id = $1 AND owner = $2 AND idempotency_key IS NOT DISTINCT FROM $3 AND request_hash IS NOT DISTINCT FROM $4
     AND created_at = $5 AND holder IS NOT DISTINCT FROM $6 AND epoch = $7 AND last_seq = 0`,
)

export const FIND: Statement = statement('find', `${WHOLE} WHERE id = $1`)
export const FIND_BY_KEY: Statement = statement('find_by_key', `${WHOLE} WHERE owner = $1 AND idempotency_key = $2`)

const PAGE = '(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3'
export const LIST: Statement = statement('list', `SELECT ${HEAD} FROM dagstream.executions WHERE ${PAGE}`)
export const LIST_OF_OWNER: Statement = statement(
  'list_of_owner',
  `SELECT ${HEAD} FROM dagstream.executions WHERE owner = $4 AND ${PAGE}`,
)

const NEWEST = 'ORDER BY created_at DESC, id DESC LIMIT $1'
export const RECENT: Statement = statement(
  'recent',
  `SELECT id FROM dagstream.executions WHERE ended_at IS NOT NULL ${NEWEST}`,
)
export const RECENT_OF_OWNER: Statement = statement(
  'recent_of_owner',
  `SELECT id FROM dagstream.executions WHERE owner = $2 AND ended_at IS NOT NULL ${NEWEST}`,
)

/** Claimed before, unfinished, and held by no living process. */
export const LIST_INTERRUPTED: Statement = statement(
  'list_interrupted',
  `SELECT ${HEAD} FROM dagstream.executions WHERE ended_at IS NULL AND epoch > 0 AND NOT ${IS_HELD} ORDER BY created_at, id`,
)

/** In the order of $1; reads the document and the first and last event of each. */
export const SUMMARIZE: Statement = statement(
  'summarize',
  `SELECT workflow, substring(first.json FROM '"timestamp":"([^"\\\\]*)"') AS started_at,
     CASE WHEN last.type = 'execution_complete' THEN last.json END AS "end"
   FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
   LEFT JOIN dagstream.executions AS e ON e.id = asked.id
   LEFT JOIN dagstream.requests AS r ON r.execution = e.number
   LEFT JOIN dagstream.events AS first ON first.execution = e.number AND first.seq = 1
   LEFT JOIN dagstream.events AS last ON last.execution = e.number AND last.seq = e.last_seq AND e.ended_at IS NOT NULL
   ORDER BY place`,
)

export const DELETE: Statement = statement(
  'delete',
  `WITH gone AS (DELETE FROM dagstream.executions WHERE id = $1 RETURNING number),
   request AS (DELETE FROM dagstream.requests USING gone WHERE execution = gone.number),
   secret AS (DELETE FROM dagstream.secrets USING gone WHERE execution = gone.number),
   ordered AS (DELETE FROM dagstream.orders USING gone WHERE execution = gone.number),
   message AS (DELETE FROM dagstream.inbox USING gone WHERE execution = gone.number)
   INSERT INTO dagstream.removals (execution) SELECT number FROM gone RETURNING execution`,
)
