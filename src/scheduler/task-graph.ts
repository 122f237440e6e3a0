import type { AddedTask, Schedule } from '../events/events.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import type { GrownTask, GrownTasks } from '../plan/growing-plan.ts'
import { findApproved } from './ancestors.ts'
import { TaskGroup } from './task-group.ts'

/** The planned and added tasks of one execution by index, with their layers and dependents. */
export class TaskGraph {
  readonly plan: ExecutionPlan
  /** The tasks of the document. */
  readonly root: TaskGroup
  /** Number of tasks. */
  size: number
  /** Number of layers of the document. */
  layerCount: number
  /** Finds the plans of tasks that join the document. */
  grown: GrownTasks | undefined
  /** Number of removed tasks, which keep their indices. */
  removedCount = 0
  /** Whether a task is more than one call of one tool, after the success of its dependencies. */
  usesLanguage: boolean
  readonly #schedule: Schedule
  readonly #planSize: number
  /** The added tasks as described by their events, and their groups. */
  readonly #added: AddedTask[] = []
  readonly #groupsOfAdded: TaskGroup[] = []
  /** The plans of those that joined the document, by index among the added tasks. */
  readonly #grown: GrownTask[] = []
  /** By id: the index of a removed task, whose dependents a new task with this id gets. */
  #removed: Map<string, number> | undefined
  /** The parents of tasks that no plan describes; created on first use. */
  #parents: Map<number, number> | undefined
  /** Edges and layer members that no plan contains; created on first use. */
  #addedDependents: Map<number, number[]> | undefined
  #addedInLayer: Map<number, number[]> | undefined
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

  /** Opens the group of a started parent. */
  open(parent: number, itemCount: number | undefined, openedAtMs: number): void {
    const definition = this.taskAt(parent)?.group
    const plan = definition?.kind === 'workflow' ? definition.plan : undefined
    const outer = this.groupOf(parent)
    const given = { parent, outer, definition, plan, itemCount, openedAtMs, schedule: this.#schedule }
    const group = new TaskGroup(given)
    // A stop applies to groups that open later, too.
    group.stop = this.stopOf(parent)
    ;(this.#groups ??= new Map()).set(parent, group)
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
    const grown = added.definition === undefined ? undefined : this.grown?.find(added.taskId)
    const dependencies = new Set<number>()
    for (const id of (grown ?? added).dependsOn) {
      const dependency = this.indexOf(id)
      if (dependency !== undefined) dependencies.add(dependency)
    }
    const task = this.size
    if (grown !== undefined) {
      this.#grown[task - this.#planSize] = grown
      this.usesLanguage ||= grown.usesWords
    }
    this.#push(added, this.root)
    if (parent !== undefined) (this.#parents ??= new Map()).set(task, parent)
    this.layerCount = Math.max(this.layerCount, layer + 1)
    append((this.#addedInLayer ??= new Map()), layer, task)
    for (const dependency of dependencies) append((this.#addedDependents ??= new Map()), dependency, task)
    return [...dependencies]
  }

  /** Removes a task of the document: its id is free again. */
  remove(task: number): void {
    const id = this.idOf(task)
    this.#ids.delete(id)
    ;(this.#removed ??= new Map()).set(id, task)
    this.removedCount += 1
  }

  /** Passes the dependents of a removed task to the one that has its id now. */
  inherit(task: number): void {
    const before = this.#removed?.get(this.idOf(task))
    if (before === undefined) return
    this.#removed?.delete(this.idOf(task))
    const { starts, targets } = this.plan.dependents
    const planned = before < this.#planSize ? targets.slice(starts[before], starts[before + 1]) : []
    for (const dependent of [...planned, ...(this.#addedDependents?.get(before) ?? [])]) {
      append((this.#addedDependents ??= new Map()), task, dependent)
    }
  }

  /** The plan of a task that joined the document. */
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

  /**
   * Whether the engine must decide on a task before it starts: on its condition, its approval, its children, or an earlier
   * output.
   */
  needsDecision(task: number): boolean {
    const definition = this.usesLanguage ? this.taskAt(task) : undefined
    if (definition === undefined) return false
    const { group, when, approve, cache } = definition
    if (group !== undefined || when !== undefined || approve !== undefined || cache !== undefined) return true
    return findApproved(this, task) !== undefined
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
    return this.#addedDependents?.get(task)
  }

  /** As `tasksOfLayer`. */
  sizeOfLayer(layer: number): number {
    return this.tasksOfLayer(layer).length
  }

  /** In the order of their indices, without `finally` tasks. */
  tasksOfLayer(layer: number): readonly number[] {
    const planned = layer < this.plan.finallyLayer ? (this.plan.layerIndices[layer] ?? []) : []
    const added = this.#addedInLayer?.get(layer)
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

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
