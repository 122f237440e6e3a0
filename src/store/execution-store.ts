import type { ExecutionStatus, Parked } from '../events/events.ts'
import type { ExecutionState } from '../events/state.ts'
import type { Lease, LogStorage } from '../log/event-log.ts'
import type { EarlierNotes } from './earlier-notes.ts'
import type { ExecutionSummary } from './execution-summary.ts'

/** What is known of an execution before its first event. */
export interface ExecutionRecord {
  /** `[A-Za-z0-9_-]`, unguessable. */
  readonly executionId: string
  readonly owner?: string
  /** With `owner`, at most one execution. */
  readonly idempotencyKey?: string
  /** SHA-256, hex, of the request that asked for it: a repeat under the same key must be the same request. */
  readonly requestHash?: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The document as JSON: results are told in its order, and after a crash it goes on by it. */
  readonly workflow?: string
  /** What `$INPUT` refers to, as JSON; absent where there is none. */
  readonly input?: string
  /** What it runs with, as JSON; whoever goes on with it keeps to that. */
  readonly options?: string
}

/** An execution as a store lists it. */
export interface StoredExecution extends ExecutionRecord {
  readonly status: 'running' | ExecutionStatus
  /** Present while it does not resume by itself: the data of the last `execution_parked`, unless it was resumed since. */
  readonly parked?: Parked
  /** Present while it runs and `execution_stopping` is in its log: it is only ended, and needs no tools. */
  readonly isStopping?: true
  /** What an earlier version kept beside the log. Absent for executions that a later version began. */
  readonly notes?: EarlierNotes
}

/**
 * Where executions and their events are kept. Every method may answer at once or by a promise.
 *
 * `status`, `parked` and `isStopping` follow from the types of the entries that are appended: `execution_complete`,
 * `execution_parked`, `execution_resumed` and `execution_stopping`.
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
  /** The execution of an owner and idempotency key. Where a store cannot tell, `create` does. */
  findByKey?(
    owner: string | undefined,
    idempotencyKey: string,
  ): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /**
   * By `createdAt`, then `executionId`, at most `limit`, of those behind `after`: the last one of the page before, which may
   * be gone meanwhile. `workflow`, `input` and `options` may be left out.
   */
  list(options: {
    readonly owner?: string
    readonly after?: Pick<ExecutionRecord, 'createdAt' | 'executionId'>
    readonly limit: number
  }): readonly StoredExecution[] | Promise<readonly StoredExecution[]>
  /**
   * What a list tells of these executions beside their records, in their order; `{}` for one that is not there. Of a store that
   * can tell it without reading whole logs; where it is missing, lists tell the name and the number of tasks alone.
   */
  summarize?(executionIds: readonly string[]): readonly ExecutionSummary[] | Promise<readonly ExecutionSummary[]>
  /**
   * What the entries add up to that `read` does not have any more; the caller's own. Only of a store that lets the oldest
   * entries of an execution go, as one in memory does.
   */
  readBase?(executionId: string): ExecutionState | undefined | Promise<ExecutionState | undefined>
  /**
   * Those that have not ended and that no living process has claimed, oldest first. Only of a store that outlives the process:
   * whoever starts with it takes them up again. What was created and never claimed has not begun, and is not among them.
   * `workflow`, `input` and `options` may be left out: there may be many.
   */
  interrupted?(): readonly StoredExecution[] | Promise<readonly StoredExecution[]>
  /** Removes an execution whole. @returns whether it was there */
  delete(executionId: string): boolean | Promise<boolean>
  /** Removes finished executions beyond the store's retention. @returns how many */
  sweep(): number | Promise<number>
}
