import { delayAfterRounds } from '../../backoff.ts'
import { createFailure } from '../../attempt/attempt-outcome.ts'
import { readInputError } from '../../attempt/tool-error.ts'
import type { EventData } from '../../events/events.ts'
import type { FanOut, Repetition, SubWorkflow } from '../../plan/execution-plan.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import type { GroupPlanParts, GroupPlans } from './group-plans.ts'
import { countMissing, type GroupRecorder } from './group-recorder.ts'
import type { GroupTimers } from './group-timers.ts'
import type { ParentOutcome, ParentOutcomes } from './parent-outcome.ts'
import type { Scopes } from './scopes.ts'

/** Maximum number of items that one event adds. */
const MAX_ADDED = 256

/** The parts of an execution that its parents work with. */
export interface GroupParts extends GroupPlanParts {
  readonly scopes: Scopes
  readonly outcomes: ParentOutcomes
  readonly timers: GroupTimers
  /** Asks a person before the first attempt of a task. */
  readonly askApproval: (task: number, message: string, expiresMs: number | undefined) => void
  /** Run time of the execution, ms. */
  readonly elapsedMs: () => number
}

/** Adds the children of parents as they are needed, and ends a parent once all of its children have settled. */
export class GroupChildren {
  readonly #parts: GroupParts
  readonly #events: GroupRecorder
  readonly #plans: GroupPlans
  /** Parents whose next children are recorded but not in the log yet. */
  readonly #growing = new Set<number>()

  constructor(parts: GroupParts, events: GroupRecorder, plans: GroupPlans) {
    this.#parts = parts
    this.#events = events
    this.#plans = plans
  }

  /** Children are in the log. */
  added(parent: number, count: number): void {
    const isPlanned = this.#parts.table.graph.groupBelow(parent)?.definition?.kind === 'plan'
    const isGrowing = this.#growing.delete(parent)
    if (isGrowing || isPlanned) this.#events.added(count)
    if (isGrowing) this.#parts.table.due.addParent(parent)
  }

  /** A parent has started, children of it were added or have ended: adds more, or ends it. */
  tend(parent: number): void {
    const group = this.#parts.table.graph.groupBelow(parent)
    if (group?.definition === undefined || this.#growing.has(parent)) return
    this.limitTime(group)
    switch (group.definition.kind) {
      case 'forEach':
        return this.#tendItems(group, group.definition)
      case 'repeat':
        return this.#tendRounds(group, group.definition)
      case 'plan':
        return this.#tendPlan(group)
      default:
        return this.#tendWorkflow(group, group.definition)
    }
  }

  /** Starts the timers of a group: that of its time limit, and that of its `finally` tasks once they may start. */
  limitTime(group: TaskGroup): void {
    const { timers, recorder, elapsedMs, options, table } = this.#parts
    const { parent, openedAtMs, finallyAtMs, plan, definition } = group
    if (plan === undefined && definition?.kind !== 'plan') return
    const timeoutMs = parent < 0 ? 0 : (table.graph.taskAt(parent)?.timeoutMs ?? 0)
    const finallyMs = plan?.finallyTimeoutMs ?? options.finallyTimeoutMs
    const isFinallyLimited = group.isFinallyOpen && finallyMs > 0
    if (timeoutMs === 0 && !isFinallyLimited) return
    const parentId = parent < 0 ? undefined : table.graph.idOf(parent)
    const place = parentId === undefined ? {} : { parentId }
    if (timeoutMs > 0) {
      timers.start(parent, 'timeout', openedAtMs + timeoutMs - elapsedMs(), () => {
        const failure = { code: 'TASK_TIMEOUT', message: `Timed out after ${timeoutMs} ms` }
        const message = `Cancelled: task \`${parentId}\` timed out`
        recorder.record('tasks_stopping', recorder.stamp({ ...place, phase: 'tasks', message, failure }))
      })
    }
    if (!isFinallyLimited) return
    timers.start(parent, 'finally', finallyAtMs + finallyMs - elapsedMs(), () => {
      const message = `The \`finally\` tasks did not end within ${finallyMs} ms`
      const data = { ...place, phase: 'finally' as const, message, code: 'FINALLY_TIMEOUT' }
      recorder.record('tasks_stopping', recorder.stamp(data))
    })
  }

  #tendItems(group: TaskGroup, { concurrency }: FanOut): void {
    const { children, itemCount, unsettledCount, stop } = group
    const left = stop === undefined ? itemCount - children.length : 0
    if (left === 0) return unsettledCount === 0 ? this.#finish(group) : undefined
    // Without a bound of their own, items are added in batches, ahead of the slots that become free.
    const window = concurrency ?? MAX_ADDED + Math.max(MAX_ADDED, this.#parts.options.maxConcurrency)
    const room = Math.min(window - unsettledCount, left, MAX_ADDED)
    if (room >= (concurrency === undefined ? Math.min(MAX_ADDED, left) : 1)) this.#add(group, children.length, room)
  }

  #tendRounds(group: TaskGroup, definition: Repetition): void {
    const { children, unsettledCount, stop, failedCount, parent } = group
    const { timers, scopes, outcomes } = this.#parts
    if (unsettledCount > 0) return
    if (stop !== undefined || failedCount > 0) return this.#finish(group)
    if (children.length === 0) return this.#addRound(group)
    try {
      if (definition.until?.evaluate(scopes.repetitionOf(group, children.length - 1))) return this.#finish(group)
    } catch (error) {
      return this.#finish(group, readInputError(error))
    }
    if (children.length === definition.maxTimes) return this.#finish(group, outcomes.of(group, true))
    const waitMs = this.#waitBeforeRound(group, definition)
    if (waitMs <= 0) return this.#addRound(group)
    timers.start(parent, 'round', waitMs, () => {
      this.#parts.table.due.addParent(parent)
      this.#parts.recorder.wake()
    })
  }

  #tendWorkflow(group: TaskGroup, { plan }: SubWorkflow): void {
    const isWaiting = group.base < 0 && plan.tasks.length > 0 && group.stop === undefined
    if (isWaiting) this.#add(group, 0, plan.tasks.length)
    else if (group.unsettledCount === 0) this.#finish(group)
  }

  #tendPlan(group: TaskGroup): void {
    const { children, stop, parent, unsettledCount } = group
    if (children.length === 0 && stop === undefined) this.#add(group, 0, 1)
    else if (children.length > 0 && this.#plans.complete(group)) this.#growing.add(parent)
    else if (unsettledCount === 0) this.#finish(group)
  }

  #addRound(group: TaskGroup): void {
    const message = this.#events.reserve(1)
    if (message === undefined) this.#add(group, group.children.length, 1)
    else this.#finish(group, createFailure('LIMIT_EXCEEDED', message))
  }

  #add(group: TaskGroup, from: number, count: number): void {
    this.#growing.add(group.parent)
    this.#events.add(group, from, count)
  }

  #finish(group: TaskGroup, outcome: ParentOutcome = this.#parts.outcomes.of(group)): void {
    const { timers, scopes, elapsedMs } = this.#parts
    timers.stop(group.parent)
    scopes.forget(group.parent)
    this.#events.release(countMissing(group))
    this.#events.end(group.parent, outcome, Math.max(0, elapsedMs() - group.openedAtMs), outcome.why)
    // It is no longer due, although its end reaches the log only later.
    this.#growing.add(group.parent)
  }

  /** The remaining delay after the last round, ms. */
  #waitBeforeRound({ children }: TaskGroup, repetition: Repetition): number {
    const { tasks, options } = this.#parts
    const delayMs = delayAfterRounds(repetition, children.length)
    const result = tasks.stateOf(children.at(-1) as number)?.result as Partial<EventData> | undefined
    // At most the whole delay, even if the system clock was changed meanwhile.
    return Math.min(delayMs, Date.parse(result?.timestamp ?? '') + delayMs - options.clock.wallTime())
  }
}
