/** The key of the advisory lock that migrations hold. */
export const MIGRATION_LOCK = 0x64616773 as const

/** One step from a version of the database to the next. */
export interface Migration {
  /** What it adds, for the output of `store migrate`. */
  readonly title: string
  readonly sql: string
}

/**
 * Migrations, numbered from 1. Forward only; never change one that was released.
 *
 * Invariant: the previous version of dagstream works on the result, so that servers are replaced one after the other. New columns
 * have defaults, and nothing that the previous version names is removed or renamed.
 *
 * Texts from outside (owners, keys, task ids, names of tools and workers) are stored as JSON, which can escape what UTF-8 and
 * PostgreSQL cannot hold: half a character, and NUL. Documents are text: `jsonb` reorders keys and refuses `\u0000`. There are no
 * foreign keys: a check per appended event would cost more than the event.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    title: 'executions, events, outputs',
    sql: `
      CREATE TABLE dagstream.executions (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text COLLATE "C" NOT NULL UNIQUE,
        owner text COLLATE "C" NOT NULL,
        idempotency_key text COLLATE "C",
        request_hash text COLLATE "C",
        created_at text COLLATE "C" NOT NULL,
        inserted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        status text COLLATE "C" NOT NULL DEFAULT 'running',
        is_stopping boolean NOT NULL DEFAULT false,
        parked text COLLATE "C",
        ended_at timestamptz,
        epoch bigint NOT NULL DEFAULT 0,
        last_seq bigint NOT NULL DEFAULT 0,
        holder text COLLATE "C",
        lease_until timestamptz,
        lease_ms double precision
      ) WITH (fillfactor = 60);
      CREATE UNIQUE INDEX executions_by_key ON dagstream.executions (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
      CREATE INDEX executions_by_age ON dagstream.executions (created_at, id);
      CREATE INDEX executions_by_owner ON dagstream.executions (owner, created_at, id);
      CREATE INDEX executions_by_end ON dagstream.executions (ended_at, number) WHERE ended_at IS NOT NULL;
      CREATE INDEX executions_unfinished ON dagstream.executions (created_at, id) WHERE ended_at IS NULL;
      CREATE INDEX executions_by_holder ON dagstream.executions (holder) WHERE ended_at IS NULL;
      CREATE TABLE dagstream.requests (
        execution bigint PRIMARY KEY,
        workflow text COLLATE "C", input text COLLATE "C", options text COLLATE "C"
      );
      CREATE TABLE dagstream.events (
        execution bigint NOT NULL, seq bigint NOT NULL,
        type text COLLATE "C" NOT NULL, json text COLLATE "C" NOT NULL,
        PRIMARY KEY (execution, seq)
      );
      CREATE TABLE dagstream.outputs (
        execution bigint NOT NULL, task text COLLATE "C" NOT NULL, json text COLLATE "C" NOT NULL,
        PRIMARY KEY (execution, task)
      );
      CREATE TABLE dagstream.secrets (
        execution bigint NOT NULL, input text COLLATE "C" NOT NULL, json text COLLATE "C" NOT NULL,
        PRIMARY KEY (execution, input)
      );
      CREATE TABLE dagstream.removals (execution bigint PRIMARY KEY);
      CREATE TABLE dagstream.remembered (
        owner text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL,
        execution text COLLATE "C" NOT NULL, task text COLLATE "C" NOT NULL, json text COLLATE "C" NOT NULL,
        bytes bigint NOT NULL, kept_at timestamptz NOT NULL,
        PRIMARY KEY (owner, key)
      );
      CREATE INDEX remembered_by_age ON dagstream.remembered (kept_at, bytes);`,
  },
  {
    title: 'orders, inbox, members',
    sql: `
      CREATE TABLE dagstream.orders (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        execution bigint NOT NULL,
        execution_id text COLLATE "C" NOT NULL,
        task text COLLATE "C" NOT NULL,
        attempt integer NOT NULL,
        tool text COLLATE "C" NOT NULL,
        owner text COLLATE "C" NOT NULL,
        rank integer NOT NULL,
        command text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        worker text COLLATE "C",
        lease_until timestamptz,
        lease_ms double precision,
        cancelled text COLLATE "C",
        last_message bigint NOT NULL DEFAULT 0,
        usage text COLLATE "C",
        questions text[] COLLATE "C" NOT NULL DEFAULT '{}',
        answers text[] COLLATE "C" NOT NULL DEFAULT '{}',
        is_detached boolean NOT NULL DEFAULT false,
        is_reported boolean NOT NULL DEFAULT false,
        unclaimed_since timestamptz,
        UNIQUE (execution_id, task, attempt)
      ) WITH (fillfactor = 70);
      CREATE INDEX orders_waiting ON dagstream.orders (tool, rank, owner, number) WHERE worker IS NULL;
      CREATE INDEX orders_held ON dagstream.orders (worker, number) WHERE worker IS NOT NULL;
      CREATE INDEX orders_of_execution ON dagstream.orders (execution);
      CREATE TABLE dagstream.inbox (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        execution bigint NOT NULL,
        execution_id text COLLATE "C" NOT NULL,
        task text COLLATE "C",
        attempt integer,
        message bigint,
        command text COLLATE "C",
        kind text COLLATE "C" NOT NULL,
        body text COLLATE "C" NOT NULL
      );
      CREATE INDEX inbox_of_execution ON dagstream.inbox (execution, number);
      CREATE TABLE dagstream.commands (
        id text COLLATE "C" PRIMARY KEY,
        execution bigint NOT NULL,
        execution_id text COLLATE "C" NOT NULL,
        sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        replied_at timestamptz,
        value text COLLATE "C",
        error text COLLATE "C"
      );
      CREATE INDEX commands_by_age ON dagstream.commands (sent_at);
      CREATE TABLE dagstream.members (
        id text COLLATE "C" PRIMARY KEY,
        started_at text COLLATE "C" NOT NULL,
        body text COLLATE "C" NOT NULL,
        tools text COLLATE "C" NOT NULL,
        dispatcher text COLLATE "C" NOT NULL,
        seen_at timestamptz NOT NULL,
        alive_until timestamptz NOT NULL
      );
      CREATE TABLE dagstream.member_tools (
        member text COLLATE "C" NOT NULL,
        tool text COLLATE "C" NOT NULL,
        limit_key text COLLATE "C" NOT NULL,
        max_running double precision,
        rate_max double precision,
        rate_per_ms double precision,
        PRIMARY KEY (member, tool)
      );
      CREATE INDEX member_tools_by_tool ON dagstream.member_tools (tool);
      CREATE INDEX member_tools_by_limit ON dagstream.member_tools (limit_key) WHERE max_running IS NOT NULL;
      CREATE TABLE dagstream.tools (
        tool text COLLATE "C" PRIMARY KEY,
        limit_key text COLLATE "C" NOT NULL,
        rate_max double precision,
        rate_per_ms double precision,
        tokens double precision,
        refilled_at double precision,
        paused_until timestamptz
      );
      CREATE INDEX tools_by_limit ON dagstream.tools (limit_key);
      CREATE TABLE dagstream.limits (key text COLLATE "C" PRIMARY KEY, max_running double precision);
      CREATE TABLE dagstream.owners (owner text COLLATE "C" PRIMARY KEY, turn double precision NOT NULL);
      CREATE TABLE dagstream.settings (name text COLLATE "C" PRIMARY KEY, value double precision NOT NULL);
      INSERT INTO dagstream.settings (name, value) VALUES ('max_running_per_owner', 0);
      CREATE TABLE dagstream.subscribers (
        member text COLLATE "C" NOT NULL, execution text COLLATE "C" NOT NULL, count integer NOT NULL,
        PRIMARY KEY (execution, member)
      );`,
  },
]
