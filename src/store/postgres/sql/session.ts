/**
 * Settings of a connection: each statement is planned once, and by its indexes alone. Tables of orders and messages grow from nothing
 * to 100,000 rows between two looks of the database's statistics, so that a plan made for an empty table must be right for a full one;
 * and a statement of orders takes longer to plan than to run. A bitmap scan reads all rows that an index names, and the dead ones of a
 * queue again each time; an index scan stops early, and marks them.
 *
 * The server waits for the rest of a batch whose sender has lost its network, and keeps its locks, for two hours by default: here it
 * gives the connection up after 25 s without a sign of life.
 *
 * $1: the process of the database that this connection has. Behind a pooler it is another one, whose settings other clients would meet.
 */
export const SET_SESSION = `
  SELECT set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
    set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false),
    set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)
  WHERE pg_backend_pid() = $1` as const
