import { compileWorkflow } from '../../plan/compile.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { GrowingPlan } from '../../plan/growing-plan.ts'
import type { TaskGroup } from '../../scheduler/task-group.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { GrowthContext } from '../../workflow/growing-document.ts'

/** Every plan of a task begins without tasks and without an input. */
let empty: ExecutionPlan | undefined

/** A plan that begins without tasks, and whose tasks know nothing but each other. */
export function createGrowing(context: GrowthContext): GrowingPlan {
  empty ??= compileWorkflow({ tasks: [] }, new ToolRegistry())
  return new GrowingPlan(empty, undefined, context)
}

/** The id of the task that plans the children of another one. No id of a document holds a bracket. */
export function formatPlannerId(parentId: string): string {
  return `${parentId}[plan]`
}

/** The plan of a group that grows: made once, and then used with another context. */
export function growInside(group: TaskGroup, context: GrowthContext): GrowingPlan {
  if (group.grown instanceof GrowingPlan) {
    group.grown.use(context)
    return group.grown
  }
  const growing = createGrowing(context)
  group.grown = growing
  return growing
}

/** The tools that planned tasks may call: a plan within a plan would have no bound. */
export function withoutPlanners(tools: ToolRegistry): ToolRegistry {
  const all = [...tools]
  if (!all.some(({ isPlanner }) => isPlanner)) return tools
  const known = new WeakMap(all.map(registered => [registered.tool, registered] as const))
  return ToolRegistry.reusing(
    all.filter(({ isPlanner }) => !isPlanner).map(({ tool }) => tool),
    known,
  )
}
