import type { AnyTool } from '../tools/registry.ts'
import type { CommandContext, ExitCode } from './console.ts'
import { loadTools } from './load-tools.ts'
import { toPlainLine } from './text.ts'

/** Lists the tools that a workflow can name. */
export async function toolsCommand(
  options: { readonly tools?: string; readonly json?: true },
  { process, stdout }: CommandContext,
): Promise<ExitCode> {
  const tools = Array.from(await loadTools(options.tools, process.cwd), ({ tool }) => tool)
  await stdout.write(options.json ? `${JSON.stringify(tools.map(describeTool))}\n` : renderTools(tools))
  return 0
}

function renderTools(tools: readonly AnyTool[]): string {
  const width = Math.min(40, Math.max(...tools.map(({ name }) => name.length)))
  return tools
    .map(({ name, description = '' }) => `${toPlainLine(name).padEnd(width)}  ${toPlainLine(description)}`.trimEnd())
    .map(line => `${line}\n`)
    .join('')
}

/** What of a tool is data; a Standard Schema is code and is left out. */
function describeTool({ name, description, inputSchema, limit, timeoutMs, retry, readOnly }: AnyTool): object {
  return {
    name,
    description,
    inputSchema: inputSchema && '~standard' in inputSchema ? undefined : inputSchema,
    limit: typeof limit === 'object' ? limit.size : limit,
    timeoutMs,
    retry,
    readOnly,
  }
}
