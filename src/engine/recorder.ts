import { afterTurn, type Clock, isTurnSpent } from '../clock.ts'
import type { EventData, SSEEventType } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { EventLog } from '../log/event-log.ts'
import type { PendingRound, RoundCommit } from './remote/pending-round.ts'

/** The execution that a recorder works for. */
export interface RecorderCallbacks {
  /**
   * Decides and records the next events; called before every append, does at most one slice of work.
   * @returns whether further decisions are due
   */
  runSlice(): boolean
  /** Applies entries that have been appended to the log, and their effects. */
  apply(entries: readonly LogEntry[]): void
  /** The last event, `execution_complete`, is in the log; nothing is recorded any more. */
  completed(): void
  /** The log could not be appended to; nothing is recorded any more. */
  onLogFailure(error: unknown): void
}

const EMISSIONS: ReadonlySet<SSEEventType> = new Set(['token', 'token_usage', 'metrics', 'task_progress', 'info'])

/**
 * Collects events and appends them: all events of one microtask turn in one append, one append at a time.
 *
 * A tool is called only once the events that this follows from are in the log. Starts follow from events that are in the log, or
 * from successes that are appended with them (`EarlyEnds`). Between rounds it yields to the event loop when the time slice of this turn is spent.
 */
export class Recorder {
  /** What a shared store writes beside the entries; `undefined` for any other store. */
  readonly pending: PendingRound | undefined
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #callbacks: RecorderCallbacks
  #entries: LogEntry[] = []
  #isScheduled = false
  /** True until `open`, and during a round. */
  #isBusy = true
  #isClosed = false
  #stampedAt = Number.NaN
  #timestamp = ''

  constructor(log: EventLog, clock: Clock, callbacks: RecorderCallbacks, pending?: PendingRound) {
    this.pending = pending
    this.#log = log
    this.#clock = clock
    this.#callbacks = callbacks
  }

  get executionId(): string {
    return this.#log.executionId
  }

  /** Whether no entry waits to be appended. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** The entries that wait to be appended and change the task table. */
  get changes(): readonly LogEntry[] {
    return this.#entries.filter(({ type }) => !EMISSIONS.has(type))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** ISO 8601, made once per millisecond. */
  get timestamp(): string {
    const now = this.#clock.wallTime()
    if (now !== this.#stampedAt) {
      this.#stampedAt = now
      this.#timestamp = new Date(now).toISOString()
    }
    return this.#timestamp
  }

  /** Adds the execution id and the current time to the data of an event. */
  stamp<Data extends object>(data: Data): EventData & Data {
    return { executionId: this.executionId, timestamp: this.timestamp, ...data }
  }

  /** Records an event. @param taskIndex index of its task, if it has one */
  record<Type extends SSEEventType>(type: Type, data: LoggedData<Type>, taskIndex = -1): void {
    if (this.#isClosed) return
    const entry = this.#log.entry(type, data)
    entry.taskIndex = taskIndex
    this.#entries.push(entry)
    this.wake()
  }

  /** Starts to append recorded events. */
  open(): void {
    this.#isBusy = false
    this.wake()
  }

  /** Schedules a round. */
  wake(): void {
    if (this.#isScheduled || this.#isBusy || this.#isClosed) return
    this.#isScheduled = true
    queueMicrotask(this.#round)
  }

  /** Ignores all further events. */
  close(): void {
    this.#isClosed = true
    this.#entries = []
    this.pending?.close()
  }

  readonly #round = (): void => {
    this.#isScheduled = false
    this.#isBusy = true
    while (!this.#isClosed) {
      if (isTurnSpent()) {
        this.#isScheduled = true
        afterTurn(this.#round)
        break
      }
      const hasMore = this.#callbacks.runSlice()
      const entries = this.#entries
      if (entries.length === 0 && this.pending?.isEmpty !== false) {
        if (hasMore) continue
        break
      }
      this.#entries = []
      const round = this.pending?.take()
      const appended = this.#append(entries, round)
      if (appended === undefined) this.#apply(entries)
      else {
        appended.then(
          () => {
            this.#apply(entries)
            round?.settle()
            this.#round()
          },
          error => this.#fail(error),
        )
        // Busy until the append has settled: events recorded meanwhile form the next batch.
        return
      }
    }
    this.#isBusy = false
  }

  #append(entries: readonly LogEntry[], round: RoundCommit | undefined): void | Promise<void> {
    try {
      return this.#log.append(entries, round?.write)
    } catch (error) {
      this.#fail(error)
    }
  }

  #apply(entries: readonly LogEntry[]): void {
    if (this.#isClosed) return
    this.#callbacks.apply(entries)
    if (this.#log.ending !== 'complete' || this.#isClosed) return
    this.close()
    this.#callbacks.completed()
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return
    this.close()
    this.#callbacks.onLogFailure(error)
  }
}
