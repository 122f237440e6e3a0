import type { Schedule } from '../events/events.ts'
import { type PermitSource, ReadyTasks } from './ready-tasks.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import type { TaskGraph } from './task-graph.ts'

/**
 * The slots of an execution and the tasks that wait for one. Which tasks are ready follows from the table; which starts are
 * chosen and not in the log yet is transient.
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

  /** Tasks that run, by the log. */
  get runningCount(): number {
    return this.#runningCount
  }

  /** From here on ready tasks are kept in order. */
  open(): void {
    this.#isOpen = true
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** A task could start. */
  add(task: number): void {
    if (this.#isOpen) this.ready.add(task)
  }

  /** The next task to start; it holds a slot from now on. `undefined` while there is none, or no slot. */
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
    // Once the queue is open every start was chosen by `next`.
    if (this.#isOpen) this.#reservedCount -= 1
    if (phase[task] !== PHASE.running) this.#runningCount += 1
    phase[task] = PHASE.running
  }

  /** A task that holds a slot gives it back; call this before its phase changes. */
  leave(task: number): void {
    if (this.#columns.phase[task] === PHASE.running) this.#runningCount -= 1
  }
}
