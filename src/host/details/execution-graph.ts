import type { RunOn } from '../../workflow/document.ts'
import type { ExecutionPlan, PlannedTask } from '../../plan/execution-plan.ts'

/** A task of a document as a node of its graph: without arguments, which may hold secrets. */
export interface GraphTask {
  readonly taskId: string
  readonly tool: string
  /** Ids of its dependencies, listed or referred to; ids of `finally` tasks for one of those. */
  readonly dependsOn: readonly string[]
  /** CEL expression: it is skipped if this is false. */
  readonly when?: string
  /** Absent for `success`. */
  readonly runOn?: Exclude<RunOn, 'success'>
  /** How it makes children. */
  readonly children?: 'forEach' | 'repeat' | 'workflow' | 'plan'
  /** It waits for the approval of a person. */
  readonly approve?: true
  readonly optional?: true
}

/** The tasks of a plan, those of `finally` last. */
export function describeGraph({ tasks, dependencies }: ExecutionPlan): GraphTask[] {
  return tasks.map(({ id, tool, when, runOn, group, approve, optional }, at) => ({
    taskId: id,
    tool: tool.name,
    dependsOn: (dependencies[at] as readonly number[]).map(each => (tasks[each] as PlannedTask).id),
    ...(when !== undefined && { when: when.source }),
    ...(runOn !== undefined && { runOn }),
    ...(group !== undefined && { children: group.kind }),
    ...((approve ?? bodyOf(group)?.approve) !== undefined && { approve: true as const }),
    ...(optional !== undefined && { optional: true as const }),
  }))
}

function bodyOf(group: PlannedTask['group']): PlannedTask | undefined {
  return group === undefined || group.kind === 'workflow' ? undefined : group.body
}
