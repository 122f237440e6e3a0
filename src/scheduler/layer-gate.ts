import type { Schedule } from '../events/events.ts'

/** The layers that a gate opens, one after another. */
export interface LayerSource {
  /** Number of layers; may grow. */
  readonly layerCount: number
  sizeOfLayer(layer: number): number
  /** The tasks of a layer, in the order of their indices. */
  tasksOfLayer(layer: number): readonly number[]
}

/**
 * Decides which layers are open. Under `layers` the next one opens once the ends of all tasks in open layers are decided;
 * under `dataflow` all are open.
 */
export class LayerGate {
  readonly #source: LayerSource
  readonly #isLayered: boolean
  /** Number of tasks whose end is not decided, by layer. */
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

  /** Counts a task of this layer whose end is decided. */
  leave(layer: number): void {
    if (this.#isLayered) this.#count(layer, -1)
  }

  /** Adds a task to this layer. */
  enter(layer: number): void {
    if (this.#isLayered) this.#count(layer, 1)
  }

  /**
   * Opens the next layer that has tasks to run. @returns its tasks; `undefined` while open layers have undecided tasks, or
   * if no layer is left
   */
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
