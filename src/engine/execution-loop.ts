import { LocalRunner } from '../attempt/local-runner.ts'
import type { AttemptRunner } from '../attempt/runner.ts'
import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { EventFor, Reason } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { EventLog, Lease } from '../log/event-log.ts'
import { Permits } from '../scheduler/permits.ts'
import { PHASE } from '../scheduler/task-columns.ts'
import { TaskTable } from '../scheduler/task-table.ts'
import { ActiveAttempts } from './active-attempts.ts'
import { Commands } from './commands.ts'
import { Emissions } from './emissions.ts'
import { ExecutionOutcome } from './execution-outcome.ts'
import type { ExecutionResult } from './execution-result.ts'
import { ExecutionTasks } from './execution-tasks.ts'
import { createDecisions } from './groups/create-decisions.ts'
import type { GroupDecisions } from './groups/group-decisions.ts'
import { Scopes } from './groups/scopes.ts'
import type { LoopParts, TaskActivity } from './loop-parts.ts'
import { Milestones } from './milestones.ts'
import type { ResolvedOptions } from './options.ts'
import { OutputBudget } from './output-budget.ts'
import { Recorder, type RecorderCallbacks } from './recorder.ts'
import { RetryDelays } from './retry-delays.ts'
import { type Resumption, recordResumption } from './resume/resumption.ts'

/** Tasks that one slice of the loop starts or ends at most. */
const SLICE = 256

/**
 * The one loop of every execution: a command or an outcome is decided on, appended, applied to the table, and then takes effect.
 *
 *     table ─ next ─▶ recorder ─ in the log ─▶ table, runner ─ outcome ─▶ recorder ─ in the log ─▶ table
 *
 * Outcomes, emissions and commands are recorded and dealt with in the next round: no tool and no reader runs in a decision.
 */
export class ExecutionLoop implements RecorderCallbacks {
  readonly executionId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly log: EventLog
  readonly clock: Clock
  readonly #outcome: ExecutionOutcome
  readonly #options: ResolvedOptions
  readonly #table: TaskTable
  readonly #tasks: ExecutionTasks
  readonly #recorder: Recorder
  readonly #milestones: Milestones
  readonly #permits: Permits
  readonly #emissions: Emissions
  readonly #runner: AttemptRunner
  readonly #attempts: ActiveAttempts
  readonly #delays: RetryDelays
  readonly #commands: Commands
  /** `undefined` for a plan without conditions and parents. */
  readonly #decisions: GroupDecisions | undefined
  #startedAt = 0
  #stopCount = 0
  #isAbandoned = false

  constructor(parts: LoopParts) {
    const { log, plan, input, options, counters } = parts
    const { clock, abortGraceMs } = options
    this.executionId = log.executionId
    this.createdAt = parts.createdAt ?? new Date(clock.wallTime()).toISOString()
    this.log = log
    this.clock = clock
    this.#outcome = new ExecutionOutcome(plan, log.state)
    this.#options = options
    this.#table = parts.table ?? new TaskTable(plan, options)
    this.#tasks = new ExecutionTasks(this.#table.graph, log.state)
    this.#recorder = new Recorder(log, clock, this)
    const scopes = new Scopes(this.#table, log.state, input)
    const outputs = parts.outputs ?? new OutputBudget()
    this.#milestones = new Milestones(plan, this.#table, this.#tasks, this.#recorder, scopes)
    this.#commands = new Commands(this.#recorder, this.#table, () => this.#attempts.abort())
    this.#emissions = new Emissions(options, counters, this.#recorder, reason => this.cancel(reason))
    this.#permits = new Permits(this.#table.starts.ready, {
      isPaused: () => this.#commands.isPaused,
      granted: () => this.#recorder.wake(),
    })
    this.#runner = parts.runner ?? new LocalRunner({ tools: plan.tools, clock, abortGraceMs })
    this.#delays = new RetryDelays(clock, task => {
      this.#table.wake(task)
      this.#recorder.wake()
    })
    this.#attempts = new ActiveAttempts({
      tasks: this.#tasks,
      columns: this.#table.columns,
      permits: this.#permits,
      recorder: this.#recorder,
      emissions: this.#emissions,
      outputs,
      runner: this.#runner,
      scopeOf: task => scopes.of(task),
      options,
      counters,
      findAbortion: task => this.#commands.findAbortion(task),
      onIdle: () => {
        if (this.#isAbandoned) this.#runner.close?.()
      },
    })
    const more = { table: this.#table, tasks: this.#tasks, recorder: this.#recorder, scopes, outputs, options }
    this.#decisions = createDecisions(plan, log.state, { ...more, elapsedMs: () => clock.now() - this.#startedAt })
  }

  /** Resolves at every end; rejects when the log could not be kept, and when the execution was handed off. */
  get ended(): Promise<void> {
    return this.#outcome.ended
  }

  /** Put together on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    return this.#outcome.result
  }

  /** Starts the execution, or resumes it; from here on it runs by itself. */
  start(lease: Lease, signal?: AbortSignal, resumption?: Resumption): void {
    const { timeoutMs } = this.#options
    const table = this.#table
    const now = this.clock.now()
    this.log.begin(lease, task => this.#tasks.stateOf(task))
    this.#startedAt = now - table.history.executionTimeMs
    if (this.log.state.status === 'pending') this.#milestones.start(this.#options.schedule)
    if (resumption !== undefined) recordResumption(table, this.#tasks, this.#recorder, this.#commands, resumption)
    table.open(now)
    this.#delays.restore(table.delays)
    this.#emissions.restore(this.log.state.tokenUsage)
    this.#recorder.open()
    this.#commands.open()
    const cancel = (reason: Reason): void => this.cancel(reason)
    if (timeoutMs > 0) this.#commands.limitTime(this.clock, timeoutMs, this.#startedAt + timeoutMs - now, cancel)
    if (signal !== undefined) this.#commands.follow(signal, cancel)
  }

  /** For an execution that has ended. */
  showEnd(end: EventFor<'execution_complete'>['data']): void {
    this.#outcome.end = end
    this.completed()
  }

  /** Settles once the last command is in the log; rejects when the log cannot be kept. */
  get commanded(): Promise<void> {
    return this.#commands.recorded
  }

  get activity(): TaskActivity {
    const { size: slot, limitedCount: limit } = this.#table.starts.ready
    return { running: this.#attempts.count, slot, limit, retry: this.#delays.count }
  }

  /** Whether it has `finally` tasks, its own or those of workflows that run now. */
  get hasFinally(): boolean {
    return this.#table.graph.hasFinally
  }

  /**
   * Ends every task that has not settled, because of `reason`; `finally` tasks run. The first call counts; a second one ends
   * those, too. After the end it does nothing.
   */
  cancel(reason: Reason): void {
    if (this.#outcome.end === undefined) this.#commands.cancel(reason)
  }

  /** Starts no task until every pause is released; what runs continues. @returns its release; idempotent */
  pause(): () => void {
    // Others may need what this execution cannot use now.
    this.#permits.giveBack()
    return this.#commands.pause(() => this.#recorder.wake())
  }

  /**
   * Leaves the rest to the next process: nothing more starts, running attempts are aborted and recorded as interrupted, with all
   * that they used, and then its readers and its result end with `SHUTTING_DOWN`.
   */
  handOff(): void {
    if (this.#commands.isEnding || this.log.ending !== undefined) return
    this.pause()
    this.#commands.handOff()
  }

  /** For the recorder: ends and starts a slice of tasks, and ends the execution when all have settled. */
  runSlice(): boolean {
    const table = this.#table
    let left = SLICE
    if (!table.endings.isEmpty) left -= this.#milestones.endTasks(left, this.clock.now())
    if (left > 0 && !this.#commands.isPaused) {
      // Conditions and references read the ends of other tasks, which are in the log then.
      if (table.endings.areRecorded) this.#decisions?.decide(left)
      for (; left > 0; left--) {
        const task = table.next(this.#permits)
        if (task === undefined) break
        this.#attempts.choose(task)
      }
      this.#permits.request()
    }
    if (!this.#recorder.isEmpty) return false
    if (table.isDone && this.#outcome.end === undefined) {
      const tookMs = this.clock.now() - this.#startedAt
      this.#outcome.end = this.#milestones.end(this.log.state.counts, this.#emissions.tokenUsage, tookMs)
    } else if (table.history.isHandedOff && this.#attempts.count === 0) {
      this.#abandon(new DagstreamError('SHUTTING_DOWN', 'The process ends; the execution resumes in the next one'))
    }
    return !this.#commands.isPaused && !table.due.isEmpty && table.endings.areRecorded
  }

  /** For the recorder. */
  apply(entries: readonly LogEntry[]): void {
    const now = this.clock.now()
    const { length } = entries
    // By index, as wherever every task passes: an iterator would make an object for each.
    for (let at = 0; at < length && !this.#recorder.isClosed; at++) this.#applyEntry(entries[at] as LogEntry, now)
  }

  /** For the recorder. */
  completed(): void {
    this.#commands.close()
    this.#decisions?.close()
    this.#runner.close?.()
    this.#outcome.complete()
  }

  /** The log cannot be kept: ends its readers and what runs. */
  onLogFailure(error: unknown): void {
    const code = error instanceof DagstreamError ? error.code : 'STORE_FAILED'
    const message = `Execution \`${this.executionId}\` could not be recorded`
    this.#abandon(new DagstreamError(code, message, { cause: error }))
  }

  #applyEntry(entry: LogEntry, now: number): void {
    const table = this.#table
    table.apply(entry, now)
    if (entry.type === 'task_start') this.#attempts.begin(entry.taskIndex)
    else if (entry.type === 'task_retry') this.#delays.follow(table.delays, entry.taskIndex)
    else if (entry.type === 'tasks_added') this.#decisions?.added(entry.data as EventFor<'tasks_added'>['data'])
    else this.#commands.applied(entry)
    if (table.stopCount !== this.#stopCount) this.#stopped()
  }

  /** Stops are in the log, or follow from a failure in it. */
  #stopped(): void {
    this.#stopCount = this.#table.stopCount
    this.#delays.prune(this.#table.delays)
    this.#permits.prune(task => this.#table.columns.phase[task] === PHASE.ending)
    this.#attempts.abort()
  }

  #abandon(failure: DagstreamError): void {
    if (this.#isAbandoned || this.log.ending !== undefined) return
    this.#isAbandoned = true
    this.#recorder.close()
    this.#delays.stop()
    this.#decisions?.close()
    this.#permits.close()
    this.#commands.abandon(failure.message)
    this.#attempts.endUnbegun()
    this.#commands.close(failure)
    // Tools that ignore their abort are still to be abandoned, and what they hold given back.
    if (this.#attempts.count === 0) this.#runner.close?.()
    this.log.fail({ error: failure.message, code: failure.code, timestamp: this.#recorder.timestamp })
    this.#outcome.fail(failure)
  }
}
