import { PHASE, type TaskColumns } from './task-columns.ts'

/**
 * What waits for a decision outside of the table, which the engine takes from values: whether the condition of a task holds,
 * what the children of a parent are, how a parent ends. Transient: it follows from the table.
 */
export class DueWork {
  readonly #columns: TaskColumns
  /**
   * Tasks whose dependencies allow them to start. A set: a `finally` task that became ready may be taken back, because a task
   * started after all, and become ready again before the first decision.
   */
  readonly #tasks = new Set<number>()
  /** Parents whose children have started, ended, or are to be added. */
  #parents: Set<number> | undefined

  constructor(columns: TaskColumns) {
    this.#columns = columns
  }

  get isEmpty(): boolean {
    return this.#tasks.size === 0 && (this.#parents === undefined || this.#parents.size === 0)
  }

  addTask(task: number): void {
    this.#tasks.add(task)
  }

  addParent(parent: number): void {
    this.#parents ??= new Set()
    this.#parents.add(parent)
  }

  /** The next task to decide on; each is given once. */
  takeTask(): number | undefined {
    for (const task of this.#tasks) {
      this.#tasks.delete(task)
      if (this.#columns.phase[task] === PHASE.ready) return task
    }
    return undefined
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
