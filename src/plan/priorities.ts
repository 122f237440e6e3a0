import type { Steps } from '../slices.ts'
import type { Layers } from './graph.ts'

/**
 * The reversed edges: the dependents of task `t` are `targets` from `starts[t]` up to, not including, `starts[t + 1]`.
 */
export interface Dependents {
  readonly starts: readonly number[]
  readonly targets: readonly number[]
}

/** Tasks per step. Each has few dependents, on average. */
const STEP = 1024

/** Reverses the edges; the dependents of each task are in document order. Linear. */
export function* computeDependents(dependencies: readonly (readonly number[])[]): Steps<Dependents> {
  const starts = new Array<number>(dependencies.length + 1).fill(0)
  for (let task = 0; task < dependencies.length; task++) {
    for (const dependency of dependencies[task] as readonly number[]) {
      starts[dependency + 1] = (starts[dependency + 1] as number) + 1
    }
    if (task % STEP === STEP - 1) yield
  }
  for (let task = 1; task < starts.length; task++)
    starts[task] = (starts[task] as number) + (starts[task - 1] as number)
  const next = starts.slice()
  const targets = new Array<number>(starts[starts.length - 1] as number).fill(0)
  for (let task = 0; task < dependencies.length; task++) {
    for (const dependency of dependencies[task] as readonly number[]) {
      const at = next[dependency] as number
      targets[at] = task
      next[dependency] = at + 1
    }
    if (task % STEP === STEP - 1) yield
  }
  return { starts: Object.freeze(starts), targets: Object.freeze(targets) }
}

/**
 * Sorts tasks for `dataflow`: descending by the largest sum of estimates along any path from the task to an end, ties in
 * document order.
 */
export function computePriorities(
  layers: Layers,
  dependents: Dependents,
  estimates: readonly number[],
): readonly number[] {
  const remaining = new Float64Array(estimates.length)
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    for (const task of layers[layer] as readonly number[]) {
      let longest = 0
      const end = dependents.starts[task + 1] as number
      for (let at = dependents.starts[task] as number; at < end; at++) {
        longest = Math.max(longest, remaining[dependents.targets[at] as number] as number)
      }
      remaining[task] = longest + (estimates[task] as number)
    }
  }
  const order = Array.from(remaining.keys())
  return Object.freeze(order.sort((a, b) => (remaining[b] as number) - (remaining[a] as number) || a - b))
}
