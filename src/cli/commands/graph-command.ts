import { compileWorkflow } from '../../plan/compile.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { TOOL_NAME_PATTERN } from '../../tools/registry.ts'
import type { Tool } from '../../tools/tool.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { type GraphFormat, type GraphTask, renderGraph } from '../render/graph-text.ts'
import { readSource, type Source } from '../input/read-workflow.ts'

/** Writes a workflow's graph to stdout. @throws DagstreamError `INVALID_WORKFLOW` */
export async function graphCommand(
  file: string,
  { format }: { readonly format: GraphFormat },
  { process, stdout }: CommandContext,
): Promise<ExitCode> {
  const source = await readSource(file, process)
  const plan = compile(source)
  await stdout.write(renderGraph(toGraph(plan), format))
  return 0
}

/** @throws DagstreamError `INVALID_WORKFLOW` */
function compile(source: Source): ExecutionPlan {
  const { value } = source
  try {
    return compileWorkflow(value as DAGStructure, placeholderTools(value))
  } catch (error) {
    throw locateErrorIssues(error, source)
  }
}

function toGraph({ tasks, dependencies }: ExecutionPlan): GraphTask[] {
  return tasks.map(({ id, tool }, index) => ({
    id,
    tool: tool.name,
    dependencies: (dependencies[index] ?? []).flatMap(dependency => tasks[dependency]?.id ?? []),
  }))
}

/** Drawing needs no real tools: each named tool gets a placeholder, which is never called. */
function placeholderTools(document: unknown): Tool[] {
  const tasks = (document as { tasks?: unknown } | null)?.tasks
  const names = (Array.isArray(tasks) ? tasks : []).map(task => (task as { tool?: unknown } | null)?.tool)
  return [...new Set(names)].filter(isToolName).map(name => ({ name, execute: () => null }))
}

const toolName = new RegExp(TOOL_NAME_PATTERN, 'u')

/** Invalid tool names are left to the validation of the document. */
function isToolName(name: unknown): name is string {
  return typeof name === 'string' && toolName.test(name)
}
