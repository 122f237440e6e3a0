import { afterTurn, type Clock, isTurnSpent } from '../clock.ts'
import { DagstreamError, describeValue } from '../errors.ts'
import type { SSEEventType } from '../events/events.ts'
import { LogEntry, NOT_LOGGED } from '../events/log-entry.ts'
import { type LoggedData, WHOLE_EXECUTION } from '../events/wire-json.ts'
import { createState, type ExecutionState, type TaskState } from '../events/execution-state.ts'
import { applyEvent } from '../events/state.ts'
import { EntryTail, type TailBounds } from './entry-tail.ts'
import { type CursorLog, LogCursor, type LogEnding } from './log-cursor.ts'
import type { CursorOptions, RestoreOptions } from './log-options.ts'
import { type Lease, type LogStorage, readEntries } from './log-storage.ts'
import { putOutputs } from './put-outputs.ts'
import { toNextEntry } from './stored-entry.ts'

export type { Lease, LogStorage } from './log-storage.ts'

/** Receives entries once the store has them, and the duration of its `append`, ms. Must not throw. */
export type AppendObserver = (entries: readonly LogEntry[], tookMs: number) => void

type Append = LogStorage['append']

/** Entries per read when a log is restored. */
const RESTORE_PAGE = 1024

/**
 * The ordered events of one execution, and the state that they fold to.
 *
 * An entry becomes visible, in the state and to cursors, only after its append has settled: no reader sees an event that
 * a crash could take back. The tail is kept in memory within its bounds; older entries are read from the store.
 */
export class EventLog implements CursorLog {
  readonly executionId: string
  /** The fold of the visible entries. Only the log changes it. */
  readonly state: ExecutionState
  lastSnapshot: WeakRef<LogEntry> | undefined
  readonly #storage: LogStorage
  #lease: Lease | undefined
  #taskStateAt: ((taskIndex: number) => TaskState | undefined) | undefined
  readonly #tail: EntryTail
  readonly #cursors = new Set<LogCursor>()
  #assigned = 0
  #bytes = 0
  #ending: LogEnding | undefined
  #observer: { readonly clock: Clock; readonly onAppended: AppendObserver } | undefined

  constructor(
    executionId: string,
    storage: LogStorage,
    bounds: TailBounds = {},
    base: ExecutionState = createState(executionId),
  ) {
    this.executionId = executionId
    this.state = base
    this.#storage = storage
    // The state keeps every output, so evicting an entry does not free its output.
    this.#tail = new EntryTail(bounds, ({ weight, output }) => weight - (output?.weight ?? 0))
    this.#tail.beginAfter(base.seq)
    if (base.totals !== undefined) this.#ending = 'complete'
  }

  /**
   * Reads a log from a store. It can be read at once, and appended to after `begin`.
   * @throws `RECORD_UNUSABLE` for an entry that is damaged, missing or of another execution; any error of the store
   */
  static async restore(
    executionId: string,
    storage: LogStorage,
    { base, restoresOutputs = false, onEntry }: RestoreOptions = {},
  ): Promise<EventLog> {
    const log = new EventLog(executionId, storage, {}, base)
    while ((await log.#readNext(restoresOutputs, onEntry)) > 0) if (isTurnSpent()) await new Promise<void>(afterTurn)
    return log
  }

  /**
   * Publishes what another process has appended, up to a page that is not full. One call at a time; not between `begin` and `detach`.
   * @throws as `restore`
   */
  async advance(): Promise<void> {
    while (this.#ending === undefined) {
      const count = await this.#readNext()
      if (count > 0) this.#wake()
      if (count < RESTORE_PAGE) return
      if (isTurnSpent()) await new Promise<void>(afterTurn)
    }
  }

  async #readNext(restoresOutputs = false, onEntry?: (entry: LogEntry) => void): Promise<number> {
    const page = await this.#storage.read(this.executionId, this.head, RESTORE_PAGE)
    for (const found of page) {
      const stored = toNextEntry(found, this.executionId, this.head + 1)
      const entry = restoresOutputs && stored.refersToOutput ? await this.restoreOutput(stored) : stored
      // No lookup by index: an entry of a memory store carries task indices of another state than this one.
      this.#add(entry, undefined)
      onEntry?.(entry)
    }
    return page.length
  }

  /** Seq of the last visible entry. */
  get head(): number {
    return this.state.seq
  }

  /** Approximate bytes of all entries that ever became visible. Never decreases. */
  get bytes(): number {
    return this.#bytes
  }

  /** `'complete'` after the last event; the `error` event after a failure; otherwise `undefined`. */
  get ending(): LogEnding | undefined {
    return this.#ending
  }

  /**
   * Grants the log the right to append after its head.
   * @param taskStateAt returns a task's state by the index in its entries, which is cheaper than a lookup by id
   */
  begin(lease: Lease, taskStateAt?: (taskIndex: number) => TaskState | undefined): void {
    this.#lease = lease
    this.#taskStateAt = taskStateAt
    this.#assigned = this.head
  }

  /** Withdraws the right to append: the log no longer publishes an append that has not settled. */
  detach(): void {
    this.#lease = undefined
    this.#taskStateAt = undefined
  }

  /** Registers the only observer of later appends. It runs after the entries became visible. */
  observeAppends(clock: Clock, onAppended: AppendObserver): void {
    this.#observer = { clock, onAppended }
  }

  /** Creates the next entry. Entries must be appended in the order of their creation. */
  entry<Type extends SSEEventType>(type: Type, data: LoggedData<Type>): LogEntry {
    this.#assigned += 1
    return new LogEntry(this.#assigned, type, data)
  }

  /**
   * Appends entries made by `entry`, after `begin`. One append at a time: wait for the returned promise, if any.
   * @param write writes them with more, in place of the store's `append`; the entries may then be none
   * @throws any error of the store, or rejects with it; the entries are then not in the log
   */
  append(entries: readonly LogEntry[], write?: Append): void | Promise<void> {
    const firstSeq = entries[0]?.seq ?? this.head + 1
    if (this.#lease === undefined || (entries.length === 0 && write === undefined)) return
    const lease = this.#lease
    const put = putOutputs(entries, (taskId, json) => this.#storage.putOutput(lease, taskId, json))
    if (put === undefined) return this.#append(lease, firstSeq, entries, write)
    return put.then(() => this.#append(lease, firstSeq, entries, write))
  }

  #append(lease: Lease, firstSeq: number, entries: readonly LogEntry[], write?: Append): void | Promise<void> {
    const startedAt = this.#observer?.clock.now() ?? 0
    const appended = write ? write(lease, firstSeq, entries) : this.#storage.append(lease, firstSeq, entries)
    if (appended === undefined) this.#publishAppended(entries, startedAt)
    else {
      return appended.then(() => {
        if (this.#lease === lease) this.#publishAppended(entries, startedAt)
      })
    }
  }

  #publishAppended(entries: readonly LogEntry[], startedAt: number): void {
    const observer = this.#observer
    if (observer === undefined) return this.#publish(entries)
    const tookMs = observer.clock.now() - startedAt
    this.#publish(entries)
    observer.onAppended(entries, tookMs)
  }

  /** Ends the log for its readers with an `error` event that is not logged: the execution could not finish its work. */
  fail(error: { error: string; code: string; timestamp: string }): void {
    if (this.#ending !== undefined) return
    this.#ending = new LogEntry(NOT_LOGGED, 'error', { executionId: this.executionId, ...error })
    this.#wake()
  }

  /**
   * Opens a cursor after `afterSeq`, for replay and live events alike.
   * A position that the log cannot serve receives a `snapshot` first.
   * @throws `INVALID_EVENT_ID` if `afterSeq` is not an integer ≥ 0
   */
  open(afterSeq = 0, { reserved, restoresOutputs = false }: CursorOptions = {}): LogCursor {
    if (!Number.isSafeInteger(afterSeq) || afterSeq < 0) {
      const message = `Expected a position in the log to be an integer ≥ 0, got ${describeValue(afterSeq)}`
      throw new DagstreamError('INVALID_EVENT_ID', message)
    }
    const release = reserved && this.#tail.reserve(reserved)
    const close = (): void => {
      this.#cursors.delete(cursor)
      release?.()
    }
    const cursor = new LogCursor(this, afterSeq, restoresOutputs, close)
    this.#cursors.add(cursor)
    return cursor
  }

  /** Number of open cursors. */
  get cursorCount(): number {
    return this.#cursors.size
  }

  /** Entries after `afterSeq` from memory, about `maxBytes`, at least one; `undefined` if the first was evicted. */
  readTail(afterSeq: number, maxBytes: number): LogEntry[] | undefined {
    return this.#tail.read(afterSeq, Number.POSITIVE_INFINITY, maxBytes)
  }

  /** Entries after `afterSeq` from the store, at most `limit`, without those that are not visible yet. */
  async readStored(afterSeq: number, limit: number): Promise<LogEntry[]> {
    const entries = await readEntries(this.#storage, this.executionId, afterSeq, limit)
    const visible = this.head - afterSeq
    return entries.length > visible ? entries.slice(0, Math.max(0, visible)) : entries
  }

  /** The entry with the output that it refers to; the entry itself if it refers to none or the store has none. */
  async restoreOutput(entry: LogEntry): Promise<LogEntry> {
    const { output } = entry
    if (!entry.refersToOutput || output !== undefined) return entry
    const taskId = entry.type === 'task_complete' ? entry.data.taskId : WHOLE_EXECUTION
    const json = await this.#storage.getOutput(this.executionId, taskId)
    return json === undefined ? entry : LogEntry.fromJson(entry.seq, entry.type, entry.json, json)
  }

  #publish(entries: readonly LogEntry[]): void {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as LogEntry
      if (entry.seq !== this.head + 1) {
        throw new DagstreamError('SEQ_CONFLICT', `Expected entry ${this.head + 1} of the log, got ${entry.seq}`)
      }
      this.#add(entry, entry.taskIndex < 0 ? undefined : this.#taskStateAt?.(entry.taskIndex))
    }
    this.#wake()
  }

  #add(entry: LogEntry, taskState: TaskState | undefined): void {
    // Inside the engine an output is a `JsonValue`, which the reducer only passes on.
    applyEvent(this.state, entry, entry.seq, taskState)
    this.#tail.push(entry)
    this.#bytes += entry.weight
    if (entry.type === 'execution_complete') this.#ending = 'complete'
  }

  #wake(): void {
    for (const cursor of this.#cursors) cursor.wake()
  }
}
