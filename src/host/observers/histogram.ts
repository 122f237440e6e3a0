/** Counts values by upper bounds. */
export class Histogram {
  readonly bounds: readonly number[]
  /** Number of values per bound that exceed the previous bound; the last one counts values above all bounds. */
  readonly #counts: Float64Array
  #sum = 0

  /** `bounds` must ascend. */
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

  /** The cumulative count at each bound, then the total count. */
  get cumulativeCounts(): number[] {
    let count = 0
    return Array.from(this.#counts, each => (count += each))
  }
}
