import { type DecisionListener, DependencyRules } from './dependency-rules.ts'
import type { ExecutionHistory } from './execution-history.ts'
import { type PendingSettlements, SkipCascade } from './pending-settlements.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import type { PlanHold } from './growth/plan-hold.ts'
import { END, type End, endOfSkip, type SkipCode } from './task-ends.ts'
import type { TaskGraph } from './task-graph.ts'
import type { TaskGroup } from './task-group.ts'

/**
 * Applies the consequences of the end of a task to its group: other tasks become ready, are skipped, or continue to wait.
 */
export class GroupProgress implements DecisionListener {
  readonly rules: DependencyRules
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #history: ExecutionHistory
  readonly #endings: PendingSettlements
  readonly #hold: PlanHold
  readonly #onReady: (task: number, now: number) => void
  /** Created by the first skip: most executions have none. */
  #skips: SkipCascade | undefined
  /** The task whose failure is being propagated. */
  #cause: string | undefined

  constructor(
    graph: TaskGraph,
    columns: TaskColumns,
    history: ExecutionHistory,
    endings: PendingSettlements,
    hold: PlanHold,
    onReady: (task: number, now: number) => void,
  ) {
    this.rules = new DependencyRules(graph, columns, this)
    this.#graph = graph
    this.#columns = columns
    this.#history = history
    this.#endings = endings
    this.#hold = hold
    this.#onReady = onReady
  }

  /** Opens the first layer of a workflow whose tasks have been added. */
  begin(group: TaskGroup, now: number): void {
    const first = group.firstTasks()
    for (let at = 0; at < first.length; at++) {
      const task = group.base + (first[at] as number)
      if (this.#columns.phase[task] === PHASE.blocked) this.rules.consider(task, now)
    }
    this.proceed(group, now)
  }

  /**
   * The end of a task is decided. Its layer no longer waits for it: its end is recorded before any task of a later layer
   * starts.
   * @param cause of a failure: the task that failed first
   */
  decideEnd(task: number, end: End, cause: string | undefined, now: number): void {
    this.#cause = cause
    const group = this.#graph.groupOf(task)
    group.leave(task, this.#graph.layerOf(task))
    this.rules.ended(task, end, now)
    this.#cause = undefined
    // The plan is complete.
    if (end === END.succeeded && group.isPlanner(task)) {
      for (const held of this.#hold.open(group)) this.rules.consider(held, now)
    }
  }

  /** Applies the rule to a task that joins the document. @param cause its dependency that failed, if one has */
  consider(task: number, cause: string | undefined, now: number): void {
    this.#cause = cause
    this.rules.consider(task, now)
    this.#cause = undefined
    this.skip(now)
  }

  /** Ends the tasks that the rules skip, and their dependents in turn. */
  skip(now: number): void {
    const skips = this.#skips
    if (skips === undefined || skips.isEmpty) return
    const { phase } = this.#columns
    const isBlocked = (task: number): boolean => phase[task] === PHASE.blocked
    for (let skip = skips.take(isBlocked); skip !== undefined; skip = skips.take(isBlocked)) {
      const { task, code, causedBy } = skip
      phase[task] = PHASE.ending
      this.decideEnd(task, endOfSkip(code), causedBy, now)
    }
    for (const ending of skips.collect()) this.#endings.add(ending)
  }

  /** Ends the tasks that the rules skip and opens layers, until neither has a further effect. */
  proceed(group: TaskGroup, now: number): void {
    for (;;) {
      this.skip(now)
      const opened = group.advance(this.#history)
      if (opened === undefined) return
      for (let at = 0; at < opened.length; at++) {
        const task = opened[at] as number
        if (this.#columns.phase[task] === PHASE.blocked) this.rules.consider(task, now)
      }
    }
  }

  /** Called by the rules. */
  startable(task: number, now: number): void {
    if (!this.#graph.groupOf(task).isOpenFor(task, this.#graph.layerOf(task))) return
    if (!this.#hold.keep(task)) this.#onReady(task, now)
  }

  /** Called by the rules. */
  skippable(task: number, code: SkipCode): void {
    this.#skips ??= new SkipCascade()
    this.#skips.add(task, code, this.#causeOf(task, code))
  }

  #causeOf(task: number, code: SkipCode): string | undefined {
    if (code === 'NOT_NEEDED') return undefined
    if (code === 'DEPENDENCY_FAILED') return this.#cause
    const skipped = this.rules.findSkipped(task)
    return skipped === undefined ? undefined : this.#graph.idOf(skipped)
  }
}
