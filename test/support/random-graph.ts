import type { DAGStructure, DAGTask } from '../../src/index.ts'
import { task } from './workflows.ts'

/** A source of numbers from 0 up to 1 that a seed determines (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seeds of a property's runs: `count` from a fresh one, or `SEED` alone. */
function seeds(count: number): number[] {
  const given = process.env['SEED']
  if (given !== undefined) return [Number(given)]
  const first = Math.floor(Math.random() * 2 ** 31)
  return Array.from({ length: count }, (_, index) => first + index)
}

/** Runs `property` for each seed; a failure says how to run that seed again. */
export async function forSeeds(count: number, property: (seed: number) => Promise<void>): Promise<void> {
  for (const seed of seeds(count)) {
    try {
      await property(seed)
    } catch (error) {
      throw new Error(`Fails with SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
}

/**
 * A workflow of up to `maxTasks` tasks, by turns wide, deep, dense or sparse, its tasks in no order that helps.
 *
 * @param random also decides the estimates
 */
export function createRandomGraph(random: () => number, maxTasks: number): DAGStructure {
  const size = 1 + Math.floor(random() * maxTasks)
  const density = random() ** 2
  const reach = 1 + Math.floor(random() * size)
  const tasks: DAGTask[] = []
  for (let index = 0; index < size; index++) {
    const dependsOn: string[] = []
    for (let other = Math.max(0, index - reach); other < index; other++) {
      if (random() < density * (4 / reach)) dependsOn.push(`t${other}`)
    }
    tasks.push(task(`t${index}`, dependsOn, { estimatedMs: Math.floor(random() * 10) }))
  }
  return { tasks: shuffle(tasks, random) }
}

/** A copy in an order that `random` decides. */
export function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items]
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const item = shuffled[at] as Item
    shuffled[at] = shuffled[other] as Item
    shuffled[other] = item
  }
  return shuffled
}
