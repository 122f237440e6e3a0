import type { Schedule } from '../events/events.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import { runAtOnce } from '../slices.ts'
import { flattenPlan, type FlatOptions } from './flat-plan.ts'
import { learnedEstimates, rankTasks } from './learned-estimates.ts'
import { simulateMakespan } from './makespan.ts'
import type { TaskHistory } from './task-history.ts'

/** What is known of an execution when it starts. */
export interface Outlook {
  /** How long it is expected to take, ms. */
  readonly forecastMs?: number
  /** Under `dataflow`, what each task of the document is expected to take, ms, by its index: for the order of their starts. */
  readonly estimatesMs?: readonly number[]
}

export interface OutlookOptions extends Pick<FlatOptions, 'isReusable'> {
  readonly schedule: Schedule
  readonly maxConcurrency: number
}

/** Maximum number of nodes of a graph that is simulated before a start. */
const MAX_NODES = 10_000

/** Maximum number of simulated nodes before a start, but for a single execution: less than 1 ms. */
const MAX_SIMULATED = 600

/** What is expected of an execution; nothing of it is known without a history. */
export function computeOutlook(
  plan: ExecutionPlan,
  history: TaskHistory,
  { schedule, maxConcurrency, isReusable }: OutlookOptions,
): Outlook {
  const flat = flattenPlan(plan, history, schedule, { isReusable, maxNodes: MAX_NODES })
  if (flat.isTooLarge || flat.nodes.length === 0) return {}
  const isOrdered = schedule === 'dataflow' && !plan.hasEstimates
  const estimatesMs = isOrdered ? learnedEstimates(plan, flat, maxConcurrency) : undefined
  const order = estimatesMs && { estimatesMs }
  if (flat.unknownTools.length > 0 || flat.unknownCounts.length > 0) return { ...order }
  const ranks = schedule === 'dataflow' ? rankTasks(plan, estimatesMs) : undefined
  const makespan = runAtOnce(simulateMakespan(flat, { maxConcurrency, maxSimulated: MAX_SIMULATED, ranks }))
  return { forecastMs: Math.round(makespan), ...order }
}

/** Maximum number of outlooks that are kept, and of characters of a key of them. */
const MAX_KEPT = 256
const MAX_KEY = 20_000

/** Growth of the number of executions of a workflow after which its outlook is computed again. */
const MAX_GROWTH = 1.25

/** Outlooks that were computed, so that a workflow that runs often costs no simulation at each start. */
export class Outlooks {
  readonly #kept = new Map<string, { readonly outlook: Outlook; readonly runCount: number }>()

  /** As `computeOutlook`. */
  of(plan: ExecutionPlan, history: TaskHistory, options: OutlookOptions): Outlook {
    const key = options.isReusable === undefined ? describeKey(plan, options) : undefined
    if (key === undefined) return computeOutlook(plan, history, options)
    const runCount = history.runCountOf(plan.name)
    const kept = this.#kept.get(key)
    if (kept !== undefined && runCount <= kept.runCount * MAX_GROWTH) return kept.outlook
    const outlook = computeOutlook(plan, history, options)
    this.#kept.delete(key)
    // One that lacks something may know it after any other execution.
    if (outlook.forecastMs !== undefined) this.#kept.set(key, { outlook, runCount })
    if (this.#kept.size > MAX_KEPT)
      for (const first of this.#kept.keys()) {
        this.#kept.delete(first)
        break
      }
    return outlook
  }
}

/** What an outlook depends on, apart from the history; `undefined` for a plan that is too large. */
function describeKey(plan: ExecutionPlan, { schedule, maxConcurrency }: OutlookOptions): string | undefined {
  let key = JSON.stringify([plan.name, schedule, maxConcurrency, plan.mainCount])
  for (let task = 0; task < plan.tasks.length; task++) {
    const { id, tool, group } = plan.tasks[task] as PlannedTask
    key += JSON.stringify([id, tool.name, plan.dependencies[task], group && plan.describeTask(task)])
    if (key.length > MAX_KEY) return undefined
  }
  return key
}
