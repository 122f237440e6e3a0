import { DagstreamError } from '../../errors.ts'
import { DEFAULT_OPTIONS } from '../../engine/options.ts'
import { computeForecast, type Forecast } from '../../forecast/forecast.ts'
import { readHistory } from '../../forecast/read-history.ts'
import type { TaskHistory } from '../../forecast/task-history.ts'
import { compileWorkflow, type ValidationResult, validateWorkflow } from '../../plan/compile.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateIssues } from '../../workflow/locate-issues.ts'
import { type CliProcess, type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { renderForecast } from '../render/forecast-lines.ts'
import { missesTool, renderIssues, TOOLS_HINT } from '../render/issue-lines.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { askUntilInterrupted, openTools } from '../input/open-tools.ts'
import { expectOneReader } from '../input/read-config.ts'
import type { Source } from '../input/read-workflow.ts'
import { readNamed, readWorkflowFolder, type WorkflowFolder } from '../input/workflow-folder.ts'
import { toPlainLine } from '../render/text.ts'
import { findStore } from '../target/open-source.ts'
import { openExistingStore } from '../target/open-store.ts'

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
  /** Adds a forecast by the history of `store`. */
  readonly forecast?: true
  readonly store?: string
  readonly concurrency?: number
}

/** The printed result. */
interface Report extends ValidationResult {
  readonly forecast?: Forecast
}

/** Checks a workflow without running it. MCP servers that it names are started for their schemas. @throws `TOOLS_UNAVAILABLE` */
export async function validateCommand(
  file: string,
  options: ValidateOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stdout, stderr, colors } = context
  const { json, forecast, store, concurrency } = options
  if (!forecast && (store ?? concurrency) !== undefined) {
    throw new UsageError('Expected --forecast with --store and --concurrency')
  }
  expectOneReader(file, options.mcp)
  const folder = await readWorkflowFolder(options.workflows, process)
  const history = forecast && (await readStoredHistory(store, process))
  const report = await check(await readNamed(file, folder, process), folder, history, options, context)
  if (report === undefined) return 130
  if (json) await stdout.write(`${JSON.stringify(report)}\n`)
  else if (report.valid) {
    await stderr.write(`${colors.green('valid')} ${toPlainLine(file)}\n`)
    if (report.forecast !== undefined) await stdout.write(renderForecast(report.forecast))
  } else {
    await stderr.write(renderIssues(report.issues, report.issueCount, colors))
    if (missesTool(report.issues)) await stderr.write(`${TOOLS_HINT}\n`)
  }
  return report.valid ? 0 : 2
}

/** @returns `undefined` if interrupted */
async function check(
  { value: document, text }: Source,
  folder: WorkflowFolder | undefined,
  history: TaskHistory | undefined,
  { input, concurrency = DEFAULT_OPTIONS.maxConcurrency, ...flags }: ValidateOptions,
  context: CommandContext,
): Promise<Report | undefined> {
  const { process } = context
  const tools = await openTools(flags, process, new McpLines(context))
  try {
    const workflows = folder?.register(tools.all)
    const recorded = workflows?.record(document as DAGStructure) ?? document
    const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(recorded))
    if (found === undefined) return undefined
    const registry = new ToolRegistry(found)
    const known = workflows && { workflows }
    const report = validateWorkflow(document, registry, { input, ...known })
    if (report.valid && history !== undefined) {
      const plan = compileWorkflow(document as DAGStructure, registry, known)
      return { ...report, forecast: await computeForecast(plan, history, { maxConcurrency: concurrency }) }
    }
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

/** @throws UsageError if there is no store; Error for one that is in use or cannot be opened */
async function readStoredHistory(file: string | undefined, process: CliProcess): Promise<TaskHistory> {
  const store = await openExistingStore(findStore(file === undefined ? {} : { store: file }, process), 'read', process)
  try {
    return await readHistory(store)
  } finally {
    await store.close()
  }
}
