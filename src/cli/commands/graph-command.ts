import { compileWorkflow } from '../../plan/compile.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { TOOL_NAME_PATTERN } from '../../tools/registry.ts'
import type { Tool } from '../../tools/tool.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { WORKFLOW_NAME_PATTERN } from '../../workflow/schema.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { readSource, type Source } from '../input/read-workflow.ts'
import { type GraphFormat, renderGraph } from '../render/graph-text.ts'
import { toGraph } from './plan-graph.ts'

/** Writes a workflow's graph to stdout. @throws DagstreamError `INVALID_WORKFLOW` */
export async function graphCommand(
  file: string,
  { format }: { readonly format: GraphFormat },
  { process, stdout }: CommandContext,
): Promise<ExitCode> {
  const source = await readSource(file, process)
  await stdout.write(renderGraph(toGraph(compile(source)), format))
  return 0
}

/** @throws DagstreamError `INVALID_WORKFLOW` */
function compile(source: Source): ExecutionPlan {
  const { value } = source
  const { tools, workflows } = collectNames(value)
  const names = [...workflows].filter(name => workflowName.test(name))
  const placeholders = { workflows: Object.fromEntries(names.map(name => [name, NOTHING])) }
  try {
    return compileWorkflow(value as DAGStructure, placeholderTools(tools), placeholders)
  } catch (error) {
    throw locateErrorIssues(error, source)
  }
}

/** Drawing needs no real tools: each named tool gets a placeholder, which is never called. */
function placeholderTools(names: ReadonlySet<string>): Tool[] {
  return [...names].filter(name => toolName.test(name)).map(name => ({ name, execute: () => null }))
}

/** Nor does it need the registered workflows: a task that runs one is a box. */
const NOTHING: DAGStructure = { tasks: [] }

/** Invalid names are left to the validation of the document. */
const toolName = new RegExp(TOOL_NAME_PATTERN, 'u')
const workflowName = new RegExp(WORKFLOW_NAME_PATTERN, 'u')
