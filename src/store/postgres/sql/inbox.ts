import { IS_HELD, numbersOf } from './orders.ts'
import { type Statement, statement } from './statement.ts'

/**
 * Messages of a worker, in order, the orders that it holds, and the messages that are new. $2 execution, $3 task, $4 attempt, $5
 * number. An order that is locked by another transaction is waited for, so that its worker and its last number are the newest.
 * @param columns names of the further columns
 * @param values their parameters, from $6 on
 */
const fresh = (columns: string, values: string): string => `posted AS (
     SELECT * FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], ${values})
       WITH ORDINALITY AS m (execution_id, task, attempt, message, ${columns}, place)
   ), held AS (
     SELECT number, execution, execution_id, task, attempt, tool, last_message FROM dagstream.orders
     WHERE number = ANY (${numbersOf('posted')}) AND ${IS_HELD} ORDER BY number FOR UPDATE
   ), fresh AS (
     SELECT posted.*, number AS held, execution, tool FROM posted JOIN held USING (execution_id, task, attempt)
     WHERE message > last_message
   )`

/**
 * Adds the new messages. Returns for each message whether its order is held, and whether the end of one of them, or its question,
 * frees a permit.
 */
const DELIVERY = `added AS (
     INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
     SELECT execution, execution_id, task, attempt, message, kind, body FROM fresh ORDER BY place
   )
   SELECT held.number IS NOT NULL AS is_held,
     (SELECT EXISTS (SELECT FROM dagstream.settings WHERE name = 'max_running_per_owner' AND value > 0)
       OR EXISTS (SELECT FROM fresh LEFT JOIN dagstream.tools AS t USING (tool)
         JOIN dagstream.limits ON key = coalesce(t.limit_key, fresh.tool)
         WHERE kind IN ('settled', 'question') AND max_running IS NOT NULL)) AS frees_permit
   FROM posted AS p LEFT JOIN held USING (execution_id, task, attempt) ORDER BY place`

/** Any messages: $6 kind, $7 body, $8 a question, $9 usage; the last two are NULL for other kinds. */
export const POST: Statement = statement(
  'post',
  `WITH ${fresh('kind, body, question, usage', '$6::text[], $7::text[], $8::text[], $9::text[]')}, summed AS (
     SELECT held, max(message) AS last, bool_or(kind = 'settled') AS is_settled,
       array_agg(question ORDER BY place) FILTER (WHERE question IS NOT NULL) AS questions,
       (array_agg(usage ORDER BY place DESC) FILTER (WHERE usage IS NOT NULL))[1] AS usage
     FROM fresh GROUP BY held
   ), ended AS (
     DELETE FROM dagstream.orders USING summed WHERE number = held AND is_settled
   ), kept AS (
     UPDATE dagstream.orders AS o SET last_message = last, usage = coalesce(summed.usage, o.usage),
       questions = o.questions || coalesce(summed.questions, '{}'), is_detached = is_detached OR summed.questions IS NOT NULL
     FROM summed WHERE number = held AND NOT is_settled
   ), ${DELIVERY}`,
)

/** Messages that all end their attempts: $6 kind, $7 body. */
export const POST_ENDS: Statement = statement(
  'post_ends',
  `WITH ${fresh('kind, body', '$6::text[], $7::text[]')}, ended AS (
     DELETE FROM dagstream.orders WHERE number = ANY (ARRAY(SELECT held FROM fresh))
   ), ${DELIVERY}`,
)

/**
 * Whether messages of orders that their worker does not hold were posted before: $1 execution, $2 task, $3 attempt, $4 number. A
 * statement of its own: it sees what the transactions did that `POST` has waited for.
 */
export const WAS_POSTED: Statement = statement(
  'was_posted',
  `SELECT EXISTS (SELECT FROM dagstream.inbox AS i JOIN dagstream.executions AS e ON e.number = i.execution
       WHERE e.id = p.execution_id AND i.task = p.task AND i.attempt = p.attempt AND i.message >= p.message)
     AND (SELECT count(*) FROM dagstream.orders AS o
       WHERE o.execution_id = p.execution_id AND o.task = p.task AND o.attempt = p.attempt) = 0 AS was_posted
   FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[])
     WITH ORDINALITY AS p (execution_id, task, attempt, message, place) ORDER BY place`,
)

/** $1 execution, $2 command, $3 body. Idempotent: a command that is known is not sent again. */
export const SEND: Statement = statement(
  'send',
  `WITH target AS (
     SELECT number, id, ended_at FROM dagstream.executions WHERE id = $1 FOR SHARE
   ), made AS (
     INSERT INTO dagstream.commands (id, execution, execution_id) SELECT $2, number, id FROM target WHERE ended_at IS NULL
     ON CONFLICT DO NOTHING RETURNING execution
   ), added AS (
     INSERT INTO dagstream.inbox (execution, execution_id, command, kind, body) SELECT execution, $1, $2, 'command', $3 FROM made
   )
   SELECT ended_at IS NOT NULL AS has_ended, EXISTS (SELECT FROM dagstream.commands WHERE id = $2) AS is_known FROM target`,
)

/** Maximum size of a message that is read, and from which on a page of messages ends, bytes. An outcome has at most two thirds. */
const MAX_BODY = 48 * 1024 * 1024
const MAX_PAGE = 16 * 1024 * 1024

/** At most $2 messages of each execution. The body of one beyond the bound is NULL: no process has to hold what a worker sends. */
export const READ_INBOX: Statement = statement(
  'read_inbox',
  `SELECT m.number, execution_id, task, attempt, message, command, kind, CASE WHEN size <= ${MAX_BODY} THEN body END AS body
   FROM unnest($1::text[]) AS asked (id) JOIN dagstream.executions AS e USING (id)
   CROSS JOIN LATERAL (
     SELECT *, sum(size) OVER (ORDER BY number) - size AS size_before FROM (
       SELECT *, octet_length(body) AS size FROM dagstream.inbox WHERE execution = e.number ORDER BY number LIMIT $2
     ) AS first
   ) AS m WHERE size_before < ${MAX_PAGE} ORDER BY m.number`,
)

export const LIST_WAITING: Statement = statement(
  'list_waiting',
  `SELECT id FROM dagstream.executions AS e WHERE holder = $1 AND ended_at IS NULL
     AND EXISTS (SELECT FROM dagstream.inbox WHERE execution = e.number)`,
)

/** A command that was not replied to before its execution ended never will be. */
export const FIND_REPLY: Statement = statement(
  'find_reply',
  `SELECT replied_at IS NOT NULL AS is_replied, value, error, execution_id FROM dagstream.commands AS c
   LEFT JOIN dagstream.executions AS e ON e.number = c.execution
   WHERE c.id = $1 AND (replied_at IS NOT NULL OR e.number IS NULL OR e.ended_at IS NOT NULL)`,
)
