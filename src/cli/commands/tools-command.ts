import type { AnyTool } from '../../tools/registry.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { askUntilInterrupted, type CliTools, openTools, type ToolFlags } from '../input/open-tools.ts'
import { toPlainLine } from '../render/text.ts'
import { renderTools } from '../render/tool-lines.ts'

/** Where no terminal says how wide a line may be. */
const PIPE_COLUMNS = 120

/**
 * Lists the tools that a workflow can name, those of all MCP servers among them.
 * @returns 1 where some server does not start, which is told on stderr; the tools of the others are listed
 */
export async function toolsCommand(
  options: ToolFlags & { readonly json?: true },
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stdout, stderr, colors } = context
  const source = await openTools(options, process, new McpLines(context))
  try {
    const collected = await askUntilInterrupted(source, process, () => collectTools(source))
    if (collected === undefined) return 130
    const { tools, reasons } = collected
    const columns = stdout.stream.columns || PIPE_COLUMNS
    await stdout.write(options.json ? `${JSON.stringify(tools.map(describeTool))}\n` : renderTools(tools, columns))
    for (const reason of reasons) await stderr.write(`${colors.red('error')} ${toPlainLine(reason)}\n`)
    return reasons.length === 0 ? 0 : 1
  } finally {
    await source.close()
  }
}

/** What can be had, and why the rest cannot. */
async function collectTools(source: CliTools): Promise<{ tools: readonly AnyTool[]; reasons: readonly string[] }> {
  const names = source.serverNames
  const asked = await Promise.allSettled(names.map(name => source.toolsOf(name)))
  const reasons = asked.filter(each => each.status === 'rejected').map(({ reason }) => (reason as Error).message)
  // Those have been asked already; the others are not started a second time.
  const started = names.filter((_, index) => asked[index]?.status === 'fulfilled')
  const tools = await source.toolsFor({ tasks: started.map(name => ({ tool: `${name}:` })) })
  return { tools, reasons }
}

/** What of a tool is data; a Standard Schema is code and is left out. */
function describeTool({
  name,
  description,
  inputSchema,
  checkArguments,
  limit,
  timeoutMs,
  retry,
  readOnly,
}: AnyTool): object {
  return {
    name,
    description,
    inputSchema: inputSchema && '~standard' in inputSchema ? undefined : inputSchema,
    checkArguments,
    limit: typeof limit === 'object' ? limit.size : limit,
    timeoutMs,
    retry,
    readOnly,
  }
}
