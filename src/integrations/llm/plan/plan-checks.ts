import { checkWorkflow } from '../../../plan/check-workflow.ts'
import type { WorkflowRegistry } from '../../../plan/workflow-registry.ts'
import type { ToolRegistry } from '../../../tools/registry.ts'
import { IssueList } from '../../../workflow/issues.ts'
import type { PlanChecks } from './plan-tasks.ts'

/** Issues that a task has because a task it names does not exist yet. */
const FORWARD: ReadonlySet<string> = new Set(['UNKNOWN_DEPENDENCY', 'UNKNOWN_REFERENCE'])

/**
 * The checks of a plan that begins without tasks: those of a document, and each task depends on earlier ones only.
 *
 * Each task is checked with all accepted ones: quadratic, within the bound of `PLANNER_LIMITS`.
 */
export function createPlanChecks(tools: ToolRegistry, workflows?: WorkflowRegistry): PlanChecks {
  const accepted: unknown[] = []
  const lookup = workflows?.lookup(tools)
  return {
    add(definition) {
      const issues = new IssueList()
      checkWorkflow({ tasks: [...accepted, definition] }, tools, issues, { workflows: lookup })
      if (issues.count === 0) accepted.push(definition)
      const place = `/tasks/${issues.count === 0 ? accepted.length - 1 : accepted.length}`
      return issues.issues.map(issue => ({
        ...issue,
        code: FORWARD.has(issue.code) ? 'FORWARD_DEPENDENCY' : issue.code,
        pointer: issue.pointer.replace(place, ''),
      }))
    },
  }
}
