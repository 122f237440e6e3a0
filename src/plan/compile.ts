import { DagstreamError } from '../errors.ts'
import { JsonValue } from '../events/json-value.ts'
import { NotSerializableError } from '../events/serialize.ts'
import { runAtOnce } from '../slices.ts'
import { ToolRegistry, type ToolSource } from '../tools/registry.ts'
import { checkInput } from '../workflow/check-document.ts'
import type { DAGStructure, WorkflowIssue } from '../workflow/document.ts'
import { IssueList } from '../workflow/issues.ts'
import { buildPlan, planSteps } from './build-plan.ts'
import { checkWorkflow } from './check-workflow.ts'
import { ExecutionPlan } from './execution-plan.ts'

/** The result of `validateWorkflow`. */
export interface ValidationResult {
  readonly valid: boolean
  /** At most 100: issues of the shape, then of the tasks, the input and the graph, each in document order. */
  readonly issues: readonly WorkflowIssue[]
  /** Total number of issues. */
  readonly issueCount: number
}

/**
 * Checks a workflow and compiles it to a plan for executions. The plan copies the document, so later changes of it have
 * no effect. Linear in tasks and dependencies.
 *
 * @throws `INVALID_WORKFLOW` with every problem in `details.issues` (at most 100) and their number in `details.issueCount`;
 * `INVALID_TOOL` for an invalid tool definition
 */
export function compileWorkflow(workflow: DAGStructure | ExecutionPlan, tools: ToolSource): ExecutionPlan {
  if (ExecutionPlan.is(workflow)) return workflow
  const issues = new IssueList()
  const checked = checkWorkflow(workflow, ToolRegistry.from(tools), issues)
  if (checked === undefined) throw invalidWorkflow(issues)
  return runAtOnce(planSteps(checked))
}

/**
 * Checks any value as a workflow and reports every problem at once. With `input`, also checks that the referenced parts
 * of the input exist.
 * @throws `INVALID_TOOL`; `INVALID_OPTION` for an input that is not JSON
 */
export function validateWorkflow(
  document: unknown,
  tools: ToolSource,
  options: { input?: unknown } = {},
): ValidationResult {
  const issues = new IssueList()
  const input = readInput(options.input)
  if (!ExecutionPlan.is(document))
    checkWorkflow(document, ToolRegistry.from(tools), issues, input && { input, isRecorded: false })
  else if (input !== undefined) checkInput(document.inputReferences, input, issues)
  return { valid: issues.count === 0, issues: issues.issues, issueCount: issues.count }
}

/** A workflow and an input that have passed every check. */
export interface CheckedExecution {
  readonly input: JsonValue | undefined
  /** Builds the plan; in slices if the workflow is large (see `buildPlan`). Call it once. */
  readonly plan: () => ExecutionPlan | Promise<ExecutionPlan>
}

/**
 * Checks the workflow and the input of one execution. The input must contain every part that the workflow refers to. The
 * checks are synchronous, so that a caller can refuse at once; the plan is built later.
 * @param isRecorded whether an earlier version may have accepted the workflow
 * @throws `INVALID_WORKFLOW` with every problem of both, `INVALID_OPTION` for an input that is not JSON, `INVALID_TOOL`
 */
export function checkExecution(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolSource,
  given: unknown,
  isRecorded = false,
): CheckedExecution {
  const input = readInput(given)
  const issues = new IssueList()
  if (ExecutionPlan.is(workflow)) {
    checkInput(workflow.inputReferences, input, issues)
    if (issues.count > 0) throw invalidWorkflow(issues)
    return { input, plan: () => workflow }
  }
  const checked = checkWorkflow(workflow, ToolRegistry.from(tools), issues, { input, isRecorded })
  if (checked === undefined) throw invalidWorkflow(issues)
  return { input, plan: () => buildPlan(checked) }
}

function readInput(input: unknown): JsonValue | undefined {
  if (input === undefined) return undefined
  try {
    return JsonValue.from(input)
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error
    throw new DagstreamError('INVALID_OPTION', `Expected \`input\` to be JSON: ${error.message}`, { cause: error })
  }
}

function invalidWorkflow(issues: IssueList): DagstreamError {
  const first = issues.issues[0]
  const rest = issues.count > 1 ? ` (and ${issues.count - 1} more: see \`details.issues\`)` : ''
  return new DagstreamError('INVALID_WORKFLOW', `${first?.code} at \`${first?.pointer}\`: ${first?.message}${rest}`, {
    details: { issues: issues.issues, issueCount: issues.count },
  })
}
