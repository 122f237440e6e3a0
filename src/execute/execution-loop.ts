import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { EventFor, Reason } from '../events/events.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { TaskState } from '../events/state.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import type { EventLog, Lease } from '../stream/event-log.ts'
import type { ExecutionNotes, Stop } from '../stream/execution-notes.ts'
import type { Scope } from '../workflow/template.ts'
import { describeAbort, onAbort } from './abort-signals.ts'
import { Attempt, type AttemptHost } from './attempt.ts'
import type { AttemptOutcome } from './attempt-outcome.ts'
import type { MutableCounters } from './counters.ts'
import { Deadlines } from './deadlines.ts'
import { cutMessage, Emissions } from './emissions.ts'
import { buildResult, type ExecutionResult, summarise } from './execution-result.ts'
import type { ResolvedOptions } from './options.ts'
import { OutputBudget } from './output-budget.ts'
import { INTERRUPTED, type Past } from './past.ts'
import { Permits } from './permits.ts'
import { prepareArguments } from './prepare-arguments.ts'
import { restoreTasks } from './restore-tasks.ts'
import { Recorder, type RecorderHost } from './recorder.ts'
import { computeRetryDelay, mergeRetryPolicies } from './retry.ts'
import { round } from './round.ts'
import { Scheduler } from './scheduler.ts'
import { describeFailFast, describeSkipped, TaskLedger } from './task-ledger.ts'

/** What an execution goes on from. */
export interface Interruption {
  readonly past: Past
  /** It is to be ended. */
  readonly stop?: Stop | undefined
}

/** What the tasks of an execution do that could run, at this moment. */
export interface TaskActivity {
  readonly running: number
  /** Those that wait: for a slot, for the limit of their tool, and for their next attempt. */
  readonly slot: number
  readonly limit: number
  readonly retry: number
}

const LEFT = 'The process ends; the execution goes on in the next one'

/** Tasks that one slice of the loop starts or settles at most. */
const SLICE = 256

/**
 * The one loop that every execution is: the scheduler decides, the recorder appends, and what is in the log happens.
 *
 *     scheduler ─ start ─▶ recorder ─ in the log ─▶ attempt ─ outcome ─▶ recorder ─ in the log ─▶ scheduler
 *
 * Everything that comes from outside — outcomes, emissions, cancellations — is recorded or noted and dealt with in the next
 * round, so that no tool and no reader ever runs in the middle of a decision.
 */
export class ExecutionLoop implements AttemptHost, RecorderHost<Attempt> {
  readonly executionId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly log: EventLog
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly emissions: Emissions
  readonly abortGraceMs: number
  /** Resolves at every end; rejects when the log could not be kept. */
  readonly ended: Promise<void>
  readonly #plan: ExecutionPlan
  /** What references refer to. */
  readonly #scope: Scope
  readonly #options: ResolvedOptions
  readonly #counters: MutableCounters
  readonly #scheduler: Scheduler
  readonly #recorder: Recorder<Attempt>
  readonly #permits: Permits
  readonly #ledger: TaskLedger
  readonly #outputs = new OutputBudget()
  /** By task index, attempts that are not over; an array, since every task passes through it. */
  readonly #live: (Attempt | undefined)[]
  #liveCount = 0
  /** What stops the delay of each task that waits for its next attempt. */
  readonly #delays = new Map<number, () => void>()
  readonly #cleanups: (() => void)[] = []
  #startedAt = 0
  #holdCount = 0
  #isLost = false
  #isLeaving = false
  /** Nothing more starts. */
  #stopped: Stop | undefined
  #noted: Promise<void> | undefined
  #end: EventFor<'execution_complete'>['data'] | undefined
  #result: Promise<ExecutionResult> | undefined
  #resolve!: () => void
  #reject!: (error: DagstreamError) => void

  constructor(
    log: EventLog,
    plan: ExecutionPlan,
    input: JsonValue | undefined,
    options: ResolvedOptions,
    counters: MutableCounters,
    createdAt: string = new Date(options.clock.wallTime()).toISOString(),
  ) {
    this.executionId = log.executionId
    this.createdAt = createdAt
    this.clock = options.clock
    this.abortGraceMs = options.abortGraceMs
    this.deadlines = new Deadlines(options.clock)
    this.log = log
    this.#plan = plan
    this.#scope = {
      input,
      // It is there: dependencies have succeeded before a task starts.
      output: taskId => (this.log.state.tasks.get(taskId) as TaskState).result?.output as JsonValue,
    }
    this.#options = options
    this.#counters = counters
    this.#scheduler = new Scheduler(plan, options)
    this.#recorder = new Recorder(this.log, options.clock, this)
    this.emissions = new Emissions(options, counters, this.#recorder, reason => this.cancel(reason))
    this.#ledger = new TaskLedger(plan, this.log.state, this.#scheduler, this.#recorder)
    this.#permits = new Permits(this.#scheduler, {
      isHeld: () => this.#holdCount > 0,
      granted: () => this.#recorder.wake(),
    })
    this.#live = new Array<Attempt | undefined>(plan.tasks.length).fill(undefined)
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever does not ask is not to be punished for it.
    this.ended.catch(() => {})
  }

  /** Put together for whoever asks first; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    if (this.#result === undefined) {
      const end = (): EventFor<'execution_complete'>['data'] => this.#end as EventFor<'execution_complete'>['data']
      this.#result = this.ended.then(() => buildResult(this.#plan, this.log.state, end()))
      this.#result.catch(() => {})
    }
    return this.#result
  }

  /** Begins, or goes on where an earlier process ended; from here on the execution runs by itself. */
  start(lease: Lease, signal?: AbortSignal, interruption?: Interruption): void {
    const { timeoutMs } = this.#options
    this.log.begin(lease)
    this.#startedAt = this.clock.now() - (interruption?.past.spentMs ?? 0)
    // It may have been cancelled while it waited for its lease.
    this.#noteStop()
    if (this.log.head === 0) this.#recordStart()
    if (interruption === undefined) this.#scheduler.open(this.#startedAt)
    else this.#restore(interruption)
    this.#recorder.open()
    if (timeoutMs > 0) {
      const cancel = (): void => this.cancel({ code: 'EXECUTION_TIMEOUT', message: `Timed out after ${timeoutMs} ms` })
      const leftMs = Math.max(0, this.#startedAt + timeoutMs - this.clock.now())
      this.#cleanups.push(this.clock.after(leftMs, cancel))
    }
    if (signal === undefined) return
    const abort = (): void => this.cancel({ code: 'CANCELLED', message: describeAbort(signal.reason) })
    this.#cleanups.push(onAbort(signal, abort))
  }

  /** For one that has ended: there is only its result. */
  showEnd(end: EventFor<'execution_complete'>['data']): void {
    this.#end = end
    this.completed()
  }

  /** Settles once what was decided so far would outlast this process; rejects when that cannot be. */
  get noted(): Promise<void> {
    return this.#noted ?? Promise.resolve()
  }

  get activity(): TaskActivity {
    let limit = 0
    for (const { ready } of this.#scheduler.limitQueues) limit += ready.size
    return { running: this.#liveCount, slot: this.#scheduler.readyCount, limit, retry: this.#delays.size }
  }

  /** Ends every task that has not settled, because of `reason`. The first call counts; after the end it does nothing. */
  cancel(reason: Reason): void {
    const message = cutMessage(reason.message)
    this.#stop({ reason: { code: reason.code, message }, message })
  }

  /** Starts no task until every hold is released; what runs goes on. @returns its release; harmless to repeat */
  hold(): () => void {
    this.#holdCount += 1
    // Others may need what this execution cannot use now.
    this.#permits.giveBack()
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holdCount -= 1
      this.#recorder.wake()
    }
  }

  /** For the recorder: ends and starts a slice of tasks, and ends the execution when all have settled. */
  decide(): void {
    let left = SLICE
    if (!this.#ledger.isTold) left -= this.#ledger.tell(left, this.clock.now())
    if (left > 0 && this.#holdCount === 0) {
      this.#permits.request()
      for (; left > 0; left--) {
        const task = this.#scheduler.next()
        if (task === undefined) break
        this.#startAttempt(task)
      }
    }
    if (!this.#recorder.isEmpty) return
    if (this.#scheduler.isDone && this.#end === undefined) this.#recordEnd()
    else if (this.#isLeaving && this.#liveCount === 0) this.#breakOff(new DagstreamError('SHUTTING_DOWN', LEFT))
  }

  /** For the recorder: what was recorded happens. */
  apply(attempt: Attempt): void {
    if (!attempt.isOver) attempt.start()
    else if (attempt.retryDelayMs === undefined) this.#settleTask(attempt)
    else this.#delay(attempt, attempt.retryDelayMs)
  }

  /** For the recorder: the last event is in the log. */
  completed(): void {
    this.#cleanUp()
    this.deadlines.close()
    this.#resolve()
  }

  /** The execution cannot be kept: ends its readers and what runs. */
  lost(error: unknown): void {
    const code = error instanceof DagstreamError ? error.code : 'STORE_FAILED'
    const message = `Execution \`${this.executionId}\` could not be recorded`
    this.#breakOff(new DagstreamError(code, message, { cause: error }))
  }

  /**
   * Leaves the rest to whoever takes it up next: nothing more starts, what runs is aborted and told as interrupted, with all
   * that it used, and then its readers and its result end with `SHUTTING_DOWN`.
   */
  leave(): void {
    if (this.#isLeaving || this.log.ending !== undefined) return
    this.#isLeaving = true
    this.#note({ left: true })
    this.hold()
    const reason = new DagstreamError('SHUTTING_DOWN', INTERRUPTED.message)
    for (const attempt of this.#live) attempt?.abort({ ...INTERRUPTED, status: 'error', isRetryable: false }, reason)
    this.#recorder.wake()
  }

  #breakOff(failure: DagstreamError): void {
    if (this.#isLost || this.log.ending !== undefined) return
    this.#isLost = true
    const { code } = failure
    this.#recorder.close()
    this.#stop({ message: failure.message })
    this.#ledger.clear()
    // What was recorded and will never be in the log ends without a call, and gives back what it holds.
    for (const attempt of this.#live) if (attempt?.isNew) attempt.start()
    this.#cleanUp()
    // Tools that ignore their abort are still to be abandoned, and what they hold given back.
    if (this.#liveCount === 0) this.deadlines.close()
    this.log.fail({ error: failure.message, code, timestamp: this.#recorder.timestamp })
    this.#reject(failure)
  }

  /** For attempts. */
  timeoutOf(task: PlannedTask): number {
    return task.timeoutMs ?? task.tool.timeoutMs ?? this.#options.taskTimeoutMs
  }

  /** For attempts. */
  prepare(attempt: Attempt): unknown {
    return prepareArguments(attempt.task, this.#scope, attempt)
  }

  /** For attempts: one is over. */
  settled(attempt: Attempt): void {
    const { index, task, number } = attempt
    this.#live[index] = undefined
    this.#liveCount -= 1
    if (this.#isLost && this.#liveCount === 0) this.deadlines.close()
    this.#permits.release(index)
    this.emissions.conclude(attempt)
    this.#ledger.spend(index, attempt.durationMs)
    if (attempt.isAbandoned) {
      this.#counters.abandonedCount += 1
      const { executionId } = this
      this.#options.logger.warn('A tool did not settle after its abort: abandoned', { executionId, taskId: task.id })
    }
    const outcome = this.#outputs.admit(attempt.outcome as AttemptOutcome)
    attempt.outcome = outcome
    const delayMs = this.#stopped === undefined ? this.#computeDelay(attempt, outcome) : undefined
    if (delayMs !== undefined && outcome.status === 'error') {
      attempt.retryDelayMs = delayMs
      const data = { taskId: task.id, attempt: number, delayMs, error: cutMessage(outcome.message), code: outcome.code }
      this.#recorder.record('task_retry', this.#stamp(data), attempt)
    } else
      this.#recorder.record(
        'task_complete',
        this.#ledger.describe(attempt, outcome),
        attempt,
        this.#ledger.stateOf(index),
      )
  }

  #recordStart(): void {
    const { name, layers, tasks } = this.#plan
    const { schedule } = this.#options
    const data = { totalTasks: tasks.length, layers, schedule, ...(name !== undefined && { name }) }
    this.#recorder.record('execution_start', this.#stamp(data))
  }

  #restore({ past, stop: given }: Interruption): void {
    const now = this.clock.now()
    const restored = restoreTasks({
      plan: this.#plan,
      state: this.log.state,
      past,
      scheduler: this.#scheduler,
      ledger: this.#ledger,
      outputs: this.#outputs,
      isFailFast: this.#options.onTaskError === 'fail-fast',
      now,
      wallTime: this.clock.wallTime(),
    })
    for (const ending of restored.endings) this.#ledger.end(ending)
    const stop = given ?? restored.stop
    if (stop === undefined) {
      for (const index of restored.cut) this.#recordCut(index)
      for (const [index, leftMs] of restored.delayed) this.#requeueAfter(index, leftMs)
    }
    this.#scheduler.open(now)
    if (stop !== undefined) this.#stop(stop)
    this.emissions.restore(this.log.state.tokenUsage)
  }

  #recordCut(index: number): void {
    const taskId = (this.#plan.tasks[index] as PlannedTask).id
    const attempt = this.#ledger.attemptsOf(index)
    const { code, message } = INTERRUPTED
    this.#recorder.record('task_retry', this.#stamp({ taskId, attempt, delayMs: 0, error: message, code }))
  }

  #startAttempt(index: number): void {
    const task = this.#plan.tasks[index] as PlannedTask
    const number = this.#ledger.countAttempt(index)
    const attempt = new Attempt(this, task, index, number)
    this.#live[index] = attempt
    this.#liveCount += 1
    const data: EventFor<'task_start'>['data'] = {
      executionId: this.executionId,
      timestamp: this.#recorder.timestamp,
      taskId: task.id,
      tool: task.tool.name,
      layer: task.layer,
      attempt: number,
    }
    this.#recorder.record('task_start', data, attempt, this.#ledger.stateOf(index))
  }

  #settleTask({ index, task, outcome }: Attempt): void {
    const now = this.clock.now()
    if (outcome?.status === 'success') return this.#scheduler.succeed(index, now)
    this.#ledger.end(describeSkipped(this.#scheduler.fail(index, now), task.id))
    if (this.#options.onTaskError === 'fail-fast') this.#stop({ message: describeFailFast(task.id) })
  }

  #delay({ index }: Attempt, delayMs: number): void {
    if (this.#scheduler.delay(index)) this.#requeueAfter(index, delayMs)
    else this.#endStopped([index])
  }

  #requeueAfter(index: number, delayMs: number): void {
    const requeue = (): void => {
      this.#delays.delete(index)
      this.#scheduler.requeue(index, this.clock.now())
      this.#recorder.wake()
    }
    this.#delays.set(index, this.clock.after(delayMs, requeue))
  }

  #computeDelay({ task, index }: Attempt, outcome: AttemptOutcome): number | undefined {
    if (this.#isLeaving && outcome.status === 'error' && outcome.code === INTERRUPTED.code) return 0
    if (outcome.status !== 'error' || !outcome.isRetryable) return undefined
    const policy = mergeRetryPolicies(task.retry, task.tool.retry)
    const counted = this.#ledger.countedAttempts(index)
    if (counted >= policy.maxAttempts) return undefined
    return computeRetryDelay(policy, counted, outcome.retryAfterMs, this.#options.random())
  }

  #stop(stopped: Stop): void {
    if (this.#stopped !== undefined || this.#end !== undefined) return
    this.#stopped = stopped
    this.#noteStop()
    for (const cancelDelay of this.#delays.values()) cancelDelay()
    this.#delays.clear()
    const pending = this.#scheduler.stop()
    for (const task of pending) this.#permits.release(task)
    this.#endStopped(pending)
    const abort = new DagstreamError('CANCELLED', stopped.message)
    for (const attempt of this.#live) attempt?.abort({ status: 'cancelled', message: stopped.message }, abort)
    this.#recorder.wake()
  }

  /** So that whoever goes on with it after a crash goes on to end it. */
  #noteStop(): void {
    if (this.#stopped !== undefined && !this.#isLost) this.#note({ stop: this.#stopped })
  }

  #note(notes: ExecutionNotes): void {
    try {
      const noted = this.log.note(notes)
      if (noted === undefined) return
      this.#noted = noted
      noted.catch((error: unknown) => this.lost(error))
    } catch (error) {
      this.lost(error)
    }
  }

  #endStopped(tasks: readonly number[]): void {
    const { message: error, code } = this.#stopped as Stop
    if (code === undefined) this.#ledger.end({ tasks, status: 'cancelled', code: 'CANCELLED', error })
    else this.#ledger.end({ tasks, status: 'error', code, error })
  }

  #recordEnd(): void {
    const { counts } = this.log.state
    const reason = counts.cancelledCount > 0 ? this.#stopped?.reason : undefined
    const { tokenUsage } = this.emissions
    const totalExecutionTimeMs = round(this.clock.now() - this.#startedAt)
    const end: EventFor<'execution_complete'>['data'] = {
      executionId: this.executionId,
      timestamp: this.#recorder.timestamp,
      ...summarise(this.#plan, counts, reason, this.#ledger.spentMs, totalExecutionTimeMs),
      ...(tokenUsage && { tokenUsage }),
    }
    this.#end = end
    this.#recorder.record('execution_complete', end)
  }

  #stamp(data: object): LoggedData {
    return { executionId: this.executionId, timestamp: this.#recorder.timestamp, ...data }
  }

  #cleanUp(): void {
    for (const cleanUp of this.#cleanups.splice(0)) cleanUp()
  }
}
