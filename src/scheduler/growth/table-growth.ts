import type { AddedTask, EventFor } from '../../events/events.ts'
import type { GroupProgress } from '../group-progress.ts'
import type { GroupStops } from '../group-stops.ts'
import { type End, isFailure } from '../task-ends.ts'
import type { StartQueue } from '../start-queue.ts'
import type { PlanHold } from './plan-hold.ts'
import type { AppliedEvent } from '../table-input.ts'
import { PHASE, type TaskColumns } from '../task-columns.ts'
import type { TaskGraph } from '../task-graph.ts'
import type { TaskGroup } from '../task-group.ts'

type GrowthEvent = Extract<
  AppliedEvent,
  { readonly type: 'tasks_added' | 'tasks_removed' | 'plan_rejected' | 'plan_sealed' }
>

/** Adds tasks to a table while its execution runs. */
export class TableGrowth {
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #stops: GroupStops
  readonly #progress: GroupProgress
  readonly #starts: StartQueue
  readonly #hold: PlanHold

  constructor(
    graph: TaskGraph,
    columns: TaskColumns,
    stops: GroupStops,
    progress: GroupProgress,
    starts: StartQueue,
    hold: PlanHold,
  ) {
    this.#hold = hold
    this.#starts = starts
    this.#graph = graph
    this.#columns = columns
    this.#stops = stops
    this.#progress = progress
  }

  /**
   * Adds the children of a parent whose plan describes them, or tasks of the document.
   * @param index of the parent; −1 to look it up by its id
   */
  #add({ tasks, parentId }: EventFor<'tasks_added'>['data'], index: number, now: number): void {
    const parent = parentId === undefined ? undefined : index < 0 ? this.#graph.indexOf(parentId) : index
    const group = parent === undefined ? undefined : this.#graph.groupBelow(parent)
    if (group !== undefined) return this.#addChildren(group, tasks, now)
    for (const added of tasks) this.#addTask(added, parent, now)
    this.#progress.proceed(this.#graph.root, now)
  }

  /** @returns the change of the number of unsettled tasks */
  apply({ type, data, taskIndex = -1 }: GrowthEvent, now: number): number {
    if (type === 'tasks_removed') return -this.#remove(data, now)
    if (type === 'tasks_added') {
      this.#add(data, taskIndex, now)
      return data.tasks.length
    }
    if (type === 'plan_sealed') {
      for (const task of this.#hold.open(this.#graph.root)) this.#progress.rules.consider(task, now)
      this.#progress.proceed(this.#graph.root, now)
    }
    return 0
  }

  /** Removes tasks of the document that have not started. @returns their number */
  #remove({ taskIds }: EventFor<'tasks_removed'>['data'], now: number): number {
    const { phase } = this.#columns
    let count = 0
    for (const taskId of taskIds) {
      const task = this.#graph.indexOf(taskId)
      if (task === undefined || (phase[task] !== PHASE.blocked && phase[task] !== PHASE.ready)) continue
      phase[task] = PHASE.settled
      this.#graph.groupOf(task).leave(task, this.#graph.layerOf(task))
      this.#graph.remove(task)
      count += 1
    }
    this.#starts.ready.retain(task => phase[task] !== PHASE.settled)
    this.#progress.proceed(this.#graph.root, now)
    return count
  }

  #addChildren(group: TaskGroup, tasks: readonly AddedTask[], now: number): void {
    if (tasks[0]?.definition !== undefined) {
      for (const task of tasks) this.#growGroup(group, task, now)
      return
    }
    const added = tasks.map(task => this.#graph.addChild(group, task))
    this.#columns.grow(this.#graph.size)
    const { plan, base, stop, finallyStop } = group
    if (plan !== undefined) {
      for (const task of added) this.#columns.unsettled[task] = plan.dependencyCounts[task - base] ?? 0
    }
    const isStopped = (task: number): boolean => (group.isFinally(task) ? finallyStop : stop) !== undefined
    const why = finallyStop ?? stop
    if (why !== undefined) this.#stops.end(added.filter(isStopped), why)
    if (plan !== undefined) this.#progress.begin(group, now)
    else if (why === undefined) for (const task of added) this.#progress.rules.consider(task, now)
  }

  /** Adds a task that the plan of the execution does not describe to the document. */
  #addTask(added: AddedTask, parent: number | undefined, now: number): void {
    const { root } = this.#graph
    const task = this.#graph.size
    const dependencies = this.#graph.add(added, parent)
    root.enter(added.layer)
    this.#graph.inherit(task)
    this.#begin(task, root, dependencies, now)
  }

  /** Adds a task of a plan that is being written to the group of that plan. */
  #growGroup(group: TaskGroup, added: AddedTask, now: number): void {
    const task = this.#graph.size
    this.#begin(task, group, this.#graph.grow(added, group), now)
  }

  #begin(task: number, { stop }: TaskGroup, dependencies: readonly number[], now: number): void {
    this.#columns.grow(this.#graph.size)
    this.#progress.rules.add(task, dependencies)
    const grown = this.#graph.grownAt(task)
    if (grown !== undefined) this.#starts.ready.addLimits(grown.planned)
    if (stop !== undefined) return this.#stops.end([task], stop)
    const { end } = this.#columns
    const failed = dependencies.find(each => isFailure(((end[each] as number) - 1) as End))
    this.#progress.consider(task, failed === undefined ? undefined : this.#graph.idOf(failed), now)
  }
}
