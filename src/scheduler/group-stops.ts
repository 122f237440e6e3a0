import type { Stop } from '../events/events.ts'
import {
  describeFailFast,
  describeItemsFailed,
  describePlannerFailed,
  describeStopped,
  type PendingSettlements,
} from './pending-settlements.ts'
import type { DueWork } from './due-work.ts'
import type { ReadyTasks } from './ready-tasks.ts'
import type { TableOptions } from './table-input.ts'
import type { RetryTimes } from './retry-times.ts'
import { PHASE, type TaskColumns } from './task-columns.ts'
import { END } from './task-ends.ts'
import type { TaskGraph } from './task-graph.ts'
import type { TaskGroup } from './task-group.ts'

/** Ends the tasks of stopped groups that are neither running nor ending. The engine aborts running ones. */
export class GroupStops {
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #endings: PendingSettlements
  readonly #delays: RetryTimes

  constructor(graph: TaskGraph, columns: TaskColumns, endings: PendingSettlements, delays: RetryTimes) {
    this.#graph = graph
    this.#columns = columns
    this.#endings = endings
    this.#delays = delays
  }

  /**
   * Stops a group and all groups below it: nothing more starts, apart from `finally` tasks. The first stop counts.
   * @param phase `finally` to end the `finally` tasks, too
   */
  stop(group: TaskGroup, stop: Stop, phase: 'tasks' | 'finally' = 'tasks'): void {
    const ended: number[] = []
    this.#gather(group, stop, phase, ended)
    this.end(ended, stop)
  }

  /** Ends these tasks because of a stop. */
  end(tasks: readonly number[], stop: Stop): void {
    const { phase, end } = this.#columns
    for (const task of tasks) {
      phase[task] = PHASE.ending
      this.#delays.delete(task)
      // Its layer and the `finally` tasks of its workflow no longer wait for it.
      if (end[task] === 0) this.#graph.groupOf(task).leave(task, this.#graph.layerOf(task))
      end[task] = (stop.code === undefined ? END.cancelled : END.failed) + 1
    }
    this.#endings.add(describeStopped(tasks, stop))
  }

  /** The task was chosen to start before a stop ended it: it ends by itself, and no `finally` task starts before. */
  rejoin(task: number, ready: ReadyTasks, due: DueWork): void {
    const { phase, end } = this.#columns
    const group = this.#graph.groupOf(task)
    this.#endings.withdraw(task)
    end[task] = 0
    group.rejoin(task, this.#graph.layerOf(task))
    if (group.isFinallyOpen) return
    for (const last of group.finallyTasks()) if (phase[last] === PHASE.ready) phase[last] = PHASE.blocked
    ready.retain(each => phase[each] !== PHASE.blocked)
    due.prune()
  }

  #gather(group: TaskGroup, stop: Stop, phase: 'tasks' | 'finally', ended: number[]): void {
    if (phase === 'tasks' ? group.stop !== undefined : group.finallyStop !== undefined) return
    group.stop ??= stop
    if (phase === 'finally') group.finallyStop = stop
    for (const task of this.#tasksOf(group)) {
      if (phase === 'tasks' && group.isFinally(task)) continue
      const at = this.#columns.phase[task]
      const below = at === PHASE.open ? this.#graph.groupBelow(task) : undefined
      if (below !== undefined) this.#gather(below, stop, phase, ended)
      else if (at === PHASE.blocked || at === PHASE.ready || at === PHASE.delayed || at === PHASE.cut) ended.push(task)
      // It waits for its approval.
      else if (at === PHASE.waiting && this.#columns.attempts[task] === 0) ended.push(task)
    }
  }

  /** In the order of their indices. */
  *#tasksOf({ outer, plan, base, children }: TaskGroup): Iterable<number> {
    if (outer === undefined) {
      for (let task = 0; task < this.#graph.size; task++) if (this.#graph.groupOf(task).outer === undefined) yield task
    } else if (plan === undefined) yield* children
    else if (base >= 0) for (let local = 0; local < plan.tasks.length; local++) yield base + local
  }
}

/** Finds the reason for which an untolerated failure stops the group of its task: `fail-fast`, or too many failed items. */
export function findStop(
  group: TaskGroup,
  task: number,
  id: string,
  onTaskError: TableOptions['onTaskError'],
): Stop | undefined {
  const { definition, toleratedCount, failedCount } = group
  if (group.stop !== undefined || group.isFinally(task) || definition?.kind === 'repeat') return undefined
  // The plan stays incomplete.
  if (group.isPlanner(task)) return describePlannerFailed(id)
  if (definition?.kind !== 'forEach') return onTaskError === 'fail-fast' ? describeFailFast(id) : undefined
  return failedCount > toleratedCount ? describeItemsFailed(id, toleratedCount) : undefined
}
