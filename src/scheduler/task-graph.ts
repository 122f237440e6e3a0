import type { AddedTask } from '../events/events.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'

/** A task that was added to an execution. */
export interface GrownTask extends AddedTask {
  /** Index of its parent. */
  readonly parent: number | undefined
}

/** The tasks of one execution by index, their layers and dependents: those of its plan, and those that were added. */
export class TaskGraph {
  readonly plan: ExecutionPlan
  /** How many there are. */
  size: number
  /** How many layers there are. */
  layerCount: number
  readonly #planSize: number
  readonly #added: GrownTask[] = []
  /** Edges that the plan does not have, and the tasks of its layers that it does not have; once there are some. */
  #addedDependents: Map<number, number[]> | undefined
  #addedInLayer: Map<number, number[]> | undefined
  #indexById: Map<string, number> | undefined

  constructor(plan: ExecutionPlan) {
    this.plan = plan
    this.size = plan.tasks.length
    this.layerCount = plan.layerIndices.length
    this.#planSize = this.size
  }

  /** Adds a task, behind all others. Dependencies that there are not are left out. @returns its dependencies */
  add(task: AddedTask, parentId: string | undefined): readonly number[] {
    const parent = parentId === undefined ? undefined : this.indexOf(parentId)
    const dependencies = new Set(task.dependsOn.flatMap(id => this.indexOf(id) ?? []))
    const index = this.size
    this.#added.push({ ...task, parent })
    this.#ids.set(task.taskId, index)
    this.size += 1
    this.layerCount = Math.max(this.layerCount, task.layer + 1)
    append((this.#addedInLayer ??= new Map()), task.layer, index)
    for (const dependency of dependencies) append((this.#addedDependents ??= new Map()), dependency, index)
    return [...dependencies]
  }

  indexOf(taskId: string): number | undefined {
    return this.#ids.get(taskId)
  }

  idOf(task: number): string {
    return task < this.#planSize
      ? (this.plan.tasks[task] as PlannedTask).id
      : (this.#added[task - this.#planSize] as GrownTask).taskId
  }

  layerOf(task: number): number {
    return task < this.#planSize
      ? (this.plan.tasks[task] as PlannedTask).layer
      : (this.#added[task - this.#planSize] as GrownTask).layer
  }

  /** `undefined` for a task of the plan. */
  addedTask(task: number): GrownTask | undefined {
    return this.#added[task - this.#planSize]
  }

  /** The added tasks that depend on this one; the plan has the others. */
  addedDependents(task: number): readonly number[] | undefined {
    return this.#addedDependents?.get(task)
  }

  /** In the order of their indices. */
  tasksOfLayer(layer: number): readonly number[] {
    const planned = this.plan.layerIndices[layer] ?? []
    const added = this.#addedInLayer?.get(layer)
    return added === undefined ? planned : [...planned, ...added]
  }

  /** Made on first use: a live execution knows the index of what it records. */
  get #ids(): Map<string, number> {
    return (this.#indexById ??= new Map(this.plan.tasks.map(({ id }, index) => [id, index])))
  }
}

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
