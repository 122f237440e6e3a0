import { DagstreamError } from '../../errors.ts'
import { type ValidationResult, validateWorkflow } from '../../plan/compile.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateIssues } from '../../workflow/locate-issues.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { missesTool, renderIssues, TOOLS_HINT } from '../render/issue-lines.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { askUntilInterrupted, openTools } from '../input/open-tools.ts'
import { expectOneReader } from '../input/read-config.ts'
import type { Source } from '../input/read-workflow.ts'
import { readNamed, readWorkflowFolder, type WorkflowFolder } from '../input/workflow-folder.ts'
import { toPlainLine } from '../render/text.ts'

/** The flags of `validate`. */
export interface ValidateOptions {
  readonly tools?: string
  /** A file with `mcpServers`. */
  readonly mcp?: string
  /** A folder of registered workflows, which are checked too. */
  readonly workflows?: string
  /** The value of `$INPUT`; without it, references into it are not checked. */
  readonly input?: unknown
  readonly json?: true
}

/** Checks a workflow without running it. MCP servers that it names are started for their schemas. @throws `TOOLS_UNAVAILABLE` */
export async function validateCommand(
  file: string,
  options: ValidateOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stdout, stderr, colors } = context
  const { json } = options
  expectOneReader(file, options.mcp)
  const folder = await readWorkflowFolder(options.workflows, process)
  const report = await check(await readNamed(file, folder, process), folder, options, context)
  if (report === undefined) return 130
  if (json) await stdout.write(`${JSON.stringify(report)}\n`)
  else if (report.valid) await stderr.write(`${colors.green('valid')} ${toPlainLine(file)}\n`)
  else {
    await stderr.write(renderIssues(report.issues, report.issueCount, colors))
    if (missesTool(report.issues)) await stderr.write(`${TOOLS_HINT}\n`)
  }
  return report.valid ? 0 : 2
}

/** @returns `undefined` if interrupted */
async function check(
  { value: document, text }: Source,
  folder: WorkflowFolder | undefined,
  { input, ...flags }: ValidateOptions,
  context: CommandContext,
): Promise<ValidationResult | undefined> {
  const { process } = context
  const tools = await openTools(flags, process, new McpLines(context))
  try {
    const workflows = folder?.register(tools.all)
    const recorded = workflows?.record(document as DAGStructure) ?? document
    const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(recorded))
    if (found === undefined) return undefined
    const report = validateWorkflow(document, new ToolRegistry(found), { input, ...(workflows && { workflows }) })
    return { ...report, issues: locateIssues(report.issues, { text }) }
  } catch (error) {
    // Of the registered workflows: without them the document cannot be checked.
    if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') throw error
    const { issues, issueCount } = error.details as unknown as Omit<ValidationResult, 'valid'>
    return { valid: false, issues, issueCount }
  } finally {
    await tools.close()
  }
}
