import type { SharedStore } from '../../cluster/shared-store.ts'
import type { ExecutionSummary } from '../execution-summary.ts'

/** A store in a database of PostgreSQL. */
export interface PostgresStore extends SharedStore {
  /** The URL without user, password and parameters. */
  readonly where: string
  summarize(executionIds: readonly string[]): Promise<readonly ExecutionSummary[]>
  /** Closes all connections, after the calls in flight. Every later call fails with `STORE_FAILED`. */
  close(): Promise<void>
}
