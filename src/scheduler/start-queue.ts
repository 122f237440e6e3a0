import type { Schedule } from '../events/events.ts'
import { needsDecision } from './ancestors.ts'
import type { DueWork } from './due-work.ts'
import { type PermitSource, ReadyTasks } from './ready-tasks.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import type { TableOptions } from './table-input.ts'
import type { TaskGraph } from './task-graph.ts'

/**
 * The slots of an execution and the tasks that wait for one. Readiness is derived from the table; starts that are chosen but
 * not in the log yet are transient.
 */
export class StartQueue {
  readonly ready: ReadyTasks
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #due: DueWork
  readonly #maxConcurrency: number
  readonly #schedule: Schedule
  #isOpen = false
  #runningCount = 0
  /** Slots of tasks that are chosen or run. */
  #heldCount = 0
  /** Tasks that have started and hold no slot: an answer is awaited, or has come and no slot is free. */
  #detached: Set<number> | undefined

  constructor(
    graph: TaskGraph,
    columns: TaskColumns,
    due: DueWork,
    { schedule, maxConcurrency, areLimitsShared }: Omit<TableOptions, 'onTaskError'>,
  ) {
    this.ready = new ReadyTasks(graph, schedule, areLimitsShared)
    this.#graph = graph
    this.#columns = columns
    this.#due = due
    this.#maxConcurrency = maxConcurrency
    this.#schedule = schedule
  }

  /** Number of running tasks by the log. */
  get runningCount(): number {
    return this.#runningCount
  }

  /** Whether a slot is free. */
  get hasSlot(): boolean {
    return this.#heldCount < this.#maxConcurrency
  }

  /** Orders starts under `dataflow` by what the tasks of the document are expected to take, ms. Call it before `open`. */
  preferBy(estimatesMs: readonly number[]): void {
    if (this.#schedule === 'dataflow') this.ready.prefer(this.#graph.plan.prioritiesBy(estimatesMs))
  }

  /** Starts to keep ready tasks in order. */
  open(): void {
    this.#isOpen = true
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Makes a task ready: only a slot, a permit or a decision may delay its next attempt. */
  makeReady(task: number, now: number): void {
    const { phase, readySince } = this.#columns
    phase[task] = PHASE.ready
    if (Number.isNaN(readySince[task])) readySince[task] = now
    this.offer(task)
  }

  /** Offers a ready task for its start, or for a decision of the engine first. */
  offer(task: number): void {
    if (!this.#isOpen) return
    const isDue = this.#due.takesAll || needsDecision(this.#graph, task)
    if (isDue && this.#columns.attempts[task] === 0) this.#due.addTask(task)
    else this.add(task)
  }

  /** Adds a ready task. */
  add(task: number): void {
    if (this.#isOpen) this.ready.add(task)
  }

  /** Takes the next task to start, which then holds a slot; `undefined` if there is no ready task or no slot. */
  next(permits?: PermitSource): number | undefined {
    if (!this.hasSlot) return undefined
    const task = this.ready.take(permits)
    if (task === undefined) return undefined
    this.#heldCount += 1
    this.#detached?.delete(task)
    return task
  }

  /** The start of a task is in the log. @param isAsking whether a question of an earlier attempt is open */
  started(task: number, isAsking: boolean): void {
    const { phase } = this.#columns
    // Once the queue is open every start was chosen by `next`.
    if (!this.#isOpen && !this.holds(task)) this.#heldCount += 1
    this.#setPhase(task, phase, isAsking ? PHASE.waiting : PHASE.running)
  }

  /** A task that has started asks a person, or continues: by the log. */
  pass(task: number, phase: typeof PHASE.running | typeof PHASE.waiting): void {
    this.#setPhase(task, this.#columns.phase, phase)
  }

  /** A task that has started gives back its slot until `add` and `next`. Transient. */
  detach(task: number): void {
    if (!this.holds(task)) return
    this.#heldCount -= 1
    this.#detached ??= new Set()
    this.#detached.add(task)
  }

  /** Whether a task has started and holds a slot. */
  holds(task: number): boolean {
    const phase = this.#columns.phase[task]
    const hasStarted = phase === PHASE.running || (phase === PHASE.waiting && this.#columns.attempts[task] !== 0)
    return hasStarted && this.#detached?.has(task) !== true
  }

  /** Releases the slot of a task, if it holds one; call this before its phase changes. */
  leave(task: number): void {
    const phase = this.#columns.phase[task]
    if (phase === PHASE.running) this.#runningCount -= 1
    if (this.holds(task)) this.#heldCount -= 1
    else if (this.#detached?.delete(task)) this.ready.retain(each => each !== task)
  }

  #setPhase(task: number, phase: Uint8Array, next: number): void {
    const before = phase[task]
    if (before !== PHASE.running && next === PHASE.running) this.#runningCount += 1
    else if (before === PHASE.running && next !== PHASE.running) this.#runningCount -= 1
    phase[task] = next
  }
}
