import type { PlannedTask } from '../plan/execution-plan.ts'
import type { RunOn } from '../workflow/document.ts'
import { listReferredTasks } from '../workflow/template.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import { END, type End, EndTallies, isHarmlessSkip, type SkipCode } from './task-ends.ts'
import type { TaskGraph } from './task-graph.ts'

/** Receives each blocked task whose rule has reached a decision. */
export interface DecisionListener {
  startable(task: number, now: number): void
  skippable(task: number, code: SkipCode): void
}

/** Counts the ends of dependencies, and applies the rule to their dependents. Constant work per dependency. */
export class DependencyRules {
  readonly #graph: TaskGraph
  /** The dependents of the document's tasks. */
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

  /** The end of a task is decided: updates its dependents. */
  ended(task: number, end: End, now: number): void {
    this.#columns.end[task] = end + 1
    const starts = this.#starts
    const targets = this.#targets
    if (task + 1 < starts.length) {
      const last = starts[task + 1] as number
      for (let at = starts[task] as number; at < last; at++) this.#tell(targets[at] as number, end, now)
    } else this.#tellInside(task, end, now)
    const added = this.#graph.addedDependents(task)
    if (added !== undefined) for (const dependent of added) this.#tell(dependent, end, now)
  }

  /** Applies the rule to a blocked task. */
  consider(task: number, now: number): void {
    const unsettled = this.#columns.unsettled[task] as number
    const decision = this.#tallies.decide(task, this.#runOnOf(task), unsettled, this.#readsSkipped)
    if (decision === 'start') this.#listener.startable(task, now)
    else if (decision !== 'wait') this.#listener.skippable(task, decision)
  }

  /** Adds a task to the document; some of its dependencies may have ended. */
  add(task: number, dependencies: readonly number[]): void {
    for (const dependency of dependencies) {
      const end = this.#columns.end[dependency] as number
      if (end === 0) this.#columns.unsettled[task] = (this.#columns.unsettled[task] as number) + 1
      else if (end - 1 !== END.succeeded) this.#tallies.add(task, (end - 1) as End, this.#graph.size)
    }
  }

  readonly #readsSkipped = (task: number): boolean => this.findSkipped(task) !== undefined

  /** The first dependency that a task reads and whose skip was no failure. */
  findSkipped(task: number): number | undefined {
    return this.#readsOf(task).find(read => isHarmlessSkip(this.#endOf(read)))
  }

  /** The dependencies that a task refers to. */
  #readsOf(task: number): readonly number[] {
    const graph = this.#graph
    const grown = graph.grownAt(task)
    const { plan, base, outer, prefix } = graph.groupOf(task)
    if (grown !== undefined) return grown.reads.flatMap(id => graph.indexOf(prefix + id) ?? [])
    const reads = plan?.reads?.[task - base]
    if (outer !== undefined) return reads?.map(read => base + read) ?? []
    if (reads === undefined) return this.#findReads(graph.taskAt(task))
    // A dependency that was replaced has another index.
    return graph.removedCount === 0 ? reads : reads.flatMap(read => graph.indexOf(graph.idOf(read)) ?? [])
  }

  /** Those of a task whose document did not use the language before others joined it: it refers in its arguments alone. */
  #findReads(task: PlannedTask | undefined): readonly number[] {
    if (task === undefined) return []
    return [...new Set(listReferredTasks(task.arguments))].flatMap(id => this.#graph.indexOf(id) ?? [])
  }

  /** Numbers of dependencies of a task that ended other than by success, by `End`. */
  endsOf(task: number): number[] {
    return this.#tallies.of(task)
  }

  /** −1 before the end is decided. */
  #endOf(task: number): End {
    return ((this.#columns.end[task] as number) - 1) as End
  }

  #runOnOf(task: number): RunOn {
    // Fast path: no task of the document has a rule of its own.
    if (!this.#graph.usesLanguage) return 'success'
    return this.#graph.taskAt(task)?.runOn ?? 'success'
  }

  /** Updates the dependents of a task of a sub-workflow. */
  #tellInside(task: number, end: End, now: number): void {
    const { plan, base, outer } = this.#graph.groupOf(task)
    if (plan === undefined || outer === undefined) return
    const { starts, targets } = plan.dependents
    const last = starts[task - base + 1] as number
    for (let at = starts[task - base] as number; at < last; at++) this.#tell(base + (targets[at] as number), end, now)
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
