import type { AttemptOutcome } from '../../attempt/attempt-outcome.ts'
import type { ConditionValues } from '../../conditions/compiled.ts'
import type { Condition } from '../../conditions/condition.ts'
import type { AddedTask } from '../../events/events.ts'
import type { LoggedData } from '../../events/wire-json.ts'
import type { ExecutionPlan, PlannedTask } from '../../plan/execution-plan.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { round } from '../../round.ts'
import type { PendingSettlement } from '../../scheduler/pending-settlements.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import { LIMITS } from '../../workflow/document.ts'
import { cutMessage } from '../emissions.ts'
import type { ExecutionTasks } from '../execution-tasks.ts'
import { formatPlannerId } from '../growth/group-growth.ts'
import type { ResolvedOptions } from '../options.ts'
import type { OutputBudget } from '../output-budget.ts'
import type { Recorder } from '../recorder.ts'
import { type Abortion, describeCompletion, describeEnding, describeReuse, type ReusedOutput } from '../task-events.ts'

/** The parts that record the events of parents and their children. */
export interface GroupRecorderParts {
  readonly table: TaskTable
  readonly tasks: ExecutionTasks
  readonly recorder: Recorder
  readonly outputs: OutputBudget
  readonly options: ResolvedOptions
}

/** What the start of a parent says of its children. */
export type Opening = Pick<LoggedData<'task_start'>, 'itemCount' | 'eager'>

/** Records the events of tasks without attempts: of parents, and of tasks that a condition skips. */
export class GroupRecorder {
  readonly #parts: GroupRecorderParts
  /** Number of existing tasks and of those reserved for open parents; `undefined` before the first use. */
  #taskCount: number | undefined
  /** Tasks that are recorded but not in the log yet. */
  #pendingCount = 0

  constructor(parts: GroupRecorderParts) {
    this.#parts = parts
  }

  /** A parent starts. */
  open(task: number, more: Opening): void {
    const { recorder, tasks } = this.#parts
    const { id: taskId, tool, layer } = tasks.at(task)
    recorder.record('task_start', recorder.stamp({ taskId, tool: tool.name, layer, attempt: 1, ...more }), task)
  }

  /** Children join a group: its items or rounds from an index on, or all tasks of its workflow. */
  add(group: TaskGroup, from: number, count: number): void {
    const { table, recorder } = this.#parts
    const { parent, plan, definition } = group
    const parentId = table.graph.idOf(parent)
    const layer = table.graph.layerOf(parent)
    const added: AddedTask[] = []
    for (let index = from; index < from + count; index++) {
      if (plan !== undefined) added.push(describeTask(plan, index, parentId, layer))
      else if (definition !== undefined && definition.kind !== 'workflow') {
        const tool = definition.body.tool.name
        const child = { tool, layer, dependsOn: NO_DEPENDENCIES }
        if (definition.kind === 'plan') added.push({ taskId: formatPlannerId(parentId), ...child })
        else added.push({ taskId: `${parentId}[${index}]`, ...child, index })
      }
    }
    const totalTasks = this.#countPending(count)
    recorder.record('tasks_added', recorder.stamp({ parentId, tasks: added, totalTasks }), parent)
  }

  /** A planned task joins a group. @param workflows those that it is the first to name */
  grow({ parent }: TaskGroup, added: AddedTask, workflows: Readonly<Record<string, unknown>> | undefined): void {
    const { table, recorder } = this.#parts
    const data = { parentId: table.graph.idOf(parent), tasks: [added], totalTasks: this.#countPending(1) }
    recorder.record('tasks_added', recorder.stamp({ ...data, ...(workflows && { workflows }) }), parent)
  }

  #countPending(added: number): number {
    const { size, removedCount } = this.#parts.table.graph
    this.#pendingCount += added
    return size - removedCount + this.#pendingCount
  }

  /** Children are in the log. */
  added(count: number): void {
    this.#pendingCount -= count
  }

  /** Tasks have joined the document, or, with a negative number, have left it. */
  joined(count: number): void {
    if (this.#taskCount !== undefined) this.#taskCount += count
  }

  /** Existing tasks, and those reserved for open parents. */
  get taskCount(): number {
    return (this.#taskCount ??= countTasks(this.#parts.table))
  }

  /** Reserves room for tasks to be added. @returns the error if there would be too many */
  reserve(count: number): string | undefined {
    const total = this.taskCount + count
    const { maxExecutionTasks } = LIMITS
    if (total > maxExecutionTasks) return `Expected at most ${maxExecutionTasks} tasks in an execution, got ${total}`
    this.#taskCount = total
    return undefined
  }

  /** Releases the room of tasks that will not be added. */
  release(count: number): void {
    if (count > 0) this.#taskCount = this.taskCount - count
  }

  /** The condition of a task is false. */
  skip(task: number, when: Condition, values: ConditionValues): void {
    const { recorder, tasks, table, options } = this.#parts
    const error = cutMessage(`The condition is false: \`${when.source}\` with ${stringifyJson(when.observe(values))}`)
    const ending: PendingSettlement = { tasks: [task], status: 'skipped', code: 'CONDITION_FALSE', error }
    const data = describeEnding(recorder, tasks.at(task), task, ending, table.columns, options.clock.now())
    recorder.record('task_complete', data, task)
  }

  /** A task takes an output over, unless the outputs become too large. */
  reuse(task: number, reused: ReusedOutput): void {
    const { recorder, outputs, table, tasks, options } = this.#parts
    const report = outputs.admit({ status: 'success', output: reused.output, executionTimeMs: 0 })
    if (report.status !== 'success') return this.end(task, report)
    const data = describeReuse(recorder, tasks.at(task), task, reused, table.columns, options.clock.now())
    recorder.record('task_complete', data, task)
  }

  /** Ends a task without attempts. @param why reason of its stop, if it was stopped */
  end(task: number, outcome: AttemptOutcome, executionTimeMs = 0, why?: Abortion): void {
    const { recorder, outputs, table, tasks, options } = this.#parts
    const report = outputs.admit({ ...outcome, executionTimeMs: round(executionTimeMs) })
    const ended = { task: tasks.at(task), index: task, number: table.columns.attempts[task] as number }
    const data = describeCompletion(recorder, ended, report, why, table.columns, options.clock.now())
    recorder.record('task_complete', data, task)
  }
}

/** Shared object, since a fan-out may have many items. */
const NO_DEPENDENCIES: readonly string[] = Object.freeze([])

function describeTask(plan: ExecutionPlan, local: number, parentId: string, layer: number): AddedTask {
  const idOf = (index: number): string => `${parentId}/${(plan.tasks[index] as PlannedTask).id}`
  const { tool, layer: ownLayer } = plan.tasks[local] as PlannedTask
  const dependsOn = (plan.dependencies[local] as readonly number[]).map(idOf)
  // Without an `output` of its own, the workflow's output has those of its last layer.
  const isHeld = plan.output === undefined && ownLayer === plan.finallyLayer - 1
  return { taskId: idOf(local), tool: tool.name, layer, dependsOn, ...(isHeld && { held: true }) }
}

function countTasks({ graph }: TaskTable): number {
  let count = graph.size - graph.removedCount
  for (const group of graph.openGroups) count += countMissing(group)
  return count
}

/** The tasks that a parent was opened for and that have not been added. */
export function countMissing({ itemCount, children, base, plan, definition }: TaskGroup): number {
  // A planner: its tasks are not known before.
  if (definition?.kind === 'plan') return children.length === 0 ? 1 : 0
  if (plan === undefined) return Math.max(0, itemCount - children.length)
  return base < 0 ? plan.tasks.length : 0
}
