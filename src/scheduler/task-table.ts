import type { AddedTask, EventFor, Stop } from '../events/events.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import type { AppliedEvent } from './applied-event.ts'
import { CrashStreaks } from './crash-streaks.ts'
import { type DecisionListener, DependencyRules } from './dependency-rules.ts'
import { ExecutionHistory } from './execution-history.ts'
import { LayerGate } from './layer-gate.ts'
import { describeFailFast, describeSkipped, describeStopped, PendingSettlements } from './pending-settlements.ts'
import type { PermitSource } from './ready-tasks.ts'
import { StartQueue } from './start-queue.ts'
import { RetryTimes } from './retry-times.ts'
import type { TableOptions } from './table-options.ts'
import { PHASE, TaskColumns } from './task-columns.ts'
import { classifyEnd, END, type End } from './task-ends.ts'
import { TaskGraph } from './task-graph.ts'

/**
 * Where every task of an execution is. It changes by events alone, live and on replay, and what happens next is a query of it.
 *
 *     blocked ─▶ ready ─▶ running ─▶ settled
 *        │         ▲ ▲      │ │ └─ execution_resumed ─▶ cut ─ task_retry ─▶ ready
 *        │         │ └──────┼─┘ task_retry, interrupted
 *        │         │        └─ task_retry ─▶ delayed ─ task_start ─▶ running
 *        └─ an ancestor failed, or a stop ─▶ ending ─ task_complete ─▶ settled
 *
 * Pure: no promises, tools or clocks; times come in as numbers. Linear in tasks and dependencies, but for the heap of ready
 * tasks. What is chosen and not in the log yet — reservations, permits, ends that were taken — is transient and not part of it.
 */
export class TaskTable implements DecisionListener {
  readonly graph: TaskGraph
  readonly history: ExecutionHistory = new ExecutionHistory()
  readonly columns: TaskColumns
  readonly rules: DependencyRules
  readonly gate: LayerGate
  readonly endings: PendingSettlements = new PendingSettlements()
  readonly starts: StartQueue
  /** Tasks that wait for their next attempt, by index. */
  readonly delays: RetryTimes = new RetryTimes()
  readonly crashes: CrashStreaks = new CrashStreaks()
  readonly #options: TableOptions
  /** Tasks that the rule skips and whose dependents have not been told. */
  readonly #skippable: number[] = []
  readonly #isEnding: (task: number) => boolean
  #unsettledCount: number

  constructor(plan: ExecutionPlan, options: TableOptions) {
    this.#options = options
    this.graph = new TaskGraph(plan)
    this.columns = new TaskColumns(plan.dependencyCounts)
    this.rules = new DependencyRules(this.graph, this.columns, this)
    this.gate = new LayerGate(this.graph, options.schedule)
    this.starts = new StartQueue(this.graph, this.columns, options.schedule, options.maxConcurrency)
    this.#unsettledCount = plan.tasks.length
    this.#isEnding = task => this.columns.phase[task] === PHASE.ending
    const first = plan.layerIndices[0] ?? []
    // Under either schedule the tasks of the first layer can start at once.
    if (options.schedule === 'layers') this.#advance(Number.NaN)
    else for (let at = 0; at < first.length; at++) this.#makeReady(first[at] as number, Number.NaN)
  }

  /** Applies the next event of the log. @param now by the monotonic clock, ms; only live, for waiting times */
  apply(event: AppliedEvent, now: number = Number.NaN): void {
    const { type, data } = event
    switch (type) {
      case 'task_start':
      case 'task_retry':
      case 'task_complete': {
        this.history.lastTimestamp = data.timestamp
        const { taskIndex = -1 } = event
        const task = taskIndex >= 0 ? taskIndex : this.graph.indexOf(data.taskId)
        if (task === undefined || this.columns.phase[task] === PHASE.settled) return
        if (type === 'task_start') this.#start(task, data)
        else if (type === 'task_complete') this.#complete(task, data, now)
        else this.#retry(task, data, now)
        return
      }
      case 'tasks_added':
        this.history.lastTimestamp = data.timestamp
        for (const added of data.tasks) this.#add(added, data.parentId, now)
        return this.#advance(now)
      default:
        this.history.apply(event)
        if (type === 'execution_stopping') this.#endAll(this.history.stop as Stop)
        else if (type === 'execution_resumed') this.#resume(data)
    }
  }

  /** From here on ready tasks can be taken. @param now by the monotonic clock, ms: waiting begins anew */
  open(now: number): void {
    this.columns.restartWaiting(this.graph.size, now)
    this.starts.open(this.graph.size)
  }

  /** The next task to start; it holds a slot from now on. `undefined` while there is none, or no slot. */
  next(permits?: PermitSource): number | undefined {
    return this.history.stop === undefined ? this.starts.next(permits) : undefined
  }

  /** The next task that ends without running, and why; each is given once. */
  takeEnding(): ReturnType<PendingSettlements['take']> {
    return this.endings.isEmpty ? undefined : this.endings.take(this.#isEnding)
  }

  /** The delay of a retry has passed. Transient: its event is the next `task_start`. */
  wake(task: number): void {
    if (this.columns.phase[task] === PHASE.delayed) this.starts.add(task)
  }

  /** Why nothing more starts. */
  get stop(): Stop | undefined {
    return this.history.stop
  }

  /** Every task has settled. */
  get isDone(): boolean {
    return this.#unsettledCount === 0
  }

  get unsettledCount(): number {
    return this.#unsettledCount
  }

  /** For the rules. */
  startable(task: number, now: number): void {
    if (this.gate.isOpen(this.graph.layerOf(task))) this.#makeReady(task, now)
  }

  /** For the rules. */
  skippable(task: number): void {
    this.#skippable.push(task)
  }

  #start(task: number, { attempt }: EventFor<'task_start'>['data']): void {
    this.delays.delete(task)
    this.starts.started(task)
    this.columns.attempts[task] = attempt
  }

  #retry(task: number, data: EventFor<'task_retry'>['data'], now: number): void {
    const { phase, spentMs } = this.columns
    if (phase[task] === PHASE.ending) return
    this.starts.leave(task)
    spentMs[task] = round((spentMs[task] as number) + (data.executionTimeMs ?? 0))
    if (data.interrupted) this.columns.countInterrupted(task)
    if (this.history.stop !== undefined) this.#endStopped([task], this.history.stop)
    else if (data.interrupted) this.#makeReady(task, now)
    else {
      phase[task] = PHASE.delayed
      this.delays.set(task, { at: Date.parse(data.timestamp), delayMs: data.delayMs })
    }
  }

  #complete(task: number, data: EventFor<'task_complete'>['data'], now: number): void {
    const { phase, spentMs, attempts } = this.columns
    const isDecided = phase[task] === PHASE.ending
    this.starts.leave(task)
    this.delays.delete(task)
    phase[task] = PHASE.settled
    spentMs[task] = data.executionTimeMs
    attempts[task] = data.attempts
    this.#unsettledCount -= 1
    if (isDecided) return
    const end = classifyEnd(data)
    this.#decideEnd(task, end, now)
    if (end !== END.succeeded) this.#skip(data.causedBy ?? data.taskId, now)
    if (end === END.failed && this.#options.onTaskError === 'fail-fast' && this.history.stop === undefined) {
      this.history.stop = describeFailFast(data.taskId)
      this.#endAll(this.history.stop)
    }
    this.#advance(now)
  }

  /** Its layer counts it no more: its end is recorded before any task of a later layer starts. */
  #decideEnd(task: number, end: End, now: number): void {
    this.gate.leave(this.graph.layerOf(task))
    this.rules.ended(task, end, now)
  }

  /** Ends the tasks that the rules skip, and by that their descendants, as one ending in document order. */
  #skip(causedBy: string, now: number): void {
    const skipped: number[] = []
    for (let task = this.#skippable.pop(); task !== undefined; task = this.#skippable.pop()) {
      if (this.columns.phase[task] !== PHASE.blocked) continue
      this.columns.phase[task] = PHASE.ending
      skipped.push(task)
      this.#decideEnd(task, END.skippedByFailure, now)
    }
    this.endings.add(describeSkipped(skipped.sort(ascending), causedBy))
  }

  #makeReady(task: number, now: number): void {
    const { phase, readySince } = this.columns
    phase[task] = PHASE.ready
    if (Number.isNaN(readySince[task])) readySince[task] = now
    this.starts.add(task)
  }

  #advance(now: number): void {
    if (this.history.stop !== undefined) return
    for (let layer = this.gate.advance(); layer !== undefined; layer = this.gate.advance()) {
      for (let at = 0; at < layer.length; at++) {
        const task = layer[at] as number
        if (this.columns.phase[task] === PHASE.blocked) this.rules.consider(task, now)
      }
    }
  }

  /** Ends every task that neither runs nor ends already. */
  #endAll(stop: Stop): void {
    const { blocked, ready, delayed, cut } = PHASE
    const tasks = this.columns.list(this.graph.size, blocked, ready, delayed, cut)
    this.delays.clear()
    this.#endStopped(tasks, stop)
  }

  #endStopped(tasks: readonly number[], stop: Stop): void {
    for (const task of tasks) this.columns.phase[task] = PHASE.ending
    this.endings.add(describeStopped(tasks, stop))
  }

  /** Another process takes over: no attempt runs any more. */
  #resume({ cause }: EventFor<'execution_resumed'>['data']): void {
    const running = this.columns.list(this.graph.size, PHASE.running)
    this.crashes.apply(cause, running)
    for (const task of running) {
      this.starts.leave(task)
      this.columns.phase[task] = PHASE.cut
    }
    if (this.history.stop !== undefined) this.#endStopped(running, this.history.stop)
  }

  #add(added: AddedTask, parentId: string | undefined, now: number): void {
    const task = this.graph.size
    const dependencies = this.graph.add(added, parentId)
    this.columns.grow(this.graph.size)
    this.#unsettledCount += 1
    this.gate.enter(added.layer)
    this.rules.add(task, dependencies)
    if (this.history.stop !== undefined) return this.#endStopped([task], this.history.stop)
    this.rules.consider(task, now)
    const cause = dependencies.find(dependency => (this.columns.end[dependency] as number) > END.succeeded + 1)
    this.#skip(this.graph.idOf(cause ?? task), now)
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
