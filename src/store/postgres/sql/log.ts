import { type Statement, statement } from './statement.ts'

/**
 * The row of an execution, locked and advanced, if the lease and the place are right. $1: id, $2: epoch, $3: the last seq, $4: types,
 * $5: JSON of the entries, $6: whether it stops, $7: whether `parked` changes, $8: to what, $9: its final status.
 */
const FENCE = `fence AS (
     UPDATE dagstream.executions SET
       last_seq = last_seq + cardinality($4::text[]),
       is_stopping = is_stopping OR $6::bool,
       parked = CASE WHEN $7::bool THEN $8 ELSE parked END,
       status = coalesce($9, status),
       ended_at = CASE WHEN $9::text IS NULL THEN ended_at ELSE clock_timestamp() END
     WHERE id = $1 AND epoch = $2 AND last_seq = $3
     RETURNING number
   ), added AS (
     INSERT INTO dagstream.events (execution, seq, type, json)
     SELECT number, $3::bigint + place, type, json
     FROM fence, unnest($4::text[], $5::text[]) WITH ORDINALITY AS entry (type, json, place)
   )`

export const APPEND: Statement = statement('append', `WITH ${FENCE} SELECT number FROM fence`)

/** The orders of a round, $10 task, $11 attempt, $12 tool, $13 owner, $14 rank, $15 command, and the messages that it has consumed, $16. */
const STEP = `${FENCE}, ordered AS (
     INSERT INTO dagstream.orders (execution, execution_id, task, attempt, tool, owner, rank, command)
     SELECT number, $1, task, attempt, tool, owner, rank, command
     FROM fence, unnest($10::text[], $11::int[], $12::text[], $13::text[], $14::int[], $15::text[])
       WITH ORDINALITY AS o (task, attempt, tool, owner, rank, command, place)
     WHERE $9::text IS NULL ORDER BY place
   ), consumed AS (
     DELETE FROM dagstream.inbox USING fence WHERE inbox.number = ANY ($16::bigint[]) AND execution = fence.number
   )`

/** An append with a round that has no replies and is not the last. The database pays for each part of a statement, used or not. */
export const COMMIT_STEP: Statement = statement('commit_step', `WITH ${STEP} SELECT number FROM fence`)

/** An append with any round. Replies: $17 id, $18 value, $19 error. The end of the execution removes its orders and messages. */
export const COMMIT: Statement = statement(
  'commit',
  `WITH ${STEP}, replied AS (
     INSERT INTO dagstream.commands (id, execution, execution_id, replied_at, value, error)
     SELECT id, number, $1, clock_timestamp(), value, error
     FROM fence, unnest($17::text[], $18::text[], $19::text[]) AS reply (id, value, error)
     ON CONFLICT (id) DO UPDATE SET replied_at = excluded.replied_at, value = excluded.value, error = excluded.error
   ), left_order AS (
     DELETE FROM dagstream.orders USING fence WHERE $9::text IS NOT NULL AND execution = fence.number
   ), left_message AS (
     DELETE FROM dagstream.inbox USING fence
     WHERE $9::text IS NOT NULL AND execution = fence.number AND inbox.number <> ALL ($16::bigint[])
   ) SELECT number FROM fence`,
)

/** Why a fenced statement did nothing. */
export const READ_FENCE: Statement = statement(
  'read_fence',
  'SELECT epoch, last_seq FROM dagstream.executions WHERE id = $1',
)

/** Whether these entries are in the log already: the answer of an earlier attempt was lost. */
export const COUNT_SAME: Statement = statement(
  'count_same',
  `SELECT count(*)::int AS count FROM dagstream.executions
   JOIN dagstream.events ON execution = number
   JOIN unnest($4::text[], $5::text[]) WITH ORDINALITY AS entry (type, json, place)
     ON events.seq = $3::bigint + place AND events.type = entry.type AND events.json = entry.json
   WHERE id = $1 AND epoch = $2`,
)

export const READ: Statement = statement(
  'read',
  `SELECT seq, type, json FROM dagstream.events
   WHERE execution = (SELECT number FROM dagstream.executions WHERE id = $1) AND seq > $2 ORDER BY seq LIMIT $3`,
)

export const CLAIM: Statement = statement(
  'claim',
  `UPDATE dagstream.executions SET epoch = epoch + 1, holder = $2, lease_ms = $3,
     lease_until = clock_timestamp() + $3::float8 * interval '1 ms'
   WHERE id = $1 RETURNING epoch`,
)

const HELD = 'held AS (SELECT number FROM dagstream.executions WHERE id = $1 AND epoch = $2 FOR SHARE)'

export const PUT_OUTPUT: Statement = statement(
  'put_output',
  `WITH ${HELD} INSERT INTO dagstream.outputs (execution, task, json) SELECT number, $3, $4 FROM held
   ON CONFLICT (execution, task) DO UPDATE SET json = excluded.json RETURNING 1`,
)
export const GET_OUTPUT: Statement = statement(
  'get_output',
  `SELECT json FROM dagstream.outputs
   WHERE execution = (SELECT number FROM dagstream.executions WHERE id = $1) AND task = $2`,
)

export const PUT_SECRET: Statement = statement(
  'put_secret',
  `WITH ${HELD} INSERT INTO dagstream.secrets (execution, input, json) SELECT number, $3, $4 FROM held
   ON CONFLICT (execution, input) DO UPDATE SET json = excluded.json RETURNING 1`,
)
export const GET_SECRET: Statement = statement(
  'get_secret',
  `SELECT json FROM dagstream.secrets
   WHERE execution = (SELECT number FROM dagstream.executions WHERE id = $1) AND input = $2`,
)
export const KEEP_SECRETS: Statement = statement(
  'keep_secrets',
  `WITH ${HELD}, dropped AS (
     DELETE FROM dagstream.secrets USING held WHERE execution = held.number AND input <> ALL ($3::text[])
   ) SELECT 1 FROM held`,
)
