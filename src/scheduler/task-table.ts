import type { EventFor, Stop } from '../events/events.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import { CrashStreaks } from './crash-streaks.ts'
import { DueWork } from './due-work.ts'
import { ExecutionHistory } from './execution-history.ts'
import { GroupProgress } from './group-progress.ts'
import { InputProgress } from './inputs/input-progress.ts'
import { findStop, GroupStops } from './group-stops.ts'
import { PendingSettlements } from './pending-settlements.ts'
import { PlanHold } from './growth/plan-hold.ts'
import { StartQueue } from './start-queue.ts'
import { RetryTimes } from './retry-times.ts'
import { TableGrowth } from './growth/table-growth.ts'
import type { AppliedEvent, TableOptions } from './table-input.ts'
import { PHASE, TaskColumns } from './task-columns.ts'
import { classifyEnd, END, isFailure } from './task-ends.ts'
import { toStop } from '../events/state.ts'
import { TaskGraph } from './task-graph.ts'
import type { TaskGroup } from './task-group.ts'

/**
 * The state of every task of an execution. It changes by events alone, live and on replay; what happens next is a query on it.
 *
 *     blocked ─▶ ready ─▶ running ─▶ settled
 *        │        │ ▲ ▲      │ │ └─ execution_resumed ─▶ cut ─ task_retry ─▶ ready
 *        │        │ │ └──────┼─┘ task_retry, interrupted
 *        │        │ │        └─ task_retry ─▶ delayed ─ task_start ─▶ running
 *        │        └─┼─ task_start of a parent ─▶ open ─ its children have settled ─▶ settled
 *        │          ├─ input_required ─▶ waiting ─ input_resolved ─▶ running, or ready before the first attempt
 *        └─ a rule skips it, or a stop ─▶ ending ─ task_complete ─▶ settled
 *
 * Pure: no promises, tools or clocks; times come in as numbers. Linear in tasks and dependencies, except for the heap of ready
 * tasks. Decisions that are not in the log yet (reservations, permits, taken endings) are transient and not part of it.
 */
export class TaskTable {
  readonly graph: TaskGraph
  readonly history: ExecutionHistory = new ExecutionHistory()
  readonly columns: TaskColumns
  readonly endings: PendingSettlements = new PendingSettlements()
  readonly starts: StartQueue
  readonly due: DueWork
  /** Tasks that wait for their next attempt, by index. */
  readonly delays: RetryTimes = new RetryTimes()
  readonly crashes: CrashStreaks = new CrashStreaks()
  readonly progress: GroupProgress
  readonly inputs: InputProgress
  readonly hold: PlanHold
  readonly #stops: GroupStops
  readonly #growth: TableGrowth
  readonly #options: TableOptions
  readonly #isEnding: (task: number) => boolean
  #unsettledCount: number
  /** Number of stops. */
  stopCount = 0

  constructor(plan: ExecutionPlan, options: TableOptions) {
    this.#options = options
    this.graph = new TaskGraph(plan, options.schedule)
    this.columns = new TaskColumns(plan.dependencyCounts)
    this.due = new DueWork(this.columns)
    this.starts = new StartQueue(this.graph, this.columns, this.due, options)
    this.#stops = new GroupStops(this.graph, this.columns, this.endings, this.delays)
    const makeReady = (task: number, now: number): void => this.starts.makeReady(task, now)
    this.hold = new PlanHold(this.graph, this.columns, options.isUnsealed === true, options.eager !== 'all')
    this.progress = new GroupProgress(this.graph, this.columns, this.history, this.endings, this.hold, makeReady)
    this.inputs = new InputProgress(this.graph, this.columns, this.starts, makeReady)
    this.#unsettledCount = plan.tasks.length
    this.#isEnding = task => this.columns.phase[task] === PHASE.ending
    this.#growth = new TableGrowth(this.graph, this.columns, this.#stops, this.progress, this.starts, this.hold)
    this.progress.begin(this.graph.root, Number.NaN)
  }

  /** Applies the next event of the log; a second end of a task changes nothing. @param now monotonic, ms; only live, for waits */
  apply(event: AppliedEvent, now: number = Number.NaN): void {
    this.#apply(event, now)
    if (event.type !== 'execution_parked') this.inputs.applied(event.data.timestamp)
  }

  #apply(event: AppliedEvent, now: number): void {
    const { type, data } = event
    switch (type) {
      case 'task_start':
      case 'task_retry':
      case 'input_required':
      case 'input_resolved':
      case 'task_complete': {
        this.history.lastTimestamp = data.timestamp
        const { taskIndex = -1 } = event
        const task = taskIndex >= 0 ? taskIndex : this.graph.indexOf(data.taskId)
        if (task === undefined || this.columns.phase[task] === PHASE.settled) return
        if (type === 'task_start') this.#start(task, data)
        else if (type === 'task_complete') this.#complete(task, data, now)
        else if (type === 'input_required') this.inputs.required(task, data)
        else if (type === 'input_resolved') this.inputs.resolved(task, data, now)
        else this.#retry(task, data, now)
        return
      }
      case 'tasks_added':
      case 'tasks_removed':
      case 'plan_rejected':
      case 'plan_sealed':
        this.history.lastTimestamp = data.timestamp
        this.#unsettledCount += this.#growth.apply(event, now)
        return
      case 'tasks_stopping': {
        this.history.lastTimestamp = data.timestamp
        const { parentId, phase, failure, reason: _, ...stop } = data
        const group =
          parentId === undefined ? this.graph.root : this.graph.groupBelow(this.graph.indexOf(parentId) ?? -1)
        if (group === undefined) return
        group.failure ??= failure
        return this.#stopGroup(group, toStop(stop), phase, now)
      }
      default:
        this.history.apply(event)
        if (type === 'execution_stopping') this.#stopGroup(this.graph.root, this.history.stop as Stop, 'tasks', now)
        else if (type === 'execution_resumed') this.#resume(data)
    }
  }

  /** Opens the table: ready tasks can be taken. @param now by the monotonic clock, ms: waiting times restart */
  open(now: number): void {
    this.columns.restartWaiting(this.graph.size, now)
    this.starts.open()
    for (let task = 0; task < this.graph.size; task++)
      if (this.columns.phase[task] === PHASE.ready) this.starts.offer(task)
    for (const { parent } of this.graph.openGroups) this.due.addParent(parent)
  }

  /** The condition of a task holds: it can start. Transient: its event is the next `task_start`. */
  admit(task: number): void {
    if (this.columns.phase[task] === PHASE.ready) this.starts.add(task)
  }

  /** Takes the next task that ends without running, with the reason; each is returned once. */
  takeEnding(): ReturnType<PendingSettlements['take']> {
    return this.endings.isEmpty ? undefined : this.endings.take(this.#isEnding)
  }

  /** The delay of a retry has passed. Transient: its event is the next `task_start`. */
  wake(task: number): void {
    if (this.columns.phase[task] === PHASE.delayed) this.starts.add(task)
  }

  /** The reason for which nothing more starts, apart from `finally` tasks. */
  get stop(): Stop | undefined {
    return this.history.stop
  }

  /** Whether every task has settled and none follows. */
  get isDone(): boolean {
    return this.#unsettledCount === 0 && (this.hold.isSealed || this.history.stop !== undefined)
  }

  #start(task: number, { attempt, itemCount, eager }: EventFor<'task_start'>['data']): void {
    this.columns.attempts[task] = attempt
    if (this.columns.phase[task] === PHASE.ending) this.#stops.rejoin(task, this.starts.ready, this.due)
    if (eager !== undefined || this.graph.isParent(task)) {
      this.columns.phase[task] = PHASE.open
      this.graph.open(task, itemCount, eager, this.history.executionTimeMs)
      this.#makeDue(task)
      return
    }
    this.delays.delete(task)
    this.starts.started(task, this.inputs.records.hasOpen(task))
  }

  #retry(task: number, data: EventFor<'task_retry'>['data'], now: number): void {
    const { phase, spentMs } = this.columns
    if (phase[task] === PHASE.ending) return
    this.starts.leave(task)
    spentMs[task] = round((spentMs[task] as number) + (data.executionTimeMs ?? 0))
    if (data.interrupted) this.columns.countInterrupted(task)
    if (data.lost) this.crashes.lost(task)
    const stop = this.graph.stopOf(task)
    if (stop !== undefined) this.#endStopped(task, stop, now)
    else if (data.interrupted) this.starts.makeReady(task, now)
    else {
      phase[task] = PHASE.delayed
      this.delays.set(task, { at: Date.parse(data.timestamp), delayMs: data.delayMs })
    }
  }

  #complete(task: number, data: EventFor<'task_complete'>['data'], now: number): void {
    const { phase, spentMs, attempts, end } = this.columns
    const group = this.graph.groupOf(task)
    if (phase[task] === PHASE.ending) this.endings.recorded()
    this.starts.leave(task)
    this.delays.delete(task)
    this.inputs.records.ended(task)
    if (phase[task] === PHASE.open) this.graph.close(task)
    phase[task] = PHASE.settled
    spentMs[task] = data.executionTimeMs
    attempts[task] = data.attempts
    this.#unsettledCount -= 1
    group.unsettledCount -= 1
    if (end[task] !== 0) return group.isParentDue ? this.#makeDue(group.parent) : undefined
    const ended = classifyEnd(data)
    const cause = isFailure(ended) ? (data.causedBy ?? data.taskId) : undefined
    this.progress.decideEnd(task, ended, cause, now)
    this.progress.skip(now)
    if (ended === END.failed) this.#countFailure(task, group, now)
    this.progress.proceed(group, now)
    if (group.isParentDue) this.#makeDue(group.parent)
  }

  #countFailure(task: number, group: TaskGroup, now: number): void {
    group.countFailure(task)
    const stop = findStop(group, task, this.graph.idOf(task), this.#options.onTaskError)
    if (stop === undefined) return
    if (group.outer === undefined) this.history.stop = stop
    this.#stopGroup(group, stop, 'tasks', now)
  }

  /** Ends the tasks of a group that have not started, and opens `finally` tasks that no longer wait. */
  #stopGroup(group: TaskGroup, stop: Stop, phase: 'tasks' | 'finally', now: number): void {
    this.stopCount += 1
    this.#stops.stop(group, stop, phase)
    this.starts.ready.retain(task => this.columns.phase[task] !== PHASE.ending)
    for (const open of this.graph.openGroups) {
      this.progress.proceed(open, now)
      this.#makeDue(open.parent)
    }
    this.progress.proceed(this.graph.root, now)
  }

  /** Ends a task of a stopped group, which may open `finally` tasks. */
  #endStopped(task: number, stop: Stop, now: number): void {
    this.#stops.end([task], stop)
    this.progress.proceed(this.graph.groupOf(task), now)
  }

  #makeDue(parent: number): void {
    if (this.starts.isOpen) this.due.addParent(parent)
  }

  /** Another process takes over: all running attempts are cut, except those that workers continue. */
  #resume({ cause, continued = [] }: EventFor<'execution_resumed'>['data']): void {
    const kept = new Set(continued.map(taskId => this.graph.indexOf(taskId)))
    this.crashes.apply(cause, this.columns.list(this.graph.size, PHASE.running), kept)
    this.inputs.wait.resumed()
    for (const task of this.columns.listStarted(this.graph.size).filter(started => !kept.has(started))) {
      this.starts.leave(task)
      this.columns.phase[task] = PHASE.cut
      const stop = this.graph.stopOf(task)
      if (stop !== undefined) this.#endStopped(task, stop, Number.NaN)
    }
  }
}
