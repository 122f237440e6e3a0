import type { AnyTool } from '../../tools/registry.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { askUntilInterrupted, type CliTools, openTools, type ToolFlags } from '../input/open-tools.ts'
import { toPlainLine } from '../render/text.ts'
import { renderTools } from '../render/tool-lines.ts'

/** Line width without a terminal, columns. */
const PIPE_COLUMNS = 120

/**
 * Lists the tools that a workflow can name, including those of all MCP servers.
 * @returns 1 if some server fails to start, which is reported on stderr; the tools of the others are listed
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

/** The available tools, and the reasons for the missing ones. */
async function collectTools(source: CliTools): Promise<{ tools: readonly AnyTool[]; reasons: readonly string[] }> {
  const names = source.serverNames
  const asked = await Promise.allSettled(names.map(name => source.toolsOf(name)))
  const reasons = asked.filter(each => each.status === 'rejected').map(({ reason }) => (reason as Error).message)
  // Only servers that started are queried; the failed ones are not started again.
  const started = names.filter((_, index) => asked[index]?.status === 'fulfilled')
  const tools = await source.toolsFor({ tasks: started.map(name => ({ tool: `${name}:` })) })
  return { tools, reasons }
}

/** The serializable part of a tool; a Standard Schema is code and is omitted. */
function describeTool({
  name,
  description,
  inputSchema,
  checkArguments,
  limit,
  rate,
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
    rate,
    timeoutMs,
    retry,
    readOnly,
  }
}
