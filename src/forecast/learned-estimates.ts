import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { FlatPlan } from './flat-plan.ts'

/**
 * What each task of the document is expected to take by itself, ms, by task index: the median of a call, and of a parent the
 * longest path through its children, or their sum over the slots that they share. A task without history counts like the median
 * of the others.
 * @returns `undefined` if none has a history
 */
export function learnedEstimates(
  plan: ExecutionPlan,
  { nodes }: FlatPlan,
  maxConcurrency: number,
): readonly number[] | undefined {
  const size = plan.tasks.length
  const longest = new Float64Array(size)
  const sums = new Float64Array(size)
  const isUnknown = new Uint8Array(size)
  /** Of each node, within its task. */
  const paths = new Float64Array(nodes.length)
  for (const [index, node] of nodes.entries()) {
    const { top, dependencies, samples, delayMs } = node
    if (top < 0) continue
    if (node.isUnknown) isUnknown[top] = 1
    const ownMs = samples === undefined ? 0 : samples.timeAt(0.5)
    let before = 0
    for (const dependency of dependencies) {
      if (nodes[dependency]?.top === top) before = Math.max(before, paths[dependency] as number)
    }
    const path = before + ownMs + (samples?.pauseAt(0.5) ?? delayMs)
    paths[index] = path
    longest[top] = Math.max(longest[top] as number, path)
    sums[top] = (sums[top] as number) + ownMs
  }
  const known: number[] = []
  const estimates = plan.tasks.map(({ group }, task) => {
    if (isUnknown[task]) return undefined
    const concurrency = group?.kind === 'forEach' ? (group.concurrency ?? maxConcurrency) : maxConcurrency
    const slots = Math.min(concurrency, maxConcurrency)
    const estimate = Math.max(longest[task] as number, (sums[task] as number) / slots)
    known.push(estimate)
    return estimate
  })
  if (known.length === 0) return undefined
  const median = known.sort((a, b) => a - b)[(known.length - 1) >> 1] as number
  return estimates.map(estimate => Math.round(estimate ?? median))
}

/** The rank of each task of the document under `dataflow`. */
export function rankTasks(plan: ExecutionPlan, learned: readonly number[] | undefined): readonly number[] {
  const priorities = learned === undefined ? plan.priorities : plan.prioritiesBy(learned)
  const ranks = new Array<number>(plan.tasks.length).fill(0)
  for (const [rank, task] of priorities.entries()) ranks[task] = rank
  return ranks
}
