import type { FinalTaskStatus, TaskCode } from '../events/events.ts'
import type { LoggedData } from '../events/wire-json.ts'
import type { ExecutionState, TaskState } from '../events/state.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import type { Attempt } from '../attempt/attempt.ts'
import type { AttemptOutcome } from '../attempt/attempt-outcome.ts'
import { cutMessage } from './emissions.ts'
import type { Recorder } from './recorder.ts'
import { round } from '../round.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'

/** Tasks that ended together without running, and why. */
export interface Ending {
  /** Indices, ascending. */
  readonly tasks: readonly number[]
  readonly status: Exclude<FinalTaskStatus, 'success'>
  readonly code: TaskCode
  readonly error: string
  readonly causedBy?: string
}

/** What a task has behind it from processes before this one. */
export interface TaskPast {
  /** Attempts started. */
  readonly attempts: number
  /** Of these, how many ended with their process: they do not count against a retry policy. */
  readonly interruptedCount: number
  /** The sum of them, ms. */
  readonly spentMs: number
}

/** Tasks that will not run since an ancestor did not succeed. @param causedBy the first that failed */
export function describeSkipped(tasks: readonly number[], causedBy: string): Ending {
  const error = `Skipped: task \`${causedBy}\` did not succeed`
  return { tasks, status: 'skipped', code: 'DEPENDENCY_FAILED', error, causedBy }
}

/** What tasks are told that are cancelled because another failed. */
export function describeFailFast(taskId: string): string {
  return `Cancelled: task \`${taskId}\` failed`
}

/** What each task of an execution has cost so far, and how its end is told. */
export class TaskLedger {
  readonly #plan: ExecutionPlan
  readonly #state: ExecutionState
  /** By index, once the first event is in the log. */
  #states: readonly (TaskState | undefined)[] | undefined
  readonly #scheduler: Scheduler
  readonly #recorder: Recorder<Attempt>
  readonly #attemptCount: Int32Array
  readonly #spentMs: Float64Array
  /** Of tasks that had started in an earlier process. */
  readonly #pasts = new Map<number, TaskPast>()
  /** Endings not told yet, the first of them from `#toldCount` on. */
  readonly #endings: Ending[] = []
  #toldCount = 0

  constructor(plan: ExecutionPlan, state: ExecutionState, scheduler: Scheduler, recorder: Recorder<Attempt>) {
    this.#plan = plan
    this.#state = state
    this.#scheduler = scheduler
    this.#recorder = recorder
    this.#attemptCount = new Int32Array(plan.tasks.length)
    this.#spentMs = new Float64Array(plan.tasks.length)
  }

  /** The state of a task, if the log has it already: by index, since by id it costs more, the more tasks there are. */
  stateOf(index: number): TaskState | undefined {
    if (this.#states === undefined && this.#state.tasks.size > 0) {
      this.#states = this.#plan.tasks.map(({ id }) => this.#state.tasks.get(id))
    }
    return this.#states?.[index]
  }

  /** Of each task the sum of its attempts, ms. */
  get spentMs(): ArrayLike<number> {
    return this.#spentMs
  }

  /** Counts an attempt that starts. @returns its number, from 1 */
  countAttempt(index: number): number {
    const number = (this.#attemptCount[index] as number) + 1
    this.#attemptCount[index] = number
    return number
  }

  /** Takes over what a task has behind it. */
  restore(index: number, past: TaskPast): void {
    this.#pasts.set(index, past)
    this.#attemptCount[index] = past.attempts
    this.#spentMs[index] = past.spentMs
  }

  /** How many attempts were started. */
  attemptsOf(index: number): number {
    return this.#attemptCount[index] as number
  }

  /** How many attempts count against the retry policy. */
  countedAttempts(index: number): number {
    return (this.#attemptCount[index] as number) - (this.#pasts.get(index)?.interruptedCount ?? 0)
  }

  /** Adds what an attempt took. */
  spend(index: number, durationMs: number): void {
    this.#spentMs[index] = round((this.#spentMs[index] as number) + durationMs)
  }

  /** The data of the `task_complete` that ends a task with this attempt. */
  describe({ index, task, isAbandoned, endedAt }: Attempt, outcome: AttemptOutcome): LoggedData {
    const { executionId, timestamp } = this.#recorder
    const taskId = task.id
    const tool = task.tool.name
    const attempts = this.#attemptCount[index] as number
    const executionTimeMs = this.#spentMs[index] as number
    const waitMs = this.#computeWait(index, endedAt)
    // Written out, since every task passes here: objects of one form are made and read fastest.
    if (outcome.status === 'success') {
      const { status, output } = outcome
      return { executionId, timestamp, taskId, tool, status, output, attempts, executionTimeMs, waitMs } as LoggedData
    }
    const { status, message } = outcome
    const code = status === 'cancelled' ? 'CANCELLED' : outcome.code
    const failure = { taskId, tool, status, error: cutMessage(message), code, attempts, executionTimeMs, waitMs }
    return { executionId, timestamp, ...failure, ...(isAbandoned && { abandoned: true }) }
  }

  /** Notes that tasks ended without running; they are told by `tell`. */
  end(ending: Ending): void {
    if (ending.tasks.length > 0) this.#endings.push(ending)
  }

  /** Every ending has been told. */
  get isTold(): boolean {
    return this.#endings.length === 0
  }

  /** Lets go of what has not been told. */
  clear(): void {
    this.#endings.length = 0
  }

  /** Records at most `count` tasks that ended without running, in order. @returns how many */
  tell(count: number, now: number): number {
    let told = 0
    for (let ending = this.#endings[0]; ending !== undefined && told < count; ending = this.#endings[0]) {
      const index = ending.tasks[this.#toldCount] as number
      this.#tellOne(index, ending, now)
      told += 1
      this.#toldCount += 1
      if (this.#toldCount < ending.tasks.length) continue
      this.#endings.shift()
      this.#toldCount = 0
    }
    return told
  }

  #tellOne(index: number, { status, code, error, causedBy }: Ending, now: number): void {
    const { executionId, timestamp } = this.#recorder
    const { id, tool } = this.#plan.tasks[index] as PlannedTask
    const reason = { status, error, code, ...(causedBy !== undefined && { causedBy }) }
    const attempts = this.#attemptCount[index] as number
    const executionTimeMs = this.#spentMs[index] as number
    const cost = { attempts, executionTimeMs, waitMs: this.#computeWait(index, now) }
    const data = { executionId, timestamp, taskId: id, tool: tool.name, ...reason, ...cost }
    this.#recorder.record('task_complete', data)
  }

  /** From ready in this process to `now`, without the attempts, ms. */
  #computeWait(index: number, now: number): number {
    const since = this.#scheduler.readySince(index)
    if (since === undefined) return 0
    const spentMs = (this.#spentMs[index] as number) - (this.#pasts.get(index)?.spentMs ?? 0)
    return Math.max(0, round(now - since - spentMs))
  }
}
