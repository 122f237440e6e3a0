/** How often a value was at most each of some bounds. */
export class Histogram {
  readonly bounds: readonly number[]
  /** Of each bound, those that no smaller bound has; the last is of what is above all of them. */
  readonly #counts: Float64Array
  #sum = 0

  /** `bounds` ascend. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at += 1
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
  }

  get sum(): number {
    return this.#sum
  }

  /** How many values were at most each bound, then how many there were. */
  get cumulativeCounts(): number[] {
    let count = 0
    return Array.from(this.#counts, each => (count += each))
  }
}
