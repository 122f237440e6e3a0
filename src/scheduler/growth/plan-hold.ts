import { PHASE, type TaskColumns } from '../task-columns.ts'
import type { TaskGraph } from '../task-graph.ts'

/**
 * The tasks that could start but for their plan, which is still being written: those that may call a tool that is not read-only.
 * `plan_sealed` opens the hold.
 */
export class PlanHold {
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #holdsWrites: boolean
  #isOpen: boolean
  readonly #held: number[] = []

  /** @param holdsWrites whether tools that are not read-only wait for the seal */
  constructor(graph: TaskGraph, columns: TaskColumns, isUnsealed: boolean, holdsWrites: boolean) {
    this.#graph = graph
    this.#columns = columns
    this.#isOpen = !isUnsealed
    this.#holdsWrites = holdsWrites
  }

  /** Whether the plan is complete. */
  get isSealed(): boolean {
    return this.#isOpen
  }

  /** Keeps a task that could start. @returns whether it waits for the seal */
  keep(task: number): boolean {
    if (this.#isOpen || !this.#holdsWrites || this.#graph.grownAt(task)?.isReadOnly !== false) return false
    this.#held.push(task)
    return true
  }

  /** The plan is complete. @returns the tasks that waited for it */
  open(): number[] {
    this.#isOpen = true
    return this.#held.splice(0).filter(task => this.#columns.phase[task] === PHASE.blocked)
  }
}
