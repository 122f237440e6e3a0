import { DagstreamError } from '../errors.ts'
import { JsonValue } from '../events/json-value.ts'
import { NotSerializableError } from '../events/serialize.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { ToolRegistry, type ToolSource } from '../tools/registry.ts'
import { checkDocument, checkInput } from '../workflow/check-document.ts'
import type { DAGStructure, WorkflowIssue } from '../workflow/document.ts'
import { IssueList } from '../workflow/issues.ts'
import { findCycles } from './cycles.ts'
import { ExecutionPlan } from './execution-plan.ts'
import { computeLayers } from './graph.ts'
import { computeDependents } from './priorities.ts'

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
  const plan = buildPlan(workflow, ToolRegistry.from(tools), issues)
  if (plan === undefined) throw invalidWorkflow(issues)
  return plan
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
    buildPlan(document, ToolRegistry.from(tools), issues, input && { input, isRecorded: false })
  else if (input !== undefined) checkInput(document.inputReferences, input, issues)
  return { valid: issues.count === 0, issues: issues.issues, issueCount: issues.count }
}

/**
 * Returns the plan and the input of one execution. The input must contain every part that the plan refers to.
 * @param isRecorded whether an earlier version may have accepted the workflow
 * @throws `INVALID_WORKFLOW` with every problem of both, `INVALID_OPTION` for an input that is not JSON, `INVALID_TOOL`
 */
export function prepareExecution(
  workflow: DAGStructure | ExecutionPlan,
  tools: ToolSource,
  given: unknown,
  isRecorded = false,
): { plan: ExecutionPlan; input: JsonValue | undefined } {
  const input = readInput(given)
  const issues = new IssueList()
  let plan: ExecutionPlan | undefined
  if (ExecutionPlan.is(workflow)) {
    plan = workflow
    checkInput(plan.inputReferences, input, issues)
  } else plan = buildPlan(workflow, ToolRegistry.from(tools), issues, { input, isRecorded })
  if (plan === undefined || issues.count > 0) throw invalidWorkflow(issues)
  return { plan, input }
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

function buildPlan(
  document: unknown,
  tools: ToolRegistry,
  issues: IssueList,
  /** Absent outside of an execution: references into the input are not checked. */
  given?: { readonly input: JsonValue | undefined; readonly isRecorded: boolean },
): ExecutionPlan | undefined {
  const { name, tasks, nodes } = checkDocument(document, tools, issues, given?.isRecorded)
  if (given !== undefined) for (const task of tasks) checkInput(task.inputReferences, given.input, issues)
  // Issues leave gaps. The graph keeps the document's indices, so that cycles are found and reported as well.
  const size = (nodes.at(-1)?.index ?? -1) + 1
  const dependencies = new Array<readonly number[]>(size).fill([])
  const ids = new Array<string>(size).fill('')
  for (const node of nodes) {
    dependencies[node.index] = node.dependencies
    ids[node.index] = node.id
  }
  const layers = computeLayers(dependencies)
  if (layers === undefined) reportCycles(dependencies, ids, issues)
  if (layers === undefined || issues.count > 0) return undefined
  return new ExecutionPlan(name, tasks, layers, computeDependents(dependencies))
}

function reportCycles(dependencies: readonly (readonly number[])[], ids: readonly string[], issues: IssueList): void {
  for (const cycle of findCycles(dependencies, ids)) {
    const path = cycle.map(task => ids[task] as string)
    const shown = path.length <= 9 ? path : [...path.slice(0, 4), '…', ...path.slice(-4)]
    const message = `Expected no task to depend on itself in the end, found ${shown.map(quoteName).join(' → ')}`
    issues.add('CYCLE', `/tasks/${cycle[0]}`, message, { path, hint: 'Remove one of these dependencies' })
  }
}

function invalidWorkflow(issues: IssueList): DagstreamError {
  const first = issues.issues[0]
  const rest = issues.count > 1 ? ` (and ${issues.count - 1} more: see \`details.issues\`)` : ''
  return new DagstreamError('INVALID_WORKFLOW', `${first?.code} at \`${first?.pointer}\`: ${first?.message}${rest}`, {
    details: { issues: issues.issues, issueCount: issues.count },
  })
}
