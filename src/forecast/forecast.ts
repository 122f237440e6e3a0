import type { Schedule } from '../events/events.ts'
import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import { runInSlices, type Steps } from '../slices.ts'
import { type FlatNode, type FlatPlan, flattenPlan } from './flat-plan.ts'
import { learnedEstimates, rankTasks } from './learned-estimates.ts'
import { simulateMakespan } from './makespan.ts'
import type { TaskHistory } from './task-history.ts'

/** What an execution of a workflow will take, by the history of its tools. `null` where it is unknown. */
export interface Forecast {
  /** Time from start to end under each schedule, ms: the median of simulated executions with recorded times. */
  readonly makespanMs: Readonly<Record<Schedule, number | null>>
  /** Ids of the tasks on the longest path by the median time of each. */
  readonly criticalPath: readonly string[] | null
  /** The length of that path, ms: no number of slots makes an execution shorter. */
  readonly criticalPathMs: number | null
  /** The sum of the medians of all calls. */
  readonly tokenUsage: TokenUsage | null
  /** The sum of the medians in US dollars; absent if no recorded call had a cost. */
  readonly cost?: number
  /** By tool of the workflow: the recorded calls that succeeded, 0 for an unknown tool, and the times of them. */
  readonly tools: Readonly<Record<string, ToolForecast>>
  /** Names of the tools without a recorded call, and of those that plan: their tasks are unknown. */
  readonly unknown: readonly string[]
  /** Ids of `forEach` and `repeat` tasks whose number of items or rounds is unknown; absent if there are none. */
  readonly unknownCounts?: readonly string[]
  /** Present if it has too many calls, items and rounds to be simulated: some 100,000. */
  readonly isTooLarge?: true
}

/** The recorded times of a tool, ms. */
export interface ToolForecast {
  readonly count: number
  readonly p50Ms: number | null
  readonly p90Ms: number | null
}

/** Maximum number of simulated nodes per schedule, but for a single execution: about 50 ms. */
const MAX_SIMULATED = 60_000

/** Computes a forecast. The simulation of a large workflow lets the event loop turn between executions. */
export function computeForecast(
  plan: ExecutionPlan,
  history: TaskHistory,
  options: { readonly maxConcurrency: number },
): Forecast | Promise<Forecast> {
  return runInSlices(forecastSteps(plan, history, options))
}

function* forecastSteps(
  plan: ExecutionPlan,
  history: TaskHistory,
  { maxConcurrency }: { readonly maxConcurrency: number },
): Steps<Forecast> {
  const flat = flattenPlan(plan, history, 'dataflow')
  yield
  const { unknownTools, unknownCounts } = flat
  const names = [...flat.callCounts.keys()].sort()
  const rest = {
    tools: Object.fromEntries(names.map(name => [name, describeTool(history, name)])),
    unknown: unknownTools,
    ...(unknownCounts.length > 0 && { unknownCounts }),
    ...(flat.isTooLarge && { isTooLarge: true as const }),
  }
  if (unknownTools.length > 0 || unknownCounts.length > 0 || flat.isTooLarge) {
    const makespanMs = { layers: null, dataflow: null }
    return { makespanMs, criticalPath: null, criticalPathMs: null, tokenUsage: null, ...rest }
  }
  const { path, lengthMs } = findCriticalPath(flat.nodes)
  const usage = sumUsage(flat)
  const { totalCost: cost, ...tokenUsage } = usage
  const layered = flattenPlan(plan, history, 'layers')
  yield
  const bounds = { maxConcurrency, maxSimulated: MAX_SIMULATED }
  const ranks = rankTasks(plan, learnedEstimates(plan, flat, maxConcurrency))
  return {
    makespanMs: {
      layers: round(yield* simulateMakespan(layered, bounds)),
      dataflow: round(yield* simulateMakespan(flat, { ...bounds, ranks })),
    },
    criticalPath: path.map(top => (plan.tasks[top] as PlannedTask).id),
    criticalPathMs: round(lengthMs),
    tokenUsage,
    ...(cost !== undefined && { cost }),
    ...rest,
  }
}

function describeTool(history: TaskHistory, name: string): ToolForecast {
  const samples = history.ofTool(name)
  if (samples === undefined) return { count: 0, p50Ms: null, p90Ms: null }
  return { count: samples.count, p50Ms: samples.timeAt(0.5), p90Ms: samples.timeAt(0.9) }
}

/** Nodes stand behind their dependencies. */
function findCriticalPath(nodes: readonly FlatNode[]): { readonly path: readonly number[]; readonly lengthMs: number } {
  const lengths = new Float64Array(nodes.length)
  const before = new Int32Array(nodes.length).fill(-1)
  let last = -1
  for (const [index, { dependencies, samples, delayMs }] of nodes.entries()) {
    let longest = 0
    for (const dependency of dependencies) {
      const length = lengths[dependency] as number
      if (before[index] !== -1 && length <= longest) continue
      longest = length
      before[index] = dependency
    }
    const length = longest + (samples === undefined ? delayMs : samples.timeAt(0.5) + samples.pauseAt(0.5))
    lengths[index] = length
    if (last === -1 || length >= (lengths[last] as number)) last = index
  }
  const path: number[] = []
  for (let at = last; at >= 0; at = before[at] as number) {
    const { top } = nodes[at] as FlatNode
    if (top >= 0 && path.at(-1) !== top) path.push(top)
  }
  return { path: path.toReversed(), lengthMs: lengths[last] ?? 0 }
}

function sumUsage({ nodes }: FlatPlan): TokenUsage {
  let sum: TokenUsage = { totalTokensIn: 0, totalTokensOut: 0 }
  for (const { samples } of nodes) {
    const usage = samples?.usage
    if (usage !== undefined) sum = addTokenUsage(sum, usage)
  }
  return sum
}
