import { JsonValue } from '../events/json-value.ts'
import type { ExecutionState } from '../events/state.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'
import type { Stop } from '../log/execution-notes.ts'
import type { OutputBudget } from './output-budget.ts'
import type { Past } from './past.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import { describeFailFast, describeSkipped, type Ending, type TaskLedger } from './task-ledger.ts'

/** The parts of an execution that know of tasks, and what they are restored from. */
export interface RestoredParts {
  readonly plan: ExecutionPlan
  readonly state: ExecutionState
  readonly past: Past
  readonly scheduler: Scheduler
  readonly ledger: TaskLedger
  readonly outputs: OutputBudget
  readonly isFailFast: boolean
  /** By the monotonic clock, ms. */
  readonly now: number
  /** Since 1970, ms. */
  readonly wallTime: number
}

/** What the state of an execution leaves to be done. */
export interface Restored {
  /** Tasks whose attempt was cut, in document order. */
  readonly cut: readonly number[]
  /** Tasks that wait for their next attempt, and for how long yet, ms. */
  readonly delayed: readonly (readonly [index: number, leftMs: number])[]
  /** Tasks to be skipped, whose failed ancestor is in the log and they are not. */
  readonly endings: readonly Ending[]
  /** The rest was being ended. */
  readonly stop: Stop | undefined
}

/** Puts every task back where the log's state has it. Linear. */
export function restoreTasks(parts: RestoredParts): Restored {
  const { plan, state, past, scheduler, ledger, outputs, isFailFast, now, wallTime } = parts
  const cut: number[] = []
  const delayed: (readonly [index: number, leftMs: number])[] = []
  const failed: number[] = []
  // Later layers first, as the scheduler wants it.
  for (let layer = plan.layerIndices.length - 1; layer >= 0; layer--) {
    for (const index of plan.layerIndices[layer] as readonly number[]) {
      const { id } = plan.tasks[index] as PlannedTask
      const { attempts = 0, result } = state.tasks.get(id) ?? {}
      if (result === undefined) {
        if (attempts === 0) continue
        const { spentMs = 0, interruptedCount = 0, retry } = past.unsettled.get(id) ?? {}
        // However the clock was set meanwhile: never longer than it was told to wait.
        const leftMs = retry && Math.min(retry.at + retry.delayMs - wallTime, retry.delayMs)
        if (leftMs === undefined) cut.push(index)
        else if (leftMs > 0) {
          delayed.push([index, leftMs])
          scheduler.restore(index, 'delayed', now)
        }
        ledger.restore(index, {
          attempts,
          spentMs,
          interruptedCount: interruptedCount + (leftMs === undefined ? 1 : 0),
        })
        continue
      }
      ledger.restore(index, { attempts, spentMs: result.executionTimeMs, interruptedCount: 0 })
      scheduler.restore(index, result.status === 'success' ? 'succeeded' : 'failed', now)
      if (result.status === 'error' || result.status === 'skipped') failed.push(index)
      if (result.output instanceof JsonValue) outputs.restore(result.output)
    }
  }
  failed.sort(ascending)
  const endings = failed.map(index => {
    const { id } = plan.tasks[index] as PlannedTask
    return describeSkipped(scheduler.skip(index), state.tasks.get(id)?.result?.causedBy ?? id)
  })
  return { cut: cut.sort(ascending), delayed, endings, stop: findStop(state, isFailFast) }
}

/** Known from what was ended already; whoever could note it has, and more. */
function findStop({ tasks, counts }: ExecutionState, isFailFast: boolean): Stop | undefined {
  if (counts.cancelledCount === 0 && !(isFailFast && counts.errorCount > 0)) return undefined
  const results = Array.from(tasks.values(), ({ result }) => result)
  const cancelled = results.find(result => result?.status === 'cancelled')
  const failed = results.find(result => result?.status === 'error')
  return { message: cancelled?.error ?? describeFailFast(failed?.taskId ?? '') }
}

function ascending(a: number, b: number): number {
  return a - b
}
