import { afterTurn, type Clock, isTurnSpent } from '../clock.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { TaskState } from '../events/state.ts'
import type { EventLog } from '../log/event-log.ts'

/** What a recorder works for. */
export interface RecorderHost<Effect> {
  /** Decides what happens next and records it; called before every append, and must not do more than one slice of work. */
  decide(): void
  /** What was recorded with this effect is in the log now. */
  apply(effect: Effect): void
  /** The last event, `execution_complete`, is in the log; nothing is recorded any more. */
  completed(): void
  /** The log could not be appended to; nothing is recorded any more. */
  lost(error: unknown): void
}

/**
 * Gathers what happens and appends it: everything of one turn of promises in one append, one append at a time.
 *
 * Effects — calling a tool, starting dependents — happen only once what they follow from is in the log. Between rounds it
 * lets the event loop turn when this turn has done enough.
 */
export class Recorder<Effect> {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #host: RecorderHost<Effect>
  #entries: LogEntry[] = []
  #effects: Effect[] = []
  #isScheduled = false
  /** Until it is opened, and during a round. */
  #isBusy = true
  #isClosed = false
  #stampedAt = Number.NaN
  #timestamp = ''

  constructor(log: EventLog, clock: Clock, host: RecorderHost<Effect>) {
    this.#log = log
    this.#clock = clock
    this.#host = host
  }

  get executionId(): string {
    return this.#log.executionId
  }

  /** Nothing waits to be appended. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
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

  /**
   * Records that something happened; `effect` is applied once that is in the log.
   * @param known the state of the task it tells of, where that is at hand
   */
  record(type: LogEntry['type'], data: LoggedData, effect?: Effect, known?: TaskState): void {
    if (this.#isClosed) return
    const entry = this.#log.entry(type, data)
    entry.known = known
    this.#entries.push(entry)
    if (effect !== undefined) this.#effects.push(effect)
    this.wake()
  }

  /** From here on what is recorded is appended. */
  open(): void {
    this.#isBusy = false
    this.wake()
  }

  /** Sees to it that there is a round soon. */
  wake(): void {
    if (this.#isScheduled || this.#isBusy || this.#isClosed) return
    this.#isScheduled = true
    queueMicrotask(this.#round)
  }

  /** Records nothing any more. */
  close(): void {
    this.#isClosed = true
    this.#entries = []
    this.#effects = []
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
      this.#host.decide()
      if (this.#entries.length === 0) break
      const effects = this.#effects
      const appended = this.#append()
      if (appended === undefined) this.#apply(effects)
      else {
        appended.then(
          () => {
            this.#apply(effects)
            this.#round()
          },
          error => this.#lose(error),
        )
        // Busy until it has settled: what happens meanwhile makes the next batch.
        return
      }
    }
    this.#isBusy = false
  }

  #append(): void | Promise<void> {
    const entries = this.#entries
    this.#entries = []
    this.#effects = []
    try {
      return this.#log.append(entries)
    } catch (error) {
      this.#lose(error)
    }
  }

  #apply(effects: readonly Effect[]): void {
    // By index, here and wherever every task passes: an iterator would make an object for each.
    for (let at = 0; at < effects.length && !this.#isClosed; at++) this.#host.apply(effects[at] as Effect)
    if (this.#log.ending !== 'complete' || this.#isClosed) return
    this.close()
    this.#host.completed()
  }

  #lose(error: unknown): void {
    if (this.#isClosed) return
    this.close()
    this.#host.lost(error)
  }
}
