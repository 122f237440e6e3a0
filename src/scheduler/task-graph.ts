import type { AddedTask, EventFor, Schedule } from '../events/events.ts'
import type { ExecutionPlan, Group, PlannedTask } from '../plan/execution-plan.ts'
import type { GrownTask } from '../plan/growing-plan.ts'
import { AddedEdges } from './growth/added-edges.ts'
import { TaskGroup } from './task-group.ts'

type Eager = NonNullable<EventFor<'task_start'>['data']['eager']>

/** The planned and added tasks of one execution by index, with their layers and dependents. */
export class TaskGraph {
  readonly plan: ExecutionPlan
  /** The tasks of the document. */
  readonly root: TaskGroup
  /** Number of tasks. */
  size: number
  /** Number of layers of the document. */
  layerCount: number
  /** Whether a task is more than one call of one tool, after the success of its dependencies. */
  usesLanguage: boolean
  readonly #schedule: Schedule
  readonly #planSize: number
  /** The added tasks as described by their events, and their groups. */
  readonly #added: AddedTask[] = []
  readonly #groupsOfAdded: TaskGroup[] = []
  /** The plans of those that joined the document or a plan, by index among the added tasks. */
  readonly #grown: GrownTask[] = []
  readonly #edges = new AddedEdges()
  /** The parents of tasks that no plan describes; created on first use. */
  #parents: Map<number, number> | undefined
  #indexById: Map<string, number> | undefined
  /** Groups whose parent has not ended, by parent. */
  #groups: Map<number, TaskGroup> | undefined

  constructor(plan: ExecutionPlan, schedule: Schedule) {
    this.plan = plan
    this.size = plan.tasks.length
    this.layerCount = plan.finallyLayer
    this.usesLanguage = plan.usesLanguage
    this.#schedule = schedule
    this.#planSize = this.size
    this.root = new TaskGroup({ parent: -1, plan, schedule, layers: this })
  }

  /** Opens the group of a started parent. @param eager as in its `task_start` */
  open(parent: number, itemCount: number | undefined, eager: Eager | undefined, openedAtMs: number): void {
    const definition = this.#groupOf(parent, eager)
    const plan = definition?.kind === 'workflow' ? definition.plan : undefined
    const outer = this.groupOf(parent)
    const prefix = `${this.idOf(parent)}/`
    const given = { parent, outer, definition, plan, itemCount, openedAtMs, prefix, schedule: this.#schedule }
    const group = new TaskGroup(given)
    group.isSealed = eager === undefined
    group.holdsWrites = eager === 'read-only'
    // A stop applies to groups that open later, too.
    group.stop = this.stopOf(parent)
    ;(this.#groups ??= new Map()).set(parent, group)
  }

  /** How a parent makes its children. Its tool may not plan any more, or not exist: the log tells that it did. */
  #groupOf(parent: number, eager: Eager | undefined): Group | undefined {
    const body = this.taskAt(parent)
    if (eager === undefined || body === undefined || body.group !== undefined) return body?.group
    this.usesLanguage = true
    return { kind: 'plan', body }
  }

  /** Closes the group of an ended parent. */
  close(parent: number): void {
    this.#groups?.delete(parent)
  }

  /** The open group of this parent. */
  groupBelow(parent: number): TaskGroup | undefined {
    return this.#groups?.get(parent)
  }

  /** Whether the document or an open group has `finally` tasks. */
  get hasFinally(): boolean {
    return this.root.hasFinally || Array.from(this.openGroups).some(group => group.hasFinally)
  }

  /** Groups whose parent has not ended. */
  get openGroups(): Iterable<TaskGroup> {
    return this.#groups?.values() ?? []
  }

  /** Adds a child to a group. @returns its index */
  addChild(group: TaskGroup, added: AddedTask): number {
    const task = this.size
    if (group.plan === undefined) group.children.push(task)
    else if (group.base < 0) group.base = task
    this.#push(added, group)
    group.unsettledCount += 1
    return task
  }

  /** Adds a task to the document after all others. Unknown dependencies are ignored. @returns its dependencies */
  add(added: AddedTask, parent: number | undefined): readonly number[] {
    const { layer } = added
    const task = this.size
    const dependencies = this.grow(added, this.root)
    if (parent !== undefined) (this.#parents ??= new Map()).set(task, parent)
    this.layerCount = Math.max(this.layerCount, layer + 1)
    this.#edges.enter(layer, task)
    return dependencies
  }

  /** Adds a task that no plan describes to a group. Unknown dependencies are ignored. @returns its dependencies */
  grow(added: AddedTask, group: TaskGroup): readonly number[] {
    const { taskId, definition } = added
    const grown = definition === undefined ? undefined : group.grown?.find(taskId.slice(group.prefix.length))
    const dependencies = new Set<number>()
    for (const id of grown?.dependsOn.map(each => group.prefix + each) ?? added.dependsOn) {
      const dependency = this.indexOf(id)
      if (dependency !== undefined) dependencies.add(dependency)
    }
    const task = this.size
    if (grown !== undefined) {
      this.#grown[task - this.#planSize] = grown
      this.usesLanguage ||= grown.usesWords
    }
    this.#push(added, group)
    if (group.outer !== undefined) {
      group.children.push(task)
      group.unsettledCount += 1
    }
    for (const dependency of dependencies) this.#edges.connect(dependency, task)
    return [...dependencies]
  }

  /** Removes a task of the document: its id is free again. */
  remove(task: number): void {
    const id = this.idOf(task)
    this.#ids.delete(id)
    this.#edges.remove(id, task)
  }

  /** Number of removed tasks, which keep their indices. */
  get removedCount(): number {
    return this.#edges.removedCount
  }

  /** Passes the dependents of a removed task to the one that has its id now. */
  inherit(task: number): void {
    this.#edges.inherit(this.idOf(task), task, this.plan.dependents)
  }

  /** The plan of a task that joined the document or a plan. */
  grownAt(task: number): GrownTask | undefined {
    return this.#grown[task - this.#planSize]
  }

  indexOf(taskId: string): number | undefined {
    return this.#ids.get(taskId)
  }

  idOf(task: number): string {
    return task < this.#planSize
      ? (this.plan.tasks[task] as PlannedTask).id
      : (this.#added[task - this.#planSize] as AddedTask).taskId
  }

  layerOf(task: number): number {
    return task < this.#planSize
      ? (this.plan.tasks[task] as PlannedTask).layer
      : (this.#added[task - this.#planSize] as AddedTask).layer
  }

  groupOf(task: number): TaskGroup {
    return task < this.#planSize ? this.root : (this.#groupsOfAdded[task - this.#planSize] as TaskGroup)
  }

  /** The planned task, with its `id` in its own workflow; `undefined` for a task that no plan describes. */
  taskAt(task: number): PlannedTask | undefined {
    if (task < this.#planSize) return this.plan.tasks[task]
    const grown = this.grownAt(task)
    if (grown !== undefined) return grown.planned
    const { outer, plan, base, definition } = this.groupOf(task)
    if (outer === undefined || definition === undefined) return undefined
    return definition.kind === 'workflow' ? plan?.tasks[task - base] : definition.body
  }

  /** Whether the children of a task run in its place. */
  isParent(task: number): boolean {
    return this.usesLanguage && this.taskAt(task)?.group !== undefined
  }

  /** The description of an added task by its event; `undefined` for a task of the plan. */
  addedTask(task: number): AddedTask | undefined {
    return this.#added[task - this.#planSize]
  }

  /** The task of the document that contains a task: itself or an ancestor. */
  topOf(task: number): number {
    let top = task
    for (let at = this.#parentOf(top); at >= 0; at = this.#parentOf(top)) top = at
    return top
  }

  /** −1 for a task without a parent. */
  #parentOf(task: number): number {
    const { parent } = this.groupOf(task)
    return parent < 0 ? (this.#parents?.get(task) ?? -1) : parent
  }

  /** The reason for which a task no longer starts. */
  stopOf(task: number): TaskGroup['stop'] {
    const group = this.groupOf(task)
    return group.isFinally(task) ? group.finallyStop : group.stop
  }

  /** The added tasks that depend on this one; plans contain the others. */
  addedDependents(task: number): readonly number[] | undefined {
    return this.#edges.dependentsOf(task)
  }

  /** As `tasksOfLayer`. */
  sizeOfLayer(layer: number): number {
    return this.tasksOfLayer(layer).length
  }

  /** In the order of their indices, without `finally` tasks. */
  tasksOfLayer(layer: number): readonly number[] {
    const planned = layer < this.plan.finallyLayer ? (this.plan.layerIndices[layer] ?? []) : []
    const added = this.#edges.tasksOf(layer)
    return added === undefined ? planned : [...planned, ...added]
  }

  #push(added: AddedTask, group: TaskGroup): void {
    this.#added.push(added)
    this.#groupsOfAdded.push(group)
    this.#indexById?.set(added.taskId, this.size)
    this.size += 1
  }

  /** Built on first use: a live execution knows the indices of its events. */
  get #ids(): Map<string, number> {
    if (this.#indexById === undefined) {
      this.#indexById = new Map()
      for (let task = 0; task < this.size; task++) this.#indexById.set(this.idOf(task), task)
    }
    return this.#indexById
  }
}
