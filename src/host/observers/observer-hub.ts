import type { Clock } from '../../clock.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { describeError } from '../../log/describe-error.ts'
import type { EventLog } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import type { EntryObserver, ExecutionObserver, ObservedExecution, ObservedOutcome } from './execution-observer.ts'
import type { Histogram } from './histogram.ts'

/** The part of a record that observers receive. */
export type ObservedRecord = Pick<ExecutionRecord, 'executionId' | 'owner'>

interface Registered {
  readonly observer: ExecutionObserver
  hasFailed: boolean
}

interface Observation {
  readonly registered: Registered
  readonly entries: EntryObserver
}

/** Hands the log entries of executions to the observers of a host. No fault of an observer leaves it. */
export class ObserverHub {
  readonly #observers: readonly Registered[]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #appends: Histogram
  /** By execution, until its end. */
  readonly #observations = new Map<string, readonly Observation[]>()

  /** @param appends receives how long each append takes, s */
  constructor(observers: readonly ExecutionObserver[], appends: Histogram, clock: Clock, logger: Logger) {
    this.#observers = observers.map(observer => ({ observer, hasFailed: false }))
    this.#appends = appends
    this.#clock = clock
    this.#logger = logger
  }

  /** Observes an execution from the next entry of its log on. */
  observe(record: ObservedRecord, name: string | undefined, log: EventLog): void {
    const observations = this.#open(record, name)
    this.#observations.set(record.executionId, observations)
    log.observeAppends(this.#clock, (entries, tookMs) => {
      this.#appends.observe(tookMs / 1000)
      for (const observation of observations) this.#deliver(observation, entries)
    })
  }

  /** Ends the observation of an execution; idempotent. */
  end(executionId: string, outcome: ObservedOutcome): void {
    const observations = this.#observations.get(executionId) ?? []
    this.#observations.delete(executionId)
    this.#close(observations, outcome)
  }

  /** Hands on the entry that parks an execution that does not run here. */
  parked(record: ObservedRecord, entry: LogEntry): void {
    const observations = this.#open(record, undefined)
    for (const observation of observations) this.#deliver(observation, [entry])
    this.#close(observations, 'parked')
  }

  #open({ executionId, owner }: ObservedRecord, name: string | undefined): Observation[] {
    const known = { ...(owner !== undefined && { owner }), ...(name !== undefined && { name }) }
    const execution: ObservedExecution = { executionId, ...known }
    const observations: Observation[] = []
    for (const registered of this.#observers) {
      this.#guard(registered, () => {
        const entries = registered.observer.observe(execution)
        if (entries !== undefined) observations.push({ registered, entries })
        return entries
      })
    }
    return observations
  }

  #deliver({ registered, entries: observer }: Observation, entries: readonly LogEntry[]): void {
    if (observer.onEntry === undefined) return
    for (let at = 0; at < entries.length; at++) {
      this.#guard(registered, () => observer.onEntry?.(entries[at] as LogEntry))
    }
  }

  #close(observations: readonly Observation[], outcome: ObservedOutcome): void {
    for (const { registered, entries } of observations) this.#guard(registered, () => entries.onEnd?.(outcome))
  }

  #guard(registered: Registered, call: () => unknown): void {
    try {
      const returned = call()
      // The type allows an async function, whose rejection nobody else would handle.
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#report(registered, error))
    } catch (error) {
      this.#report(registered, error)
    }
  }

  /** Once for each observer: it may fail at every entry. */
  #report(registered: Registered, error: unknown): void {
    if (registered.hasFailed) return
    registered.hasFailed = true
    this.#logger.warn('An observer failed; further faults of it are not logged', { error: describeError(error) })
  }
}
