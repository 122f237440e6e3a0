import type { Clock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import { readTraceparent } from '../resume/recorded-options.ts'
import type {
  EntryObserver,
  ExecutionObserver,
  ExecutionTrace,
  ObservedExecution,
  ObservedOutcome,
  ObservedTrace,
} from './execution-observer.ts'

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

/** The traces of an execution that is about to start, one for each observer that has one. */
export interface BegunTraces {
  /** That of the first of them. */
  readonly traceparent: string | undefined
  readonly traces: ReadonlyMap<ExecutionObserver, ExecutionTrace>
}

/** Where the traces of an execution come from: its start, or its record. */
export type TraceOrigin = { readonly begun: BegunTraces } | { readonly resumes: { readonly traceparent?: string } }

/** Hands the log entries of executions to observers. No fault of an observer leaves it. */
export class ObserverHub {
  readonly #observers: readonly Registered[]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #onAppend: (tookMs: number) => void
  /** By execution, until its end. */
  readonly #observations = new Map<string, readonly Observation[]>()

  /** @param onAppend receives how long each append takes, ms */
  constructor(
    observers: readonly ExecutionObserver[],
    clock: Clock,
    logger: Logger,
    onAppend: (tookMs: number) => void = () => {},
  ) {
    this.#observers = observers.map(observer => ({ observer, hasFailed: false }))
    this.#clock = clock
    this.#logger = logger
    this.#onAppend = onAppend
  }

  /** Begins the traces of an execution before it is recorded. @param parent W3C `traceparent` of its caller */
  begin(record: ObservedRecord, name: string | undefined, parent: string | undefined): BegunTraces {
    const traces = new Map<ExecutionObserver, ExecutionTrace>()
    for (const registered of this.#observers) {
      const { observer } = registered
      if (observer.begin === undefined) continue
      this.#guard(registered, () => {
        const trace = observer.begin?.(describe(record, name), parent)
        if (trace !== undefined) traces.set(observer, trace)
        return trace
      })
    }
    const [first] = traces.values()
    return { traceparent: first?.traceparent, traces }
  }

  /** Observes an execution from the next entry of its log on. */
  observe(record: ObservedRecord, loop: ExecutionLoop, name: string | undefined, origin: TraceOrigin): void {
    const observations = this.#open(record, name, origin, ({ taskIndex }) => loop.dependenciesOf(taskIndex))
    this.#observations.set(record.executionId, observations)
    loop.log.observeAppends(this.#clock, (entries, tookMs) => {
      this.#onAppend(tookMs)
      for (const observation of observations) this.#deliver(observation, entries)
    })
    const tracing = observations.find(({ entries }) => entries.traceparentOf !== undefined)
    if (tracing === undefined) return
    const traceparent = 'begun' in origin ? origin.begun.traceparent : undefined
    loop.traces = { traceparent, traceparentOf: (taskId, attempt) => this.#trace(tracing, taskId, attempt) }
  }

  /** Observes an execution that resumes here. @throws `RECORD_UNUSABLE` */
  observeResumed(record: ObservedRecord & Pick<ExecutionRecord, 'options'>, loop: ExecutionLoop): void {
    const traceparent = readTraceparent(record.options)
    this.observe(record, loop, loop.log.state.name, { resumes: traceparent === undefined ? {} : { traceparent } })
  }

  /** Ends the observation of an execution; idempotent. */
  end(executionId: string, outcome: ObservedOutcome): void {
    const observations = this.#observations.get(executionId) ?? []
    this.#observations.delete(executionId)
    this.#close(observations, outcome)
  }

  /** Hands on the entry that parks an execution that does not run here. */
  parked(record: ObservedRecord, entry: LogEntry, resumes: { readonly traceparent?: string }): void {
    const observations = this.#open(record, undefined, { resumes }, () => [])
    for (const observation of observations) this.#deliver(observation, [entry])
    this.#close(observations, 'parked')
  }

  #open(
    record: ObservedRecord,
    name: string | undefined,
    origin: TraceOrigin,
    dependenciesOf: ObservedTrace['dependenciesOf'],
  ): Observation[] {
    const execution = describe(record, name)
    const observations: Observation[] = []
    for (const registered of this.#observers) {
      const { observer } = registered
      this.#guard(registered, () => {
        const entries = observer.observe(execution, { dependenciesOf, ...findTrace(observer, origin) })
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

  #trace({ registered, entries }: Observation, taskId: string, attempt: number): string | undefined {
    let found: string | undefined
    this.#guard(registered, () => (found = entries.traceparentOf?.(taskId, attempt)))
    return found
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

/** The outcome of an execution that this process no longer runs. @param error what its `ended` rejected with, if it did */
export function findOutcome({ log }: ExecutionLoop, error?: unknown): ObservedOutcome {
  const { status, parked } = log.state
  if (parked === undefined && status !== 'running' && status !== 'pending') return status
  return error instanceof DagstreamError && error.code === 'SHUTTING_DOWN' ? 'handed_off' : 'lost'
}

function describe({ executionId, owner }: ObservedRecord, name: string | undefined): ObservedExecution {
  return { executionId, ...(owner !== undefined && { owner }), ...(name !== undefined && { name }) }
}

function findTrace(observer: ExecutionObserver, origin: TraceOrigin): Partial<ObservedTrace> {
  if ('resumes' in origin) return origin
  const trace = origin.begun.traces.get(observer)
  return trace === undefined ? {} : { trace }
}
