import { type Statement, statement } from './statement.ts'

/** The key of the advisory lock of changes of the members: one at a time. */
export const MEMBERS_LOCK = 0x64616774 as const

/** Renews a living member whose tools are the same: $1 id, $2 dispatcher, $3 tools, $4 body, $5 duration. */
export const RENEW_MEMBER: Statement = statement(
  'renew_member',
  `UPDATE dagstream.members SET body = $4, seen_at = clock_timestamp(),
     alive_until = clock_timestamp() + $5::float8 * interval '1 ms'
   WHERE id = $1 AND dispatcher = $2 AND tools = $3 AND alive_until > clock_timestamp() RETURNING 1`,
)

export const LOCK_MEMBERS: Statement = statement('lock_members', 'SELECT pg_advisory_xact_lock($1)')

export const FIND_OTHER_DISPATCHER: Statement = statement(
  'find_other_dispatcher',
  `SELECT id, dispatcher FROM dagstream.members
   WHERE id <> $1 AND dispatcher <> $2 AND alive_until > clock_timestamp() LIMIT 1`,
)

/** $6: when it started. */
export const PUT_MEMBER: Statement = statement(
  'put_member',
  `INSERT INTO dagstream.members (id, dispatcher, tools, body, started_at, seen_at, alive_until)
   VALUES ($1, $2, $3, $4, $6, clock_timestamp(), clock_timestamp() + $5::float8 * interval '1 ms')
   ON CONFLICT (id) DO UPDATE SET dispatcher = excluded.dispatcher, tools = excluded.tools, body = excluded.body,
     started_at = excluded.started_at, seen_at = excluded.seen_at, alive_until = excluded.alive_until`,
)

/** Removes $1 and the members that have expired. Returns their tools and limit keys. */
export const DROP_MEMBERS: Statement = statement(
  'drop_members',
  `WITH gone AS (
     DELETE FROM dagstream.members WHERE id = $1 OR alive_until <= clock_timestamp() RETURNING id
   ), follower AS (
     DELETE FROM dagstream.subscribers WHERE member IN (SELECT id FROM gone)
   )
   DELETE FROM dagstream.member_tools WHERE member IN (SELECT id FROM gone) RETURNING tool, limit_key`,
)

export const HAS_EXPIRED: Statement = statement(
  'has_expired_members',
  'SELECT 1 FROM dagstream.members WHERE alive_until <= clock_timestamp() LIMIT 1',
)

export const DROP_TOOLS: Statement = statement(
  'drop_tools',
  'DELETE FROM dagstream.member_tools WHERE member = $1 RETURNING tool, limit_key',
)

export const PUT_TOOLS: Statement = statement(
  'put_tools',
  `INSERT INTO dagstream.member_tools (member, tool, limit_key, max_running, rate_max, rate_per_ms)
   SELECT $1, * FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[], $6::float8[])
   ON CONFLICT DO NOTHING`,
)

/** Sets the limits of these keys to the smallest of all members. */
export const SUM_LIMITS: Statement = statement(
  'sum_limits',
  `INSERT INTO dagstream.limits (key, max_running)
   SELECT key, (SELECT min(max_running) FROM dagstream.member_tools WHERE limit_key = key)
   FROM unnest($1::text[]) AS key GROUP BY key ORDER BY key
   ON CONFLICT (key) DO UPDATE SET max_running = excluded.max_running`,
)

/** Sets the rates of these tools to the slowest of all members. */
export const SUM_TOOLS: Statement = statement(
  'sum_tools',
  `INSERT INTO dagstream.tools (tool, limit_key, rate_max, rate_per_ms)
   SELECT asked.tool, coalesce(slowest.limit_key, asked.tool), slowest.rate_max, slowest.rate_per_ms
   FROM (SELECT DISTINCT tool FROM unnest($1::text[]) AS tool) AS asked LEFT JOIN LATERAL (
     SELECT limit_key, rate_max, rate_per_ms FROM dagstream.member_tools WHERE tool = asked.tool
     ORDER BY rate_max / rate_per_ms NULLS LAST LIMIT 1
   ) AS slowest ON true ORDER BY asked.tool
   ON CONFLICT (tool) DO UPDATE SET limit_key = excluded.limit_key, rate_max = excluded.rate_max,
     rate_per_ms = excluded.rate_per_ms`,
)

export const LIST_MEMBERS: Statement = statement(
  'list_members',
  `SELECT id, started_at, body, tools, seen_at FROM dagstream.members WHERE alive_until > clock_timestamp() ORDER BY started_at, id`,
)

/** For a migration, on any version of the database that has members. */
export const LIST_BODIES =
  'SELECT id, body FROM dagstream.members WHERE alive_until > clock_timestamp() ORDER BY started_at, id' as const

export const LIMIT_OWNERS: Statement = statement(
  'limit_owners',
  `INSERT INTO dagstream.settings (name, value) VALUES ('max_running_per_owner', $1)
   ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
)

export const SET_SUBSCRIBERS: Statement = statement(
  'set_subscribers',
  `INSERT INTO dagstream.subscribers (member, execution, count) VALUES ($1, $2, $3)
   ON CONFLICT (execution, member) DO UPDATE SET count = excluded.count`,
)
export const DROP_SUBSCRIBERS: Statement = statement(
  'drop_subscribers',
  'DELETE FROM dagstream.subscribers WHERE member = $1 AND execution = $2',
)
export const COUNT_SUBSCRIBERS: Statement = statement(
  'count_subscribers',
  `SELECT coalesce(sum(count), 0)::int AS count FROM dagstream.subscribers
   JOIN dagstream.members ON id = member WHERE execution = $1 AND alive_until > clock_timestamp()`,
)

export const PAUSE_TOOL: Statement = statement(
  'pause_tool',
  `INSERT INTO dagstream.tools (tool, limit_key, paused_until)
   VALUES ($1, $1, clock_timestamp() + $2::float8 * interval '1 ms')
   ON CONFLICT (tool) DO UPDATE SET paused_until = greatest(tools.paused_until, excluded.paused_until)`,
)
