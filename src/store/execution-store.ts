import type { ExecutionStatus, Parked } from '../events/events.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import type { Lease, LogStorage } from '../log/event-log.ts'
import type { EarlierNotes } from './earlier-notes.ts'
import type { ExecutionSummary } from './execution-summary.ts'
import type { TimedEntry } from './timed-entries.ts'

/** The data of an execution before its first event. */
export interface ExecutionRecord {
  /** `[A-Za-z0-9_-]`, unguessable. */
  readonly executionId: string
  readonly owner?: string
  /** Unique per `owner`. */
  readonly idempotencyKey?: string
  /** SHA-256, hex, of the request that created it. A retry with the same key must be the same request. */
  readonly requestHash?: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The document as JSON. It defines the order of results, and is needed to resume after a crash. */
  readonly workflow?: string
  /** The value of `$INPUT` as JSON; absent if there is none. */
  readonly input?: string
  /** The options of the execution as JSON; a process that resumes it applies them again. */
  readonly options?: string
}

/** An execution as a store lists it. */
export interface StoredExecution extends ExecutionRecord {
  readonly status: 'running' | ExecutionStatus
  /** Present while it is parked: the data of the last `execution_parked`, unless it was resumed since. */
  readonly parked?: Parked
  /** Present while it is unfinished and its log holds `execution_stopping`: resuming only ends it, and needs no tools. */
  readonly isStopping?: true
  /** State that an earlier version stored beside the log. Absent for executions that a later version created. */
  readonly notes?: EarlierNotes
}

/** What a remembered output is found by. */
export interface MemoryKey {
  /** Each owner has outputs of their own. */
  readonly owner?: string
  /** SHA-256, hex, of the tool, its version and its arguments. */
  readonly key: string
}

/** The output of a task that succeeded. */
export interface RememberedOutput {
  readonly executionId: string
  readonly taskId: string
  /** JSON. */
  readonly output: string
}

/** Keeps secret answers of people. They are never listed, and removed with their execution. */
export interface SecretStore {
  /** Durable when it returns or its promise resolves. @throws `FENCED` */
  put(lease: Lease, inputId: string, json: string): void | Promise<void>
  get(executionId: string, inputId: string): string | undefined | Promise<string | undefined>
  /** Removes all secrets of the execution but these. @throws `FENCED` */
  keep(lease: Lease, inputIds: readonly string[]): void | Promise<void>
}

/**
 * Stores executions and their events. Every method may return its result or a promise of it.
 *
 * A store derives `status`, `parked` and `isStopping` from the types of appended entries: `execution_complete`,
 * `execution_parked`, `execution_resumed` and `execution_stopping`.
 *
 * What a method returns does not change later, and what it was given belongs to its caller again once it has returned or its promise
 * has resolved. Ids, owners, keys and names are compared exactly: case, accents and spaces count.
 *
 * Test an implementation with the conformance suite of `dagstream/testing`.
 */
export interface ExecutionStore extends LogStorage {
  /**
   * Registers an execution, atomically. @returns the existing execution with the same owner and idempotency key;
   * `undefined` if there was none. @throws `STORE_FAILED` if the id exists already
   */
  create(record: ExecutionRecord): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /** Takes the right to append. Every earlier lease fails with `FENCED` from then on. @throws `EXECUTION_NOT_FOUND` */
  claim(executionId: string): Lease | Promise<Lease>
  get(executionId: string): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /** Finds the execution of an owner and idempotency key. Without this method, only `create` detects duplicates. */
  findByKey?(
    owner: string | undefined,
    idempotencyKey: string,
  ): StoredExecution | undefined | Promise<StoredExecution | undefined>
  /**
   * Lists at most `limit` executions, ordered by `createdAt`, then `executionId`, after `after`: the last execution of
   * the previous page, which may have been removed since. `workflow`, `input` and `options` may be omitted.
   */
  list(options: {
    readonly owner?: string
    readonly after?: Pick<ExecutionRecord, 'createdAt' | 'executionId'>
    readonly limit: number
  }): readonly StoredExecution[] | Promise<readonly StoredExecution[]>
  /**
   * Ids of at most `limit` ended executions, the most recent first: by `createdAt` or by the time of their ends. Without this method
   * there is no history, so nothing can be forecast.
   */
  recent?(options: { readonly owner?: string; readonly limit: number }): readonly string[] | Promise<readonly string[]>
  /**
   * At most `limit` entries of `TIMED_TYPES` after `afterSeq`, in order. For a store that finds them faster than the whole log;
   * without this method forecasts read all entries.
   */
  readTimes?(
    executionId: string,
    afterSeq: number,
    limit: number,
  ): readonly TimedEntry[] | Promise<readonly TimedEntry[]>
  /**
   * Summaries of these executions for lists, in the given order; `{}` for an unknown one. Implemented by stores that
   * need not read whole logs for it; without it, lists show only the name and the number of tasks.
   */
  summarize?(executionIds: readonly string[]): readonly ExecutionSummary[] | Promise<readonly ExecutionSummary[]>
  /**
   * The fold of the evicted entries, which `read` no longer returns; owned by the caller. Implemented only by stores that
   * evict the oldest entries of an execution, such as the memory store.
   */
  readBase?(executionId: string): ExecutionState | undefined | Promise<ExecutionState | undefined>
  /**
   * Unfinished executions without a living process that claimed them, oldest first: a starting process resumes them.
   * Implemented only by stores that outlive the process. Excludes executions that were created but never claimed, since
   * they have not begun. `workflow`, `input` and `options` may be omitted: there may be many.
   */
  interrupted?(): readonly StoredExecution[] | Promise<readonly StoredExecution[]>
  /**
   * Keeps secret answers of people apart from the log, until their task has ended. Without it they are kept in memory, and
   * asked for again after a crash.
   */
  readonly secrets?: SecretStore
  /** Removes an execution with all its data; its id and key are free then. @returns whether it existed */
  delete(executionId: string): boolean | Promise<boolean>
  /**
   * The output that was remembered last under a key, unless it is older than `maxAgeMs`. Without this method and the next one
   * every task is called.
   */
  recall?(key: MemoryKey, maxAgeMs: number): RememberedOutput | undefined | Promise<RememberedOutput | undefined>
  /** Remembers an output in place of the last one. It outlives its execution, within the store's bounds of age and size. */
  remember?(key: MemoryKey, remembered: RememberedOutput): void | Promise<void>
  /** Forgets all remembered outputs of all owners. @returns how many */
  forget?(): number | Promise<number>
  /** Removes finished executions beyond the store's retention. @returns the number of removed executions */
  sweep(): number | Promise<number>
}
