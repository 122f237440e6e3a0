import type { Schedule } from '../events/events.ts'
import { type PermitSource, ReadyTasks } from './ready-tasks.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import type { TaskGraph } from './task-graph.ts'

/**
 * The slots of an execution and the tasks that wait for one. Readiness is derived from the table; starts that are chosen but
 * not in the log yet are transient.
 */
export class StartQueue {
  readonly ready: ReadyTasks
  readonly #columns: TaskColumns
  readonly #maxConcurrency: number
  #isOpen = false
  #runningCount = 0
  #reservedCount = 0

  constructor(graph: TaskGraph, columns: TaskColumns, schedule: Schedule, maxConcurrency: number) {
    this.ready = new ReadyTasks(graph, schedule)
    this.#columns = columns
    this.#maxConcurrency = maxConcurrency
  }

  /** Number of running tasks by the log. */
  get runningCount(): number {
    return this.#runningCount
  }

  /** Starts to keep ready tasks in order. */
  open(): void {
    this.#isOpen = true
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Adds a ready task. */
  add(task: number): void {
    if (this.#isOpen) this.ready.add(task)
  }

  /** Takes the next task to start, which then holds a slot; `undefined` if there is no ready task or no slot. */
  next(permits: PermitSource | undefined): number | undefined {
    if (this.#runningCount + this.#reservedCount >= this.#maxConcurrency) return undefined
    const task = this.ready.take(permits)
    if (task === undefined) return undefined
    this.#reservedCount += 1
    return task
  }

  /** The start of a task is in the log. */
  started(task: number): void {
    const { phase } = this.#columns
    // Once the queue is open, every start was reserved by `next`.
    if (this.#isOpen) this.#reservedCount -= 1
    if (phase[task] !== PHASE.running) this.#runningCount += 1
    phase[task] = PHASE.running
  }

  /** Releases the slot of a task, if it holds one; call this before its phase changes. */
  leave(task: number): void {
    if (this.#columns.phase[task] === PHASE.running) this.#runningCount -= 1
  }
}
