import type { EventFor, SSEEvent } from './events.ts'

/** The ids of the tasks whose outputs stand for the workflow where it declares none: those of its last layer. */
export function findLastLayer({
  layers,
  finallyFrom = layers.length,
}: Pick<EventFor<'execution_start'>['data'], 'layers' | 'finallyFrom'>): readonly string[] | undefined {
  return layers[finallyFrom - 1]
}

/** The last layer before `finally`, by the events of an execution, whose document may change. */
export class LastLayer {
  /** The layer of each task of the document. */
  #layers: Map<string, number> | undefined

  apply(event: SSEEvent): void {
    const { type, data } = event
    if (type === 'execution_start') {
      const { layers, finallyFrom = layers.length } = data
      this.#layers = new Map(layers.slice(0, finallyFrom).flatMap((ids, layer) => ids.map(id => [id, layer] as const)))
    } else if (type === 'tasks_added' && data.parentId === undefined) {
      for (const { taskId, layer } of data.tasks) this.#layers?.set(taskId, layer)
    } else if (type === 'tasks_removed') {
      for (const id of data.taskIds) this.#layers?.delete(id)
    } else if (type === 'snapshot') {
      for (const { taskId, layer, parentId } of data.tasks) {
        if (parentId === undefined && layer < (data.finallyFrom ?? Number.POSITIVE_INFINITY))
          this.#layers?.set(taskId, layer)
      }
    }
  }

  /** `undefined` where the events did not begin at the start: then the layers are not known. */
  get ids(): readonly string[] | undefined {
    if (this.#layers === undefined) return undefined
    let last = 0
    for (const layer of this.#layers.values()) last = Math.max(last, layer)
    return [...this.#layers].flatMap(([id, layer]) => (layer === last ? [id] : []))
  }
}
