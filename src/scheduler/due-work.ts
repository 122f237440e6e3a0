import { PHASE, type TaskColumns } from './task-columns.ts'

/**
 * Tasks and parents that wait for a decision of the engine, which depends on values: whether the condition of a task holds,
 * which children a parent has, how a parent ends. Transient: derived from the table.
 */
export class DueWork {
  readonly #columns: TaskColumns
  /** Tasks whose dependencies allow them to start. */
  #tasks: number[] = []
  #taken = 0
  /** Parents whose children have started, ended, or are to be added. */
  #parents: Set<number> | undefined

  constructor(columns: TaskColumns) {
    this.#columns = columns
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && (this.#parents === undefined || this.#parents.size === 0)
  }

  addTask(task: number): void {
    this.#tasks.push(task)
  }

  addParent(parent: number): void {
    this.#parents ??= new Set()
    this.#parents.add(parent)
  }

  /** Takes the next task to decide on; each is returned once. */
  takeTask(): number | undefined {
    while (this.#taken < this.#tasks.length) {
      const task = this.#tasks[this.#taken] as number
      this.#taken += 1
      if (this.#columns.phase[task] === PHASE.ready) return task
    }
    this.#tasks = []
    this.#taken = 0
    return undefined
  }

  /** Drops the tasks that can no longer start: each is added again once it can. */
  prune(): void {
    const { phase } = this.#columns
    this.#tasks = this.#tasks.filter((task, at) => at >= this.#taken && phase[task] === PHASE.ready)
    this.#taken = 0
  }

  /** The next parent to look after; it is given again once one of its children has ended. */
  takeParent(): number | undefined {
    for (const parent of this.#parents ?? []) {
      this.#parents?.delete(parent)
      if (this.#columns.phase[parent] === PHASE.open) return parent
    }
    return undefined
  }
}
