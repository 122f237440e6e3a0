import { PHASE, type TaskColumns } from '../task-columns.ts'
import type { TaskGraph } from '../task-graph.ts'
import type { TaskGroup } from '../task-group.ts'

/**
 * The tasks that could start but for their plan, which is still being written: those that may call a tool that is not read-only.
 * `plan_sealed` opens the hold of the document, the success of its planner that of a planned group.
 */
export class PlanHold {
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #held = new Map<TaskGroup, number[]>()

  /** @param holdsWrites whether tools that are not read-only wait for the seal of the document */
  constructor(graph: TaskGraph, columns: TaskColumns, isUnsealed: boolean, holdsWrites: boolean) {
    this.#graph = graph
    this.#columns = columns
    graph.root.isSealed = !isUnsealed
    graph.root.holdsWrites = holdsWrites
  }

  /** Whether the plan of the document is complete. */
  get isSealed(): boolean {
    return this.#graph.root.isSealed
  }

  /** Keeps a task that could start. @returns whether it waits for the seal */
  keep(task: number): boolean {
    const group = this.#graph.groupOf(task)
    if (group.isSealed || !group.holdsWrites || this.#graph.grownAt(task)?.isReadOnly !== false) return false
    const held = this.#held.get(group)
    if (held === undefined) this.#held.set(group, [task])
    else held.push(task)
    return true
  }

  /** The plan of a group is complete. @returns the tasks that waited for it */
  open(group: TaskGroup): number[] {
    group.isSealed = true
    const held = this.#held.get(group) ?? []
    this.#held.delete(group)
    return held.filter(task => this.#columns.phase[task] === PHASE.blocked)
  }
}
