import type { ResumeCause, Stop } from '../events/events.ts'
import { findUnfinishedAttempts } from '../scheduler/table-queries.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import type { Commands } from './commands.ts'
import type { ExecutionTasks } from './execution-tasks.ts'
import { INTERRUPTED } from './interruption.ts'
import type { Recorder } from './recorder.ts'
import type { Adoption } from './remote/adoption.ts'

/** How an execution is resumed. */
export interface Resumption {
  readonly cause: ResumeCause
  /** Stops the execution, unless its log has a stop already. */
  readonly stop?: Stop | undefined
  /** Stops the `finally` tasks, too. */
  readonly finallyStop?: Stop | undefined
  /** Attempts that continue on workers. */
  readonly adoptions?: readonly Adoption[]
}

/**
 * Records that another process runs the execution, and that the attempts of the last process were interrupted, except those
 * that workers continue.
 */
export function recordResumption(
  table: TaskTable,
  tasks: ExecutionTasks,
  recorder: Recorder,
  commands: Commands,
  { cause, stop, finallyStop, adoptions = [] }: Resumption,
): void {
  const { executionTimeMs } = table.history
  const adopted = new Set(adoptions.map(({ task }) => task))
  const continued = adoptions.map(({ task }) => tasks.at(task).id)
  const kept = continued.length > 0 && { continued }
  recorder.record('execution_resumed', recorder.stamp({ cause, executionTimeMs, ...kept }))
  if (stop !== undefined && table.stop === undefined) commands.stop(stop)
  const { graph } = table
  const isFinallyStopped = graph.root.finallyStop !== undefined
  if (finallyStop !== undefined && graph.hasFinally && !isFinallyStopped) commands.stopFinally(finallyStop)
  const { code, message: error } = INTERRUPTED
  for (const task of findUnfinishedAttempts(table)) {
    if (adopted.has(task) || commands.findAbortion(task) !== undefined) continue
    const attempt = table.columns.attempts[task] as number
    const data = { taskId: tasks.at(task).id, attempt, delayMs: 0, error, code, interrupted: true as const }
    recorder.record('task_retry', recorder.stamp(data), task)
  }
}
