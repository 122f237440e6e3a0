import type { Dependents } from '../../plan/priorities.ts'

/** Edges and layer members that no plan contains, and the ids of removed tasks. All created on first use. */
export class AddedEdges {
  #dependents: Map<number, number[]> | undefined
  #inLayer: Map<number, number[]> | undefined
  /** By id: the index of a removed task, whose dependents a new task with this id gets. */
  #removed: Map<string, number> | undefined
  /** Number of removed tasks, which keep their indices. */
  removedCount = 0

  connect(dependency: number, dependent: number): void {
    append((this.#dependents ??= new Map()), dependency, dependent)
  }

  dependentsOf(task: number): readonly number[] | undefined {
    return this.#dependents?.get(task)
  }

  /** A task of the document joins a layer. */
  enter(layer: number, task: number): void {
    append((this.#inLayer ??= new Map()), layer, task)
  }

  tasksOf(layer: number): readonly number[] | undefined {
    return this.#inLayer?.get(layer)
  }

  remove(id: string, task: number): void {
    ;(this.#removed ??= new Map()).set(id, task)
    this.removedCount += 1
  }

  /** Passes the dependents of a removed task to the one that has its id now. @param planned those of the plan's tasks */
  inherit(id: string, task: number, { starts, targets }: Dependents): void {
    const before = this.#removed?.get(id)
    if (before === undefined) return
    this.#removed?.delete(id)
    const planned = before + 1 < starts.length ? targets.slice(starts[before], starts[before + 1]) : []
    for (const dependent of [...planned, ...(this.dependentsOf(before) ?? [])]) this.connect(task, dependent)
  }
}

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
