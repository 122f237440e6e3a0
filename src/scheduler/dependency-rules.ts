import { PHASE, type TaskColumns } from './task-columns.ts'
import { END, type End, EndTallies } from './task-ends.ts'
import type { TaskGraph } from './task-graph.ts'

/** Calls back with each blocked task whose rule has come to a decision. */
export interface DecisionListener {
  startable(task: number, now: number): void
  skippable(task: number): void
}

/** Counts how dependencies end, and applies the rule to the tasks that wait for them. A constant amount of work per dependency. */
export class DependencyRules {
  readonly #graph: TaskGraph
  /** The dependents of the plan's tasks. */
  readonly #starts: readonly number[]
  readonly #targets: readonly number[]
  readonly #columns: TaskColumns
  readonly #listener: DecisionListener
  readonly #tallies = new EndTallies()

  constructor(graph: TaskGraph, columns: TaskColumns, listener: DecisionListener) {
    this.#graph = graph
    this.#starts = graph.plan.dependents.starts
    this.#targets = graph.plan.dependents.targets
    this.#columns = columns
    this.#listener = listener
  }

  /** It is decided how a task ends: tells its dependents. */
  ended(task: number, end: End, now: number): void {
    this.#columns.end[task] = end + 1
    const starts = this.#starts
    const targets = this.#targets
    if (task + 1 < starts.length) {
      const last = starts[task + 1] as number
      for (let at = starts[task] as number; at < last; at++) this.#tell(targets[at] as number, end, now)
    }
    const added = this.#graph.addedDependents(task)
    if (added !== undefined) for (const dependent of added) this.#tell(dependent, end, now)
  }

  /** Applies the rule to a blocked task. */
  consider(task: number, now: number): void {
    const decision = this.#tallies.decide(task, this.#columns.unsettled[task] as number)
    if (decision === 'start') this.#listener.startable(task, now)
    else if (decision === 'skip') this.#listener.skippable(task)
  }

  /** A task joins, with dependencies some of which may have ended. */
  add(task: number, dependencies: readonly number[]): void {
    for (const dependency of dependencies) {
      const end = this.#columns.end[dependency] as number
      if (end === 0) this.#columns.unsettled[task] = (this.#columns.unsettled[task] as number) + 1
      else if (end - 1 !== END.succeeded) this.#tallies.add(task, (end - 1) as End, this.#graph.size)
    }
  }

  /** How the dependencies of a task ended other than by success, by `End`. */
  endsOf(task: number): number[] {
    return this.#tallies.of(task)
  }

  #tell(dependent: number, end: End, now: number): void {
    const { unsettled, phase } = this.#columns
    const left = (unsettled[dependent] as number) - 1
    unsettled[dependent] = left
    if (end !== END.succeeded) this.#tallies.add(dependent, end, this.#graph.size)
    else if (left > 0) return
    if (phase[dependent] === PHASE.blocked) this.consider(dependent, now)
  }
}
