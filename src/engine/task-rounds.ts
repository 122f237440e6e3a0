import { DagstreamError } from '../errors.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { Lease } from '../log/event-log.ts'
import { Permits } from '../scheduler/permits.ts'
import { PHASE } from '../scheduler/task-columns.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import { ActiveAttempts } from './active-attempts.ts'
import { Emissions } from './emissions.ts'
import { ExecutionTasks } from './execution-tasks.ts'
import { createInputs, type InputRoom } from './inputs/create-inputs.ts'
import type { InputDesk } from './inputs/input-desk.ts'
import { createTable, Growth } from './growth/growth.ts'
import { createDecisions, LazyDecisions } from './groups/create-decisions.ts'
import { Scopes } from './groups/scopes.ts'
import type { LoopParts, RoundContext, StartParts, TaskActivity } from './loop-parts.ts'
import { Milestones } from './milestones.ts'
import { OutputBudget } from './output-budget.ts'
import { type Resumption, recordResumption } from './resumption.ts'
import { EarlyEnds } from './remote/early-ends.ts'
import { createRunners, type Runners } from './remote/create-runners.ts'
import { RetryDelays } from './retry-delays.ts'

/** Maximum number of tasks that one slice of the loop starts or ends. */
const SLICE = 256

/** The rounds of a started execution: decides on its tasks, and applies entries of the log. */
export class TaskRounds {
  readonly growth: Growth
  readonly tasks: ExecutionTasks
  readonly #parts: LoopParts
  readonly #context: RoundContext
  readonly #table: TaskTable
  readonly #milestones: Milestones
  readonly #permits: Permits
  readonly #emissions: Emissions
  readonly #runners: Runners
  readonly #attempts: ActiveAttempts
  readonly #delays: RetryDelays
  readonly #lazyDecisions: LazyDecisions
  readonly #early = new EarlyEnds()
  readonly #createInputs: () => InputRoom
  /** Made for the first question. */
  #room: InputRoom | undefined
  /** It only waits for people. */
  isPersonAwaited = false
  #stopCount = 0
  #startedAt = 0
  #isAbandoned = false

  constructor(parts: LoopParts, start: StartParts, context: RoundContext, lease: Lease) {
    const { log, options, counters } = parts
    const { recorder, commands, cancel } = context
    this.#parts = parts
    this.#context = context
    this.#table = start.table ?? createTable(start, options)
    this.tasks = new ExecutionTasks(this.#table.graph, log.state)
    const scopes = new Scopes(this.#table, log.state, start.input, this.#early)
    const close = (task: number): void => this.#room?.inputs.close(task)
    this.#milestones = new Milestones(start, this.#table, this.tasks, recorder, scopes, close)
    this.growth = new Growth(start, this.#table, log.state, context, () => this.#lazyDecisions.taskCount)
    this.#emissions = new Emissions(options, counters, recorder, cancel)
    const granted = (): void => recorder.wake()
    this.#permits = new Permits(this.#table.starts, options, { isPaused: () => commands.isPaused, granted })
    this.#runners = createRunners(start, { options, recorder, cancel, desk: () => this.desk, growth: this.growth })
    this.#delays = new RetryDelays(options.clock, task => {
      this.#table.wake(task)
      recorder.wake()
    })
    const outputs = start.outputs ?? new OutputBudget()
    const shared = { table: this.#table, tasks: this.tasks, recorder, scopes, outputs, options, counters }
    this.#attempts = new ActiveAttempts({
      ...shared,
      columns: this.#table.columns,
      permits: this.#permits,
      emissions: this.#emissions,
      ...this.#runners,
      scopeOf: task => scopes.of(task),
      roomOf: (...planner) => this.#lazyDecisions.made?.plans.roomOf(...planner),
      findAbortion: task => commands.findAbortion(task),
      traceparentOf: context.traceparentOf,
      inputs: isNeeded => (isNeeded ? this.#inputs : this.#room)?.inputs,
      onIdle: () => void (this.#isAbandoned && this.#runners.runner.close?.()),
    })
    this.#table.due.takesAll = start.fork !== undefined
    this.#lazyDecisions = new LazyDecisions(this.#table.graph, start.fork !== undefined, () =>
      createDecisions(log.state, start, {
        ...shared,
        elapsedMs: () => options.clock.now() - this.#startedAt,
        askApproval: (...approval) => this.#inputs.inputs.askApproval(...approval),
      }),
    )
    this.#createInputs = () =>
      createInputs(lease, start.secrets, {
        ...shared,
        state: log.state,
        permits: this.#permits,
        runner: this.#runners.runner,
        isAttended: parts.isAttended ?? true,
        isStopped: task => commands.findAbortion(task) !== undefined,
      })
  }

  get activity(): TaskActivity {
    const { size: slot, limitedCount: limit } = this.#table.starts.ready
    const running = this.#attempts.count - (this.#room?.inputs.waitingCount ?? 0)
    return { running, slot, limit, retry: this.#delays.count }
  }

  /** Where open questions are answered. */
  get desk(): InputDesk {
    return this.#inputs.desk
  }

  /** Whether starts follow from the table and outputs alone. Not with questions: their waits are measured by the order of events. */
  get #isPlain(): boolean {
    return this.#lazyDecisions.made === undefined && this.#table.inputs.records.areUnused
  }

  get #inputs(): InputRoom {
    return (this.#room ??= this.#createInputs())
  }

  /**
   * Records how the execution starts or resumes; from then on ready tasks can be taken. @returns the time that it ran
   * before, ms, without the time in which it only waited for people
   */
  begin(now: number, resumption: Resumption | undefined): number {
    const { log, options } = this.#parts
    const { recorder, commands } = this.#context
    const table = this.#table
    const ranMs = table.history.executionTimeMs
    this.#startedAt = now - ranMs
    commands.begin(table)
    this.#milestones.begin(log.state, options.schedule)
    if (resumption !== undefined) recordResumption(table, this.tasks, recorder, commands, resumption)
    table.open(now)
    this.#delays.restore(table.delays)
    this.#emissions.restore(log.state.tokenUsage)
    if (log.state.inputs !== undefined) this.#inputs.inputs.restore()
    if (resumption?.adoptions !== undefined) this.#attempts.adopt(resumption.adoptions)
    return ranMs - table.inputs.wait.waitedMs
  }

  /** Ends and starts a slice of tasks, and ends the execution when all have settled. @returns whether more is due */
  runSlice(): boolean {
    const { recorder, commands, outcome } = this.#context
    const table = this.#table
    const { clock } = this.#parts.options
    if (table.crashes.hasLost && this.#milestones.park(this.#context.handedOff)) return false
    let left = SLICE
    // What joins is in the log before anything else is decided.
    if (!commands.isPaused && this.growth.record()) return true
    const isShared = this.#runners.remote !== undefined
    if (isShared && !commands.isPaused && this.#isPlain) this.#early.apply(recorder.changes, table, clock.now())
    if (!table.endings.isEmpty) left -= this.#milestones.endTasks(left, clock.now())
    if (left > 0 && !commands.isPaused) {
      // Conditions and references, of orders at once, read the ends of other tasks, which must be in the log, or early.
      if (table.endings.areRecorded) this.#lazyDecisions.made?.decide(left)
      if (isShared && !table.endings.areRecorded) left = 0
      for (; left > 0; left--) {
        const task = table.starts.next(this.#permits)
        if (task === undefined) break
        if (this.#room?.inputs.resume(task) !== true) this.#attempts.choose(task)
      }
      this.#permits.request()
    }
    if (!recorder.isEmpty) return false
    if (table.isDone && outcome.end === undefined) {
      const { counts } = this.#parts.log.state
      outcome.end = this.#milestones.end(counts, this.#emissions.tokenUsage, clock.now() - this.#startedAt)
    } else if (table.history.isHandedOff && !this.#attempts.hasLocal) {
      this.#context.handedOff(new DagstreamError('SHUTTING_DOWN', 'The execution resumes in the next process'))
    }
    return !commands.isPaused && !table.due.isEmpty && table.endings.areRecorded
  }

  /** Applies entries of the log and their effects. */
  apply(entries: readonly LogEntry[]): void {
    const now = this.#parts.options.clock.now()
    // Hot path: an iterator would allocate an object per entry.
    for (let at = 0; at < entries.length && !this.#context.recorder.isClosed; at++)
      this.#applyEntry(entries[at] as LogEntry, now)
    this.#early.clear()
  }

  deliver(): Promise<void> {
    return this.#runners.delivery?.deliver() ?? Promise.resolve()
  }

  /** Aborts the attempts that a command ends, before it is in the log: an abort causes nothing but outcomes. */
  obey(): void {
    this.#attempts.abort()
  }

  /** Returns the permits of tasks that have not started. */
  giveBack(): void {
    this.#permits.giveBack()
  }

  /** The last event is in the log. */
  close(): void {
    this.#lazyDecisions.made?.close()
    this.growth.close()
    this.#room?.desk.end()
    this.#runners.runner.close?.()
  }

  /** The log has failed: aborts running attempts. @param isLeft they go on, since another process continues */
  abandon(failure: DagstreamError, isLeft: boolean): void {
    this.#isAbandoned = true
    this.growth.close(failure)
    this.#delays.stop()
    this.#lazyDecisions.made?.close()
    this.#permits.close()
    if (!isLeft) this.#context.commands.abandon(failure.message)
    this.#room?.desk.end(failure)
    if (!isLeft) this.#attempts.endUnbegun()
    // With aborted attempts, the runner stays open: tools that ignore it must be abandoned and their permits released.
    if (isLeft || this.#attempts.count === 0) this.#runners.runner.close?.()
  }

  #applyEntry(entry: LogEntry, now: number): void {
    const table = this.#table
    table.apply(entry, now)
    if (entry.type === 'task_start') this.#attempts.begin(entry.taskIndex)
    else if (entry.type === 'task_retry') this.#delays.follow(table.delays, entry.taskIndex)
    else if (entry.type === 'task_complete') {
      this.#room?.inputs.ended(entry.taskIndex)
      this.#lazyDecisions.settled(entry.taskIndex, this.tasks)
    } else if (entry.type === 'tasks_added') this.#lazyDecisions.made?.added(entry.taskIndex, entry.data.tasks.length)
    else if (entry.type === 'tasks_removed') {
      this.#permits.prune(task => table.columns.phase[task] === PHASE.settled)
      this.#lazyDecisions.made?.removed(entry.data.taskIds.length)
    } else if (entry.type === 'input_required' || entry.type === 'input_resolved') this.#inputs.inputs.applied(entry)
    else this.#context.commands.applied(entry)
    this.growth.applied(entry)
    const { isWaiting } = table.inputs.wait
    if (isWaiting !== this.isPersonAwaited) this.#context.onPersonWait((this.isPersonAwaited = isWaiting))
    if (table.stopCount !== this.#stopCount) this.#stopped()
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
