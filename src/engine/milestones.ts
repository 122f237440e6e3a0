import type { EventFor } from '../events/events.ts'
import type { ExecutionCounts } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { round } from '../round.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import { summarise } from './execution-result.ts'
import type { ExecutionTasks } from './execution-tasks.ts'
import type { Recorder } from './recorder.ts'
import { describeEnding } from './task-events.ts'

/** Records what an execution comes to by itself: its start, the ends of tasks that do not run, its own end. */
export class Milestones {
  readonly #plan: ExecutionPlan
  readonly #table: TaskTable
  readonly #tasks: ExecutionTasks
  readonly #recorder: Recorder

  constructor(plan: ExecutionPlan, table: TaskTable, tasks: ExecutionTasks, recorder: Recorder) {
    this.#plan = plan
    this.#table = table
    this.#tasks = tasks
    this.#recorder = recorder
  }

  start(schedule: EventFor<'execution_start'>['data']['schedule']): void {
    const { name, layers, tasks } = this.#plan
    const data = { totalTasks: tasks.length, layers, schedule, ...(name !== undefined && { name }) }
    this.#recorder.record('execution_start', this.#recorder.stamp(data))
  }

  /** Ends tasks without running them. @returns how many, at most `count` */
  endTasks(count: number, now: number): number {
    for (let ended = 0; ended < count; ended++) {
      const next = this.#table.takeEnding()
      if (next === undefined) return ended
      const { task, ending } = next
      const data = describeEnding(this.#recorder, this.#tasks.at(task), task, ending, this.#table.columns, now)
      this.#recorder.record('task_complete', data, task)
    }
    return count
  }

  end(
    counts: ExecutionCounts,
    tokenUsage: TokenUsage | undefined,
    tookMs: number,
  ): EventFor<'execution_complete'>['data'] {
    const { columns, graph, stop } = this.#table
    const reason = counts.cancelledCount > 0 ? stop?.reason : undefined
    const { executionId, timestamp } = this.#recorder
    const spentMs = columns.spentMs.subarray(0, graph.size)
    const end: EventFor<'execution_complete'>['data'] = {
      executionId,
      timestamp,
      ...summarise(this.#plan, counts, reason, spentMs, round(tookMs)),
      ...(tokenUsage && { tokenUsage }),
    }
    this.#recorder.record('execution_complete', end)
    return end
  }
}
