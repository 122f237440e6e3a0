import { LocalRunner } from '../attempt/local-runner.ts'
import type { AttemptRunner } from '../attempt/runner.ts'
import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { EventFor, Reason, Stop } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { TaskState } from '../events/state.ts'
import type { EventLog, Lease } from '../log/event-log.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import { Permits } from '../scheduler/permits.ts'
import { TaskTable } from '../scheduler/task-table.ts'
import { ActiveAttempts } from './active-attempts.ts'
import { type Command, Commands } from './commands.ts'
import type { MutableCounters } from './counters.ts'
import { Emissions } from './emissions.ts'
import { buildResult, type ExecutionResult, summarise } from './execution-result.ts'
import { ExecutionTasks } from './execution-tasks.ts'
import type { ResolvedOptions } from './options.ts'
import { OutputBudget } from './output-budget.ts'
import { Recorder, type RecorderCallbacks } from './recorder.ts'
import { RetryDelays } from './retry-delays.ts'
import { type Resumption, recordResumption } from './resumption.ts'
import { describeEnding } from './task-events.ts'

/** What the tasks of an execution do that could run, at this moment. */
export interface TaskActivity {
  readonly running: number
  /** Those that wait: for a slot, for the limit of their tool, and for their next attempt. */
  readonly slot: number
  readonly limit: number
  readonly retry: number
}

/** What an execution is made of. */
export interface LoopParts {
  readonly log: EventLog
  readonly plan: ExecutionPlan
  /** What `$INPUT` refers to. */
  readonly input: JsonValue | undefined
  readonly options: ResolvedOptions
  readonly counters: MutableCounters
  /** ISO 8601. @defaultValue now */
  readonly createdAt?: string
  /** Replayed from the log; @defaultValue that of an empty log */
  readonly table?: TaskTable
  /** Replayed like the table. */
  readonly outputs?: OutputBudget
  /** @defaultValue runs the tools of the plan in this process */
  readonly runner?: AttemptRunner
}

/** Tasks that one slice of the loop starts or ends at most. */
const SLICE = 256

/**
 * The one loop of every execution: a command or an outcome is decided on, appended, applied to the table, and then takes effect.
 *
 *     table ─ next ─▶ recorder ─ in the log ─▶ table, runner ─ outcome ─▶ recorder ─ in the log ─▶ table
 *
 * Everything that comes from outside — outcomes, emissions, cancellations — is recorded and dealt with in the next round, so
 * that no tool and no reader ever runs in the middle of a decision.
 */
export class ExecutionLoop implements RecorderCallbacks {
  readonly executionId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly log: EventLog
  readonly clock: Clock
  /** Resolves at every end; rejects when the log could not be kept, and when the execution was handed off. */
  readonly ended: Promise<void>
  readonly #plan: ExecutionPlan
  readonly #options: ResolvedOptions
  readonly #table: TaskTable
  readonly #tasks: ExecutionTasks
  readonly #recorder: Recorder
  readonly #permits: Permits
  readonly #emissions: Emissions
  readonly #runner: AttemptRunner
  readonly #attempts: ActiveAttempts
  readonly #delays: RetryDelays
  readonly #commands: Commands
  #startedAt = 0
  #isAbandoned = false
  #end: EventFor<'execution_complete'>['data'] | undefined
  #result: Promise<ExecutionResult> | undefined
  #resolve!: () => void
  #reject!: (error: DagstreamError) => void

  constructor(parts: LoopParts) {
    const { log, plan, input, options, counters } = parts
    const { clock, abortGraceMs } = options
    this.executionId = log.executionId
    this.createdAt = parts.createdAt ?? new Date(clock.wallTime()).toISOString()
    this.log = log
    this.clock = clock
    this.#plan = plan
    this.#options = options
    this.#table = parts.table ?? new TaskTable(plan, options)
    this.#tasks = new ExecutionTasks(this.#table.graph, log.state)
    this.#recorder = new Recorder(log, clock, this)
    this.#commands = new Commands(this.#recorder, command => this.#obey(command))
    this.#emissions = new Emissions(options, counters, this.#recorder, reason => this.cancel(reason))
    this.#permits = new Permits(this.#table.ready, {
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
      outputs: parts.outputs ?? new OutputBudget(),
      runner: this.#runner,
      scope: {
        input,
        // Invariant: all dependencies have succeeded.
        output: taskId => (log.state.tasks.get(taskId) as TaskState).result?.output as JsonValue,
      },
      options,
      counters,
      isStopping: () => this.#isStopping,
      onIdle: () => {
        if (this.#isAbandoned) this.#runner.close?.()
      },
    })
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Prevent an unhandled rejection when nobody awaits `ended`.
    this.ended.catch(() => {})
  }

  /** Put together on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    if (this.#result === undefined) {
      const end = (): EventFor<'execution_complete'>['data'] => this.#end as EventFor<'execution_complete'>['data']
      this.#result = this.ended.then(() => buildResult(this.#plan, this.log.state, end()))
      this.#result.catch(() => {})
    }
    return this.#result
  }

  /** Starts the execution, or resumes it; from here on it runs by itself. */
  start(lease: Lease, signal?: AbortSignal, resumption?: Resumption): void {
    const { timeoutMs } = this.#options
    const table = this.#table
    const now = this.clock.now()
    this.log.begin(lease)
    this.#startedAt = now - table.history.executionTimeMs
    if (this.log.state.status === 'pending') this.#recordStart()
    if (resumption !== undefined) recordResumption(table, this.#tasks, this.#recorder, this.#commands, resumption)
    table.open(now)
    for (const [task, { at, delayMs }] of table.delays) {
      // However the clock was set meanwhile, never longer than the retry was to wait.
      this.#delays.start(task, Math.max(0, Math.min(at + delayMs - this.clock.wallTime(), delayMs)))
    }
    this.#emissions.restore(this.log.state.tokenUsage)
    this.#recorder.open()
    this.#commands.open()
    if (timeoutMs > 0) {
      const cancel = (): void => this.cancel({ code: 'EXECUTION_TIMEOUT', message: `Timed out after ${timeoutMs} ms` })
      this.#commands.after(this.clock, Math.max(0, this.#startedAt + timeoutMs - now), cancel)
    }
    if (signal !== undefined) this.#commands.follow(signal, reason => this.cancel(reason))
  }

  /** For an execution that has ended: only its result is of interest. */
  showEnd(end: EventFor<'execution_complete'>['data']): void {
    this.#end = end
    this.completed()
  }

  /** Settles once the last command is in the log; rejects when the log cannot be kept. */
  get commanded(): Promise<void> {
    return this.#commands.recorded
  }

  get activity(): TaskActivity {
    let limit = 0
    for (const { ready } of this.#table.ready.limitQueues) limit += ready.size
    return { running: this.#attempts.count, slot: this.#table.ready.size, limit, retry: this.#delays.count }
  }

  /** Ends every task that has not settled, because of `reason`. The first call counts; after the end it does nothing. */
  cancel(reason: Reason): void {
    if (this.#isStopping || this.#end !== undefined) return
    this.#commands.cancel(reason)
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
    if (this.#isStopping || this.log.ending !== undefined) return
    this.pause()
    this.#commands.handOff()
  }

  /** For the recorder: ends and starts a slice of tasks, and ends the execution when all have settled. */
  runSlice(): void {
    const table = this.#table
    let left = SLICE
    if (!table.endings.isEmpty) left -= this.#recordEndings(left)
    if (left > 0 && !this.#commands.isPaused) {
      for (; left > 0; left--) {
        const task = table.next(this.#permits)
        if (task === undefined) break
        this.#attempts.choose(task)
      }
      this.#permits.request()
    }
    if (!this.#recorder.isEmpty) return
    if (table.isDone && this.#end === undefined) this.#recordEnd()
    else if (table.history.isHandedOff && this.#attempts.count === 0) {
      this.#abandon(new DagstreamError('SHUTTING_DOWN', 'The process ends; the execution resumes in the next one'))
    }
  }

  /** For the recorder: these entries are in the log. */
  apply(entries: readonly LogEntry[]): void {
    const now = this.clock.now()
    // By index, here and wherever every task passes: an iterator would make an object for each.
    for (let at = 0; at < entries.length && !this.#recorder.isClosed; at++)
      this.#applyEntry(entries[at] as LogEntry, now)
  }

  /** For the recorder: the last event is in the log. */
  completed(): void {
    this.#commands.close()
    this.#runner.close?.()
    this.#resolve()
  }

  /** The log cannot be kept: ends its readers and what runs. */
  onLogFailure(error: unknown): void {
    const code = error instanceof DagstreamError ? error.code : 'STORE_FAILED'
    const message = `Execution \`${this.executionId}\` could not be recorded`
    this.#abandon(new DagstreamError(code, message, { cause: error }))
  }

  get #isStopping(): boolean {
    return this.#commands.isStopping || this.#table.stop !== undefined
  }

  #applyEntry(entry: LogEntry, now: number): void {
    const table = this.#table
    const wasStopping = table.stop !== undefined
    table.apply(entry, now)
    if (entry.type === 'task_start') this.#attempts.begin(entry.taskIndex)
    else if (entry.type === 'task_retry') {
      const delay = table.delays.get(entry.taskIndex)
      if (delay !== undefined) this.#delays.start(entry.taskIndex, delay.delayMs)
    } else if (entry.type === 'execution_stopping' || entry.type === 'execution_handed_off') this.#commands.applied()
    if (!wasStopping && table.stop !== undefined) this.#stopped(table.stop)
  }

  /** Takes effect before the command is in the log: an abort is only a wish, and nothing follows from it but outcomes. */
  #obey(command: Command): void {
    if (command.kind === 'hand off') this.#attempts.abort(command, true)
    else this.#attempts.abort(command)
  }

  /** A stop is in the log, or follows from a failure in it. */
  #stopped({ message }: Stop): void {
    this.#delays.stop()
    this.#permits.close()
    this.#attempts.abort({ code: 'CANCELLED', message })
  }

  #abandon(failure: DagstreamError): void {
    if (this.#isAbandoned || this.log.ending !== undefined) return
    this.#isAbandoned = true
    this.#recorder.close()
    this.#delays.stop()
    this.#permits.close()
    this.#attempts.abort({ code: 'CANCELLED', message: failure.message })
    this.#attempts.endUnbegun()
    this.#commands.close(failure)
    // Tools that ignore their abort are still to be abandoned, and what they hold given back.
    if (this.#attempts.count === 0) this.#runner.close?.()
    this.log.fail({ error: failure.message, code: failure.code, timestamp: this.#recorder.timestamp })
    this.#reject(failure)
  }

  #recordStart(): void {
    const { name, layers, tasks } = this.#plan
    const { schedule } = this.#options
    const data = { totalTasks: tasks.length, layers, schedule, ...(name !== undefined && { name }) }
    this.#recorder.record('execution_start', this.#recorder.stamp(data))
  }

  /** @returns how many were recorded, at most `count` */
  #recordEndings(count: number): number {
    const now = this.clock.now()
    for (let recorded = 0; recorded < count; recorded++) {
      const next = this.#table.takeEnding()
      if (next === undefined) return recorded
      const { task, ending } = next
      const data = describeEnding(this.#recorder, this.#tasks.at(task), task, ending, this.#table.columns, now)
      this.#recorder.record('task_complete', data, task, this.#tasks.stateOf(task))
    }
    return count
  }

  #recordEnd(): void {
    const { counts } = this.log.state
    const reason = counts.cancelledCount > 0 ? this.#table.stop?.reason : undefined
    const { tokenUsage } = this.#emissions
    const { executionId, timestamp } = this.#recorder
    const totalExecutionTimeMs = round(this.clock.now() - this.#startedAt)
    const spentMs = this.#table.columns.spentMs.subarray(0, this.#table.graph.size)
    const end: EventFor<'execution_complete'>['data'] = {
      executionId,
      timestamp,
      ...summarise(this.#plan, counts, reason, spentMs, totalExecutionTimeMs),
      ...(tokenUsage && { tokenUsage }),
    }
    this.#end = end
    this.#recorder.record('execution_complete', end)
  }
}
