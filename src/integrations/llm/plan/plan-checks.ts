import { compileWorkflow } from '../../../plan/compile.ts'
import { GrowingPlan } from '../../../plan/growing-plan.ts'
import type { WorkflowRegistry } from '../../../plan/workflow-registry.ts'
import type { ToolRegistry } from '../../../tools/registry.ts'
import type { PlanChecks } from './plan-draft.ts'

/** The checks of a plan that begins without tasks: those of a document, and each task depends on earlier ones only. */
export function createPlanChecks(tools: ToolRegistry, workflows?: WorkflowRegistry): PlanChecks {
  const growing = new GrowingPlan(compileWorkflow({ tasks: [] }, tools), undefined, {
    tools,
    workflows: workflows?.lookup(tools),
  })
  return {
    add(definition) {
      const grown = growing.add(definition)
      return 'planned' in grown ? [] : grown
    },
  }
}
