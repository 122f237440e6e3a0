import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import { computeRetryDelay, MAX_RETRY_AFTER_MS, mergeRetryPolicies } from '../attempt/retry.ts'
import type { AttemptCommand, AttemptKey, Question } from '../attempt/runner.ts'
import { readInputError } from '../attempt/tool-error.ts'
import { afterTurn, isTurnSpent } from '../clock.ts'
import type { EventFor } from '../events/events.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import { type ResolvedArguments, resolveTemplate } from '../workflow/template.ts'
import { ActiveAttempt, type AttemptListener } from './active-attempt.ts'
import { cutMessage, type Emissions } from './emissions.ts'
import { INTERRUPTED } from './interruption.ts'
import type { AttemptParts } from './loop-parts.ts'
import type { Adoption } from './remote/adoption.ts'
import { describeCompletion, describeStart } from './task-events.ts'

type RetryData = Pick<EventFor<'task_retry'>['data'], 'delayMs' | 'error' | 'code' | 'interrupted' | 'lost'>

/** Whether it runs in the process of its execution, wherever others run: a planner, whose tasks join there. */
function isLocal({ task }: ActiveAttempt): boolean {
  return task.tool.isPlanner
}

/** The active attempts of one execution: starts them, follows them, and records their outcomes. */
export class ActiveAttempts implements AttemptListener {
  readonly emissions: Emissions
  readonly #parts: AttemptParts
  /** By task index; an array, since every task passes through it. */
  readonly #active: (ActiveAttempt | undefined)[]
  /** The common prefix of all idempotency keys. */
  readonly #keyPrefix: string
  #count = 0
  /** Those whose start is in the log and that wait for another turn of the event loop, in their order. */
  #waiting: number[] = []

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.emissions = parts.emissions
    this.#keyPrefix = `${parts.recorder.executionId}.`
    this.#active = new Array<ActiveAttempt | undefined>(parts.columns.phase.length).fill(undefined)
  }

  /** Whether an attempt runs in this process. */
  get hasLocal(): boolean {
    if (this.#parts.remote === undefined) return this.#count > 0
    return this.#active.some(attempt => attempt !== undefined && isLocal(attempt))
  }

  /** Number of active attempts. */
  get count(): number {
    return this.#count
  }

  /** Records the start of the next attempt of a task; `begin` follows once that is in the log. */
  choose(index: number): void {
    const { columns, recorder, remote } = this.#parts
    const attempt = this.#add(index, (columns.attempts[index] as number) + 1)
    recorder.record('task_start', describeStart(recorder, attempt.task, attempt.number), index)
    if (remote === undefined || isLocal(attempt)) return
    const command = this.#describeCommand(attempt)
    if ('tool' in command) remote.order(command)
    // Never without an order: a new coordinator would take it for interrupted.
    else attempt.settled(command)
  }

  /** Continues the attempts that workers run for an earlier process. */
  adopt(adoptions: readonly Adoption[]): void {
    for (const { task, order } of adoptions) {
      const attempt = this.#add(task, order.key.attempt)
      attempt.isBegun = true
      this.#parts.remote?.adopt(order, attempt)
    }
    if (adoptions.length > 0) this.abort()
  }

  #add(index: number, number: number): ActiveAttempt {
    const attempt = new ActiveAttempt(this, this.#parts.tasks.at(index), index, number)
    this.#active[index] = attempt
    this.#count += 1
    return attempt
  }

  /**
   * Its start is in the log: begins the attempt, in a later turn of the event loop if this turn is spent. To resolve large
   * arguments, and to call a synchronous tool, takes time: a hundred of them in one turn would starve sockets and timers.
   */
  begin(index: number): void {
    const attempt = this.#active[index]
    if (this.#parts.remote !== undefined && attempt !== undefined && !isLocal(attempt)) return this.#beginRemote(index)
    if (this.#waiting.length === 0 && !isTurnSpent()) return this.#begin(index)
    this.#waiting.push(index)
    if (this.#waiting.length === 1) afterTurn(this.#beginWaiting)
  }

  /** At least one a turn, so that they proceed beside other work that spends every turn. */
  readonly #beginWaiting = (): void => {
    const waiting = this.#waiting
    let at = 0
    // The turn's time counts from the first question for it.
    isTurnSpent()
    do this.#begin(waiting[at++] as number)
    while (at < waiting.length && !isTurnSpent())
    this.#waiting = waiting.slice(at)
    if (this.#waiting.length > 0) afterTurn(this.#beginWaiting)
  }

  /** Resolves the arguments and hands the attempt to the runner. */
  #begin(index: number): void {
    const attempt = this.#active[index]
    if (attempt === undefined || attempt.isBegun) return
    attempt.isBegun = true
    const { findAbortion } = this.#parts
    attempt.abortion = findAbortion(index)
    if (attempt.abortion !== undefined) return attempt.settled({ status: 'cancelled', executionTimeMs: 0 })
    const command = this.#describeCommand(attempt)
    if ('tool' in command) this.#parts.runner.start(command, attempt)
    else attempt.settled(command)
  }

  /** Its order is in the store, so that only a message ends it. */
  #beginRemote(index: number): void {
    const attempt = this.#active[index]
    if (attempt === undefined || attempt.isBegun) return
    attempt.isBegun = true
    this.#parts.remote?.start(this.#keyOf(attempt), attempt)
    this.#abort(attempt)
  }

  /** @returns the report if the arguments cannot be resolved */
  #describeCommand(attempt: ActiveAttempt): AttemptCommand | AttemptReport {
    const { scopeOf, recorder, options } = this.#parts
    const { task, index, number } = attempt
    let resolved: ResolvedArguments
    try {
      resolved = resolveTemplate(task.arguments, scopeOf(index))
    } catch (error) {
      return { ...readInputError(error), executionTimeMs: 0 }
    }
    return {
      executionId: recorder.executionId,
      taskId: task.id,
      tool: task.tool.name,
      arguments: resolved.value,
      mayHoldJsonNumbers: resolved.mayHoldJsonNumbers,
      attempt: number,
      timeoutMs: task.timeoutMs ?? task.tool.timeoutMs ?? options.taskTimeoutMs,
      idempotencyKey: this.#keyPrefix + task.id,
      traceparent: this.#parts.traceparentOf(task.id, number),
    }
  }

  /** Asks the runner to abort attempts that must not continue. The first reason of each attempt counts. */
  abort(): void {
    for (let index = 0; index < this.#active.length; index++) this.#abort(this.#active[index])
  }

  #abort(attempt: ActiveAttempt | undefined): void {
    if (attempt === undefined || !attempt.isBegun || attempt.abortion !== undefined) return
    const { runner, findAbortion, remote } = this.#parts
    const abortion = findAbortion(attempt.index)
    // Workers continue for the next coordinator.
    if (abortion === undefined || (abortion.isHandoff && remote !== undefined && !isLocal(attempt))) return
    attempt.abortion = abortion
    runner.abort(this.#keyOf(attempt), {
      code: abortion.isHandoff ? 'SHUTTING_DOWN' : 'CANCELLED',
      message: abortion.message,
    })
  }

  #keyOf({ task, number }: ActiveAttempt): AttemptKey {
    return { executionId: this.#parts.recorder.executionId, taskId: task.id, attempt: number }
  }

  /** Ends attempts whose start will never be in the log, without a call, so that their slots and permits are released. */
  endUnbegun(): void {
    const { remote } = this.#parts
    for (const attempt of this.#active) {
      const isOurs = attempt !== undefined && (remote === undefined || isLocal(attempt))
      if (isOurs && !attempt.isBegun) this.#begin(attempt.index)
    }
  }

  /** For attempts. */
  asked(attempt: ActiveAttempt, question: Question): void {
    this.#parts.inputs(true)?.ask(attempt, question)
  }

  /** For attempts. */
  roomOf(attempt: ActiveAttempt): PlanRoom | undefined {
    return this.#parts.roomOf(attempt.index, () => attempt.isOver)
  }

  /** For attempts. */
  settled(attempt: ActiveAttempt): void {
    const { permits, recorder, outputs, columns, options } = this.#parts
    const { index, task, number } = attempt
    this.#active[index] = undefined
    this.#count -= 1
    permits.release(index)
    this.emissions.conclude(attempt)
    const inputs = this.#parts.inputs(false)
    inputs?.settled(index)
    const report = outputs.admit(attempt.report as AttemptReport)
    if (report.abandoned) this.#countAbandoned(task.id)
    if (report.status === 'error' && report.retryAfterMs !== undefined) {
      task.tool.pause?.(Math.min(report.retryAfterMs, MAX_RETRY_AFTER_MS), options.clock)
    }
    const retry = report.status === 'success' ? undefined : this.#planRetry(attempt, report)
    if (retry !== undefined) {
      const { executionTimeMs } = report
      const data = recorder.stamp({ taskId: task.id, attempt: number, ...retry, executionTimeMs })
      recorder.record('task_retry', data, index)
    } else {
      inputs?.close(index)
      const data = describeCompletion(recorder, attempt, report, attempt.abortion, columns, options.clock.now())
      recorder.record('task_complete', data, index)
    }
    if (this.#count === 0) this.#parts.onIdle()
  }

  /** The data of the `task_retry` of a failed attempt; `undefined` if no further attempt follows. */
  #planRetry({ task, index, abortion, isLost }: ActiveAttempt, report: AttemptReport): RetryData | undefined {
    const stop = this.#parts.findAbortion(index)
    if (report.status === 'cancelled' && abortion?.isHandoff && (stop === undefined || stop.isHandoff)) {
      const { message: error, code } = INTERRUPTED
      return { delayMs: 0, error, code, interrupted: true, ...(isLost && { lost: true }) }
    }
    if (report.status !== 'error' || !report.isRetryable || (stop !== undefined && !stop.isHandoff)) return undefined
    const policy = mergeRetryPolicies(task.retry, task.tool.retry)
    // `number` is in the log: it is the last attempt of the table.
    const counted = this.#parts.columns.countedAttempts(index)
    if (counted >= policy.maxAttempts) return undefined
    const delayMs = computeRetryDelay(policy, counted, report.retryAfterMs, this.#parts.options.random())
    return { delayMs, error: cutMessage(report.message), code: report.code }
  }

  #countAbandoned(taskId: string): void {
    const { counters, options, recorder } = this.#parts
    counters.abandonedCount += 1
    const { executionId } = recorder
    options.logger.warn('A tool did not settle after its abort: abandoned', { executionId, taskId })
  }
}
