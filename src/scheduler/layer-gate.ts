import type { Schedule } from '../events/events.ts'

/** The layers that a gate opens, one after another. */
export interface LayerSource {
  /** How many there are; may grow. */
  readonly layerCount: number
  sizeOfLayer(layer: number): number
  /** Its tasks, in the order of their indices. */
  tasksOfLayer(layer: number): readonly number[]
}

/**
 * Says which layers may start. Under `layers` the next one opens once no task of the open ones is to run any more; under
 * `dataflow` all are open.
 */
export class LayerGate {
  readonly #source: LayerSource
  readonly #isLayered: boolean
  /** By layer, tasks whose end is not decided yet. */
  readonly #undecided: number[]
  /** The last layer that is open; −1 before the first. */
  #opened = -1
  #undecidedInOpen = 0

  constructor(source: LayerSource, schedule: Schedule) {
    this.#source = source
    this.#isLayered = schedule === 'layers'
    this.#undecided = []
    if (!this.#isLayered) return
    for (let layer = 0; layer < source.layerCount; layer++) this.#undecided.push(source.sizeOfLayer(layer))
  }

  /** The last layer that is open. */
  get opened(): number {
    return this.#isLayered ? this.#opened : Number.POSITIVE_INFINITY
  }

  isOpen(layer: number): boolean {
    return !this.#isLayered || layer <= this.#opened
  }

  /** The end of a task in this layer is decided. */
  leave(layer: number): void {
    if (this.#isLayered) this.#count(layer, -1)
  }

  /** A task joins this layer. */
  enter(layer: number): void {
    if (this.#isLayered) this.#count(layer, 1)
  }

  /** Opens the next layer that has tasks to run. @returns its tasks, `undefined` while the open ones have some, or none is left */
  advance(): readonly number[] | undefined {
    while (this.#isLayered && this.#undecidedInOpen === 0 && this.#opened + 1 < this.#source.layerCount) {
      this.#opened += 1
      this.#undecidedInOpen = this.#undecided[this.#opened] ?? 0
      if (this.#undecidedInOpen > 0) return this.#source.tasksOfLayer(this.#opened)
    }
    return undefined
  }

  #count(layer: number, change: number): void {
    this.#undecided[layer] = (this.#undecided[layer] ?? 0) + change
    if (layer <= this.#opened) this.#undecidedInOpen += change
  }
}
