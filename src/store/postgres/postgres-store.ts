import type { ExecutionStore } from '../execution-store.ts'
import type { ExecutionSummary } from '../execution-summary.ts'

/** A store in a database of PostgreSQL. */
export interface PostgresStore extends ExecutionStore {
  /** The URL without user, password and parameters. */
  readonly where: string
  summarize(executionIds: readonly string[]): Promise<readonly ExecutionSummary[]>
  /** Closes all connections, after the calls in flight. Every later call fails with `STORE_FAILED`. */
  close(): Promise<void>
}
