import { checkExecution } from '../../src/plan/compile.ts'
import type { ExecutionPlan } from '../../src/plan/execution-plan.ts'

/** Checks an execution and builds its plan, which is small. */
export function prepareExecution(...given: Parameters<typeof checkExecution>): {
  readonly input: ReturnType<typeof checkExecution>['input']
  readonly plan: ExecutionPlan
} {
  const { input, plan } = checkExecution(...given)
  return { input, plan: plan() as ExecutionPlan }
}
