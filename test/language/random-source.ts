import { createRandom } from '../support/random-graph.ts'

/** Choices that a seed determines. */
export class RandomSource {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = createRandom(seed)
  }

  /** Whether something happens that happens with this probability. */
  chance(probability: number): boolean {
    return this.#random() < probability
  }

  /** An integer from `low` to `high`. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1))
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.integer(0, values.length - 1)] as Value
  }

  /** A part of the values, each with this probability, in their order. */
  some<Value>(values: readonly Value[], probability: number): Value[] {
    return values.filter(() => this.chance(probability))
  }
}

/** A seed for one of many things of a seed, such as a task (FNV-1a). */
export function deriveSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193)
  return hash >>> 0
}
