import type { TaskResult } from '../events/events.ts'
import { JsonValue } from '../events/json-value.ts'
import type { ExecutionState, TaskState } from '../events/state.ts'
import type { ExecutionPlan, PlannedTask } from '../plan/execution-plan.ts'

/** The result of a task of the document. */
export interface DocumentTaskResult extends TaskResult {
  /** Of a `forEach` or `repeat`: its items or rounds. An output that the output of the parent holds is left out. */
  readonly items?: readonly DocumentTaskResult[]
  /** Of a `workflow`: its tasks. */
  readonly tasks?: readonly DocumentTaskResult[]
}

/** What of a `task_complete` is the task's result, its output as a plain value of the caller's own. */
export function toTaskResult(data: TaskResult): TaskResult {
  const { taskId, tool, status, attempts, executionTimeMs, waitMs } = data
  if (status === 'success') {
    const output = data.output instanceof JsonValue ? data.output.read() : data.output
    return { taskId, tool, status, output, attempts, executionTimeMs, waitMs }
  }
  const { error, code, causedBy, abandoned, optional } = data
  return {
    taskId,
    tool,
    status,
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(causedBy !== undefined && { causedBy }),
    attempts,
    executionTimeMs,
    waitMs,
    ...(abandoned && { abandoned }),
    ...(optional && { optional }),
  }
}

/** The children of each parent, by its id, in the order of their events; `undefined` for an execution without parents. */
export function findChildren(tasks: ExecutionState['tasks']): ReadonlyMap<string, readonly TaskState[]> | undefined {
  let children: Map<string, TaskState[]> | undefined
  for (const task of tasks.values()) {
    if (task.parentId === undefined) continue
    children ??= new Map()
    const siblings = children.get(task.parentId)
    if (siblings === undefined) children.set(task.parentId, [task])
    else siblings.push(task)
  }
  return children
}

/** The result of a parent with those of its children. At most as deep as workflows are nested. */
export function nestResults(
  result: TaskResult,
  { group }: Pick<PlannedTask, 'group'>,
  childrenOf: ReadonlyMap<string, readonly TaskState[]>,
): DocumentTaskResult {
  const children = childrenOf.get(result.taskId)
  if (group === undefined || children === undefined) return result
  const nested = children.flatMap(({ result: data }, at) => {
    if (data === undefined) return []
    const definition = group.kind === 'workflow' ? group.plan.tasks[at] : group.body
    const child = nestResults(toTaskResult(data), definition as PlannedTask, childrenOf)
    const isLast = at === children.length - 1
    const isHeld = result.status === 'success' && holdsOutput(group, at, isLast)
    return [isHeld ? withoutOutput(child) : child]
  })
  return group.kind === 'workflow' ? { ...result, tasks: nested } : { ...result, items: nested }
}

/** Whether the output of a parent that succeeded holds that of the child at this position. */
function holdsOutput(group: NonNullable<PlannedTask['group']>, at: number, isLast: boolean): boolean {
  if (group.kind === 'forEach') return true
  if (group.kind === 'repeat') return isLast
  const { output, layerIndices, finallyLayer }: ExecutionPlan = group.plan
  return output === undefined && (layerIndices[finallyLayer - 1] ?? []).includes(at)
}

function withoutOutput({ output: _, ...rest }: DocumentTaskResult): DocumentTaskResult {
  return rest
}
