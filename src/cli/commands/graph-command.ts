import { compileWorkflow } from '../../plan/compile.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { TOOL_NAME_PATTERN } from '../../tools/registry.ts'
import type { Tool } from '../../tools/tool.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { WORKFLOW_NAME_PATTERN } from '../../workflow/schema.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import type { Source } from '../input/read-workflow.ts'
import { readNamed, readWorkflowFolder } from '../input/workflow-folder.ts'
import { type GraphFormat, renderGraph } from '../render/graph-text.ts'
import { toGraph } from './plan-graph.ts'

/** The flags of `graph`. */
export interface GraphOptions {
  readonly format: GraphFormat
  /** A folder of registered workflows. */
  readonly workflows?: string
}

/** Writes a workflow's graph to stdout. @throws DagstreamError `INVALID_WORKFLOW` */
export async function graphCommand(
  file: string,
  { format, workflows }: GraphOptions,
  { process, stdout }: CommandContext,
): Promise<ExitCode> {
  const folder = await readWorkflowFolder(workflows, process)
  const source = await readNamed(file, folder, process)
  await stdout.write(renderGraph(toGraph(compile(source, folder?.register())), format))
  return 0
}

/**
 * @param registry absent: a task that runs a registered workflow is a box
 * @throws DagstreamError `INVALID_WORKFLOW`
 */
function compile(source: Source, registry: WorkflowRegistry | undefined): ExecutionPlan {
  const document = source.value as DAGStructure
  const { tools, workflows } = collectNames(registry?.record(document) ?? document)
  const names = [...workflows].filter(name => workflowName.test(name))
  const boxes = Object.fromEntries(names.map(name => [name, NOTHING]))
  try {
    return compileWorkflow(document, placeholderTools(tools), { workflows: registry ?? boxes })
  } catch (error) {
    throw locateErrorIssues(error, source)
  }
}

/** Drawing needs no real tools: each named tool gets a placeholder, which is never called. */
function placeholderTools(names: ReadonlySet<string>): Tool[] {
  return [...names].filter(name => toolName.test(name)).map(name => ({ name, execute: () => null }))
}

/** Nor does it need the registered workflows. */
const NOTHING: DAGStructure = { tasks: [] }

/** Invalid names are left to the validation of the document. */
const toolName = new RegExp(TOOL_NAME_PATTERN, 'u')
const workflowName = new RegExp(WORKFLOW_NAME_PATTERN, 'u')
