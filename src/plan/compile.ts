import { DagstreamError } from '../errors.ts'
import { JsonValue } from '../events/json-value.ts'
import { isJsonObject } from '../json/describe-json.ts'
import { NotSerializableError } from '../events/serialize.ts'
import { runAtOnce } from '../slices.ts'
import { ToolRegistry, type ToolSource } from '../tools/registry.ts'
import type { WorkflowLookup } from '../workflow/checked-document.ts'
import type { DAGStructure, RecordedWorkflow, WorkflowIssue } from '../workflow/document.ts'
import { IssueList } from '../workflow/issues.ts'
import { checkInput } from '../workflow/workflow-input.ts'
import { buildPlan, planSteps } from './build-plan.ts'
import { checkWorkflow } from './check-workflow.ts'
import { ExecutionPlan } from './execution-plan.ts'
import { invalidWorkflow } from './invalid-workflow.ts'
import { WorkflowRegistry, type WorkflowSource } from './workflow-registry.ts'

/** The result of `validateWorkflow`. */
export interface ValidationResult {
  readonly valid: boolean
  /** At most 100: issues of the shape, then of the tasks, the input and the graph, each in document order. */
  readonly issues: readonly WorkflowIssue[]
  /** Total number of issues. */
  readonly issueCount: number
}

/** Options of the compilation, beside the tools. */
export interface CompileOptions {
  /** The workflows that tasks may name: documents by name, checked first, or a registry. */
  readonly workflows?: WorkflowSource
}

/**
 * Checks a workflow and compiles it to a plan for executions. The plan copies the document, so later changes of it have
 * no effect. Linear in tasks and dependencies.
 *
 * @throws `INVALID_WORKFLOW` with every problem in `details.issues` (at most 100) and their number in `details.issueCount`,
 * for the workflow or for one of `workflows`; `INVALID_TOOL` for an invalid tool definition
 */
export function compileWorkflow(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolSource,
  { workflows }: CompileOptions = {},
): ExecutionPlan {
  if (ExecutionPlan.is(workflow)) return workflow
  const issues = new IssueList()
  const registry = ToolRegistry.from(tools)
  const checked = checkWorkflow(workflow, registry, issues, { workflows: findWorkflows(workflows, registry) })
  if (checked === undefined) throw invalidWorkflow(issues)
  return runAtOnce(planSteps(checked))
}

/**
 * Checks any value as a workflow and reports every problem at once. With `input`, also checks that it fits `inputSchema`,
 * and that the referenced parts of it exist.
 * @throws `INVALID_TOOL`; `INVALID_OPTION` for an input that is not JSON; `INVALID_WORKFLOW` for one of `workflows`
 */
export function validateWorkflow(
  document: unknown,
  tools: ToolSource,
  options: CompileOptions & { input?: unknown } = {},
): ValidationResult {
  const issues = new IssueList()
  const input = readInput(options.input)
  const hasInput = input !== undefined
  if (!ExecutionPlan.is(document)) {
    const registry = ToolRegistry.from(tools)
    checkWorkflow(document, registry, issues, {
      hasInput,
      input,
      workflows: findWorkflows(options.workflows, registry),
    })
  } else if (hasInput) checkInput(document, input, issues)
  return { valid: issues.count === 0, issues: issues.issues, issueCount: issues.count }
}

/** A workflow and an input that have passed every check. */
export interface CheckedExecution {
  readonly input: JsonValue | undefined
  /** Builds the plan; in slices if the workflow is large (see `buildPlan`). Call it once. */
  readonly plan: () => ExecutionPlan | Promise<ExecutionPlan>
}

/**
 * Checks the workflow and the input of one execution. The input must fit the workflow's `inputSchema`, and contain every
 * part that the workflow refers to. The checks are synchronous, so that a caller can refuse at once; the plan is built
 * later.
 * @param isRecorded whether an earlier version may have accepted the workflow. A recorded one holds the registered
 * workflows that it names.
 * @throws `INVALID_WORKFLOW` with every problem of both, `INVALID_OPTION` for an input that is not JSON, `INVALID_TOOL`
 */
export function checkExecution(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolSource,
  given: unknown,
  isRecorded = false,
  workflows?: WorkflowSource,
): CheckedExecution {
  const input = readInput(given)
  const issues = new IssueList()
  if (ExecutionPlan.is(workflow)) {
    checkInput(workflow, input, issues)
    if (issues.count > 0) throw invalidWorkflow(issues)
    return { input, plan: () => workflow }
  }
  const registry = ToolRegistry.from(tools)
  const known = isRecorded ? findRecorded(workflow, registry) : findWorkflows(workflows, registry)
  const checked = checkWorkflow(workflow, registry, issues, { hasInput: true, input, isRecorded, workflows: known })
  if (checked === undefined) throw invalidWorkflow(issues)
  return { input, plan: () => buildPlan(checked) }
}

function findWorkflows(workflows: WorkflowSource | undefined, tools: ToolRegistry): WorkflowLookup | undefined {
  return workflows === undefined ? undefined : WorkflowRegistry.from(workflows, tools).lookup(tools)
}

function findRecorded(document: RecordedWorkflow | null, tools: ToolRegistry): WorkflowLookup | undefined {
  const workflows = document?.workflows
  // Anything else is reported with the shape of the document.
  if (!isJsonObject(workflows)) return undefined
  return new WorkflowRegistry(workflows, tools, { isRecorded: true }).lookup(tools)
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
