/**
 * Settings of a connection: each statement is planned once, and by its indexes alone. Tables of orders and messages grow from nothing
 * to 100,000 rows between two looks of the database's statistics, so that a plan made for an empty table must be right for a full one;
 * and a statement of orders takes longer to plan than to run. A bitmap scan reads all rows that an index names, and the dead ones of a
 * queue again each time; an index scan stops early, and marks them.
 *
 * $1: the process of the database that this connection has. Behind a pooler it is another one, whose settings other clients would meet.
 */
export const SET_PLANS = `
  SELECT set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
    set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false)
  WHERE pg_backend_pid() = $1` as const
