import type { Steps } from '../slices.ts'
import type { FlatNode, FlatPlan } from './flat-plan.ts'
import { Simulation } from './simulate.ts'

/** Numbers of simulated executions, all prime (see `shareOf`), largest first. */
const RUN_COUNTS = [101, 53, 23, 11, 5, 1]

/** The number of shares that a single execution draws from. */
const SHARES = 101

export interface MakespanOptions {
  readonly maxConcurrency: number
  /** Maximum number of simulated nodes, but for a single execution. 1,000 take about 1 ms. */
  readonly maxSimulated: number
  /** The rank of each task of the document under `dataflow`. @defaultValue its index */
  readonly ranks?: readonly number[] | undefined
}

/**
 * The median makespan of simulated executions, ms. Medians alone would be too short: a task that waits for several others waits
 * for the slowest of them.
 */
export function* simulateMakespan(
  { nodes }: FlatPlan,
  { maxConcurrency, maxSimulated, ranks }: MakespanOptions,
): Steps<number> {
  const preferences = nodes.map(({ top }) => (top < 0 || ranks === undefined ? top : (ranks[top] as number)))
  const order = Array.from(nodes.keys())
  order.sort((a, b) => (preferences[a] as number) - (preferences[b] as number) || a - b)
  const simulation = new Simulation(nodes, order, maxConcurrency)
  const count = RUN_COUNTS.find(runs => runs * nodes.length <= maxSimulated) ?? 1
  const makespans: number[] = []
  for (let run = 0; run < count; run++) {
    makespans.push(simulation.run(node => shareOf(nodes, node, run, count)))
    yield
  }
  makespans.sort((a, b) => a - b)
  return makespans[(count - 1) / 2] as number
}

/**
 * The share of its samples at which the duration of a call is in one simulated execution. Over all of them each node takes each
 * share once, in an order of its own: shares step by a number from 1 to `count` − 1, which visits all of them as `count` is
 * prime. The same for each call. A single execution has a share of its own for each node.
 */
function shareOf(nodes: readonly FlatNode[], node: number, run: number, count: number): number {
  const hash = mix(node)
  if (count === 1) return nodes.length < SHARES ? 0.5 : ((hash % SHARES) + 0.5) / SHARES
  const step = 1 + (hash % (count - 1))
  return ((((hash >>> 8) + run * step) % count) + 0.5) / count
}

/** A number from 0 to 2³² − 1 that looks random. */
function mix(index: number): number {
  let hash = Math.imul(index + 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
