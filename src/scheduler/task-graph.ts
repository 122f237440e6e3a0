import type { AddedTask, Schedule } from '../events/events.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import { TaskGroup } from './task-group.ts'

/** The tasks of one execution by index, their layers and dependents: those of its plan, and those that were added. */
export class TaskGraph {
  readonly plan: ExecutionPlan
  /** The tasks of the document. */
  readonly root: TaskGroup
  /** How many there are. */
  size: number
  /** How many layers the document has. */
  layerCount: number
  readonly #schedule: Schedule
  readonly #planSize: number
  /** The tasks that were added: as their events describe them, and the groups that they joined. */
  readonly #added: AddedTask[] = []
  readonly #groupsOfAdded: TaskGroup[] = []
  /** The parents of tasks that no plan describes; once there are some. */
  #parents: Map<number, number> | undefined
  /** Edges that no plan has, and the tasks of its layers that it does not have; once there are some. */
  #addedDependents: Map<number, number[]> | undefined
  #addedInLayer: Map<number, number[]> | undefined
  #indexById: Map<string, number> | undefined
  /** Groups whose parent has not ended, by parent. */
  #groups: Map<number, TaskGroup> | undefined

  constructor(plan: ExecutionPlan, schedule: Schedule) {
    this.plan = plan
    this.size = plan.tasks.length
    this.layerCount = plan.finallyLayer
    this.#schedule = schedule
    this.#planSize = this.size
    this.root = new TaskGroup({ parent: -1, plan, schedule, layers: this })
  }

  /** Opens the group of a parent, which has started. */
  open(parent: number, itemCount: number | undefined, openedAtMs: number): void {
    const definition = this.taskAt(parent)?.group
    const plan = definition?.kind === 'workflow' ? definition.plan : undefined
    const outer = this.groupOf(parent)
    const given = { parent, outer, definition, plan, itemCount, openedAtMs, schedule: this.#schedule }
    const group = new TaskGroup(given)
    // A stop reaches what is opened after it.
    group.stop = this.stopOf(parent)
    ;(this.#groups ??= new Map()).set(parent, group)
  }

  /** The parent has ended. */
  close(parent: number): void {
    this.#groups?.delete(parent)
  }

  /** The open group of this parent. */
  groupBelow(parent: number): TaskGroup | undefined {
    return this.#groups?.get(parent)
  }

  /** Whether the document or a group that is open has `finally` tasks. */
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

  /** Adds a task to the document, behind all others. Dependencies that there are not are left out. @returns its dependencies */
  add(added: AddedTask, parent: number | undefined): readonly number[] {
    const { layer, dependsOn } = added
    const dependencies = new Set(dependsOn.flatMap(id => this.indexOf(id) ?? []))
    const task = this.size
    this.#push(added, this.root)
    if (parent !== undefined) (this.#parents ??= new Map()).set(task, parent)
    this.layerCount = Math.max(this.layerCount, layer + 1)
    append((this.#addedInLayer ??= new Map()), layer, task)
    for (const dependency of dependencies) append((this.#addedDependents ??= new Map()), dependency, task)
    return [...dependencies]
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

  /** What a task does; its `id` is that in its own workflow. `undefined` for a task that no plan describes. */
  taskAt(task: number): PlannedTask | undefined {
    if (task < this.#planSize) return this.plan.tasks[task]
    const { outer, plan, base, definition } = this.groupOf(task)
    if (outer === undefined || definition === undefined) return undefined
    return definition.kind === 'workflow' ? plan?.tasks[task - base] : definition.body
  }

  /** Whether the engine decides on a task before it starts: on its condition, its approval, or its children. */
  needsDecision(task: number): boolean {
    const definition = this.plan.usesLanguage ? this.taskAt(task) : undefined
    return definition?.group !== undefined || definition?.when !== undefined || definition?.approve !== undefined
  }

  /** As its event describes it; `undefined` for a task of the plan. */
  addedTask(task: number): AddedTask | undefined {
    return this.#added[task - this.#planSize]
  }

  /** The task of the document that a task belongs to: itself or an ancestor. */
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

  /** Why a task does not start any more. */
  stopOf(task: number): TaskGroup['stop'] {
    const group = this.groupOf(task)
    return group.isFinally(task) ? group.finallyStop : group.stop
  }

  /** Whether a task is a `finally` task, or belongs to one. */
  isInFinally(task: number): boolean {
    for (let group: TaskGroup | undefined = this.groupOf(task), at = task; group !== undefined; group = group.outer) {
      if (group.isFinally(at)) return true
      at = group.parent
    }
    return false
  }

  /** The added tasks that depend on this one; the plans have the others. */
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

  /** Made on first use: a live execution knows the index of what it records. */
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
