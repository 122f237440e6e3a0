import { LocalRunner } from '../attempt/local-runner.ts'
import type { AttemptRunner } from '../attempt/runner.ts'
import { DagstreamError } from '../errors.ts'
import type { Reason } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { TaskState } from '../events/execution-state.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { Permits } from '../scheduler/permits.ts'
import { PHASE } from '../scheduler/task-columns.ts'
import { TaskTable } from '../scheduler/task-table.ts'
import { ActiveAttempts } from './active-attempts.ts'
import type { Commands } from './commands.ts'
import { Emissions } from './emissions.ts'
import type { ExecutionOutcome } from './execution-outcome.ts'
import { ExecutionTasks } from './execution-tasks.ts'
import { createDecisions } from './groups/create-decisions.ts'
import type { GroupDecisions } from './groups/group-decisions.ts'
import { Scopes } from './groups/scopes.ts'
import type { LoopParts, StartParts, TaskActivity } from './loop-parts.ts'
import { Milestones } from './milestones.ts'
import { OutputBudget } from './output-budget.ts'
import type { Recorder } from './recorder.ts'
import { type Resumption, recordResumption } from './resumption.ts'
import { toOutputStore } from './reuse/output-memory.ts'
import { RetryDelays } from './retry-delays.ts'

/** Maximum number of tasks that one slice of the loop starts or ends. */
const SLICE = 256

/** The parts of the loop that its rounds work with. */
export interface RoundContext {
  readonly recorder: Recorder
  readonly commands: Commands
  readonly outcome: ExecutionOutcome
  readonly cancel: (reason: Reason) => void
  /** The execution is handed off, and no attempt runs any more. */
  readonly handedOff: (failure: DagstreamError) => void
}

/** The rounds of a started execution: decides on its tasks, and applies entries of the log. */
export class TaskRounds {
  readonly plan: ExecutionPlan
  readonly #parts: LoopParts
  readonly #context: RoundContext
  readonly #table: TaskTable
  readonly #tasks: ExecutionTasks
  readonly #milestones: Milestones
  readonly #permits: Permits
  readonly #emissions: Emissions
  readonly #runner: AttemptRunner
  readonly #attempts: ActiveAttempts
  readonly #delays: RetryDelays
  /** `undefined` for a plan without conditions and parents, unless it is that of a fork. */
  readonly #decisions: GroupDecisions | undefined
  #stopCount = 0
  #startedAt = 0
  #isAbandoned = false

  constructor(parts: LoopParts, start: StartParts, context: RoundContext) {
    const { log, options, counters } = parts
    const { plan, input } = start
    const { recorder, commands } = context
    const { clock, abortGraceMs } = options
    this.plan = plan
    this.#parts = parts
    this.#context = context
    this.#table = start.table ?? new TaskTable(plan, options)
    this.#tasks = new ExecutionTasks(this.#table.graph, log.state)
    const scopes = new Scopes(this.#table, log.state, input)
    const outputs = start.outputs ?? new OutputBudget()
    this.#milestones = new Milestones(plan, this.#table, this.#tasks, recorder, scopes)
    this.#emissions = new Emissions(options, counters, recorder, context.cancel)
    this.#permits = new Permits(this.#table.starts.ready, {
      isPaused: () => commands.isPaused,
      granted: () => recorder.wake(),
    })
    this.#runner = start.runner ?? new LocalRunner({ tools: plan.tools, clock, abortGraceMs })
    this.#delays = new RetryDelays(clock, task => {
      this.#table.wake(task)
      recorder.wake()
    })
    this.#attempts = new ActiveAttempts({
      tasks: this.#tasks,
      columns: this.#table.columns,
      permits: this.#permits,
      recorder,
      emissions: this.#emissions,
      outputs,
      runner: this.#runner,
      scopeOf: task => scopes.of(task),
      options,
      counters,
      findAbortion: task => commands.findAbortion(task),
      onIdle: () => {
        if (this.#isAbandoned) this.#runner.close?.()
      },
    })
    if (plan.usesLanguage || start.fork !== undefined) {
      this.#table.due.takesAll = start.fork !== undefined
      const more = { table: this.#table, tasks: this.#tasks, recorder, scopes, outputs, options }
      const elapsedMs = (): number => clock.now() - this.#startedAt
      const store = toOutputStore(options.store)
      const memory = store && { store, owner: start.owner, counters }
      this.#decisions = createDecisions(log.state, { ...more, elapsedMs }, { fork: start.fork, memory })
    }
  }

  get activity(): TaskActivity {
    const { size: slot, limitedCount: limit } = this.#table.starts.ready
    return { running: this.#attempts.count, slot, limit, retry: this.#delays.count }
  }

  /** The state of a task by its index, once the log has it. */
  stateOf(task: number): TaskState | undefined {
    return this.#tasks.stateOf(task)
  }

  /**
   * Records how the execution starts or resumes; from then on ready tasks can be taken. @returns the time that it ran
   * before, ms
   */
  begin(now: number, resumption: Resumption | undefined): number {
    const { log, options } = this.#parts
    const { recorder, commands } = this.#context
    const table = this.#table
    const ranMs = table.history.executionTimeMs
    this.#startedAt = now - ranMs
    commands.begin(table)
    if (log.state.status === 'pending') this.#milestones.start(options.schedule)
    if (resumption !== undefined) recordResumption(table, this.#tasks, recorder, commands, resumption)
    table.open(now)
    this.#delays.restore(table.delays)
    this.#emissions.restore(log.state.tokenUsage)
    return ranMs
  }

  /**
   * Ends and starts a slice of tasks, and ends the execution when all have settled. @returns whether further decisions are
   * due
   */
  runSlice(): boolean {
    const { recorder, commands, outcome } = this.#context
    const table = this.#table
    const { clock } = this.#parts.options
    let left = SLICE
    if (!table.endings.isEmpty) left -= this.#milestones.endTasks(left, clock.now())
    if (left > 0 && !commands.isPaused) {
      // Conditions and references read the ends of other tasks, which must be in the log.
      if (table.endings.areRecorded) this.#decisions?.decide(left)
      for (; left > 0; left--) {
        const task = table.next(this.#permits)
        if (task === undefined) break
        this.#attempts.choose(task)
      }
      this.#permits.request()
    }
    if (!recorder.isEmpty) return false
    if (table.isDone && outcome.end === undefined) {
      const { counts } = this.#parts.log.state
      outcome.end = this.#milestones.end(counts, this.#emissions.tokenUsage, clock.now() - this.#startedAt)
    } else if (table.history.isHandedOff && this.#attempts.count === 0) {
      this.#context.handedOff(
        new DagstreamError('SHUTTING_DOWN', 'The process ends; the execution resumes in the next one'),
      )
    }
    return !commands.isPaused && !table.due.isEmpty && table.endings.areRecorded
  }

  /** Applies entries of the log and their effects. */
  apply(entries: readonly LogEntry[]): void {
    const now = this.#parts.options.clock.now()
    const { recorder } = this.#context
    const { length } = entries
    // Hot path: an iterator would allocate an object per entry.
    for (let at = 0; at < length && !recorder.isClosed; at++) this.#applyEntry(entries[at] as LogEntry, now)
  }

  /**
   * Asks the attempts that a command ends to abort, before the command is in the log: an abort is only a request and causes
   * nothing but outcomes.
   */
  obey(): void {
    this.#attempts.abort()
  }

  /** Returns the permits of tasks that have not started. */
  giveBack(): void {
    this.#permits.giveBack()
  }

  /** The last event is in the log. */
  close(): void {
    this.#decisions?.close()
    this.#runner.close?.()
  }

  /** The log has failed: aborts running attempts. */
  abandon({ message }: DagstreamError): void {
    this.#isAbandoned = true
    this.#delays.stop()
    this.#decisions?.close()
    this.#permits.close()
    this.#context.commands.abandon(message)
    this.#attempts.endUnbegun()
    // With attempts left, the runner stays open: tools that ignore the abort must still be abandoned and their permits
    // released.
    if (this.#attempts.count === 0) this.#runner.close?.()
  }

  #applyEntry(entry: LogEntry, now: number): void {
    const table = this.#table
    table.apply(entry, now)
    if (entry.type === 'task_start') this.#attempts.begin(entry.taskIndex)
    else if (entry.type === 'task_retry') this.#delays.follow(table.delays, entry.taskIndex)
    else if (entry.type === 'task_complete') this.#settled(entry.taskIndex)
    else if (entry.type === 'tasks_added') this.#decisions?.added(entry.taskIndex, entry.data.tasks.length)
    else this.#context.commands.applied(entry)
    if (table.stopCount !== this.#stopCount) this.#stopped()
  }

  /** The end of a task is in the log. */
  #settled(task: number): void {
    if (this.#decisions === undefined) return
    const state = this.#tasks.stateOf(task)
    if (state !== undefined) this.#decisions.settled(task, state)
  }

  /** Stops are in the log, or follow from a failure in it. */
  #stopped(): void {
    const { columns, delays, stopCount } = this.#table
    this.#stopCount = stopCount
    this.#delays.prune(delays)
    this.#permits.prune(task => columns.phase[task] === PHASE.ending)
    this.#attempts.abort()
  }
}
