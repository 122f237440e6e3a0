/** The channel of hints, one per database. */
export const CHANNEL = 'dagstream' as const

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
]
