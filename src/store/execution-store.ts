import type { ExecutionStatus } from '../events/events.ts'
import type { Lease, LogStorage } from '../stream/event-log.ts'

/** What is known of an execution before its first event. */
export interface ExecutionRecord {
  /** `[A-Za-z0-9_-]`, unguessable. */
  readonly executionId: string
  readonly owner?: string
  /** With `owner`, at most one execution. */
  readonly idempotencyKey?: string
  /** ISO 8601. */
  readonly createdAt: string
}

/** An execution as a store lists it. */
export interface StoredExecution extends ExecutionRecord {
  readonly status: 'running' | ExecutionStatus
}

/**
 * Where executions and their events are kept. Every method may answer at once or by a promise.
 *
 * Whoever writes one runs the suite of `dagstream/testing` against it.
 */
export interface ExecutionStore extends LogStorage {
  /**
   * Registers an execution, atomically. @returns the execution that already has the same owner and idempotency key,
   * else `undefined`. @throws `STORE_FAILED` if the id is taken
   */
  create(record: ExecutionRecord): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /** Takes the right to append; earlier leases get `FENCED` from then on. @throws `EXECUTION_NOT_FOUND` */
  claim(executionId: string): Lease | Promise<Lease>
  get(executionId: string): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /**
   * By `createdAt`, then `executionId`, at most `limit`, of those behind `after`: the last one of the page before, which may
   * be gone meanwhile.
   */
  list(options: {
    readonly owner?: string
    readonly after?: Pick<ExecutionRecord, 'createdAt' | 'executionId'>
    readonly limit: number
  }): readonly StoredExecution[] | Promise<readonly StoredExecution[]>
  /** Removes an execution whole. @returns whether it was there */
  delete(executionId: string): boolean | Promise<boolean>
  /** Removes finished executions beyond the store's retention. @returns how many */
  sweep(): number | Promise<number>
}
