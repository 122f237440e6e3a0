import type { Logger } from '../../log/logger.ts'
import type { McpServers } from '../../integrations/mcp/mcp-servers.ts'
import type { McpConfig } from '../../integrations/mcp/config/server-config.ts'
import { type AnyTool, ToolRegistry } from '../../tools/registry.ts'
import type { ToolProvider } from '../../tools/tool-provider.ts'
import { createBuiltinTools } from './builtin-tools.ts'
import type { CliProcess } from '../process/console.ts'
import { listenForInterrupts } from '../process/interrupts.ts'
import { loadTools } from './load-tools.ts'
import { parseHttpOptions, parseLlmOptions, readConfig, readMcpConfig } from './read-config.ts'

/** The flags that say where tools come from. */
export interface ToolFlags {
  /** A module, as a path or a package. */
  readonly tools?: string
  /** A file with `mcpServers`. @defaultValue `dagstream.config.json`, if it is there */
  readonly mcp?: string
}

/** All tools of a command: its own at once, those of MCP servers when they are asked for. */
export interface CliTools extends ToolProvider {
  /** Those that need no server. */
  readonly own: ToolRegistry
  /** The names of the servers, those that are disabled among them. */
  readonly serverNames: readonly string[]
  toolsFor(workflow: unknown): Promise<readonly AnyTool[]>
  tools(): Promise<readonly AnyTool[]>
  /** The tools of one server alone, which is started. @returns rejects with `TOOLS_UNAVAILABLE` */
  toolsOf(serverName: string): Promise<readonly AnyTool[]>
  /** Ends the servers. Never rejects. */
  close(): Promise<void>
}

/**
 * Finds all tools that a command may name; starts no server. Of tools of one name that of the module comes first, then a server's, then
 * the built-in one.
 * @param logger hears what servers write on stderr, and what is wrong with them
 * @throws UsageError, `INVALID_TOOL` and `INVALID_OPTION` for what is wrong with the module or the configuration
 */
export async function openTools(
  flags: ToolFlags,
  process: Pick<CliProcess, 'stdin' | 'cwd' | 'env' | 'beforeForeignCode'>,
  logger: Logger,
): Promise<CliTools> {
  const config = await readConfig(process)
  const mcp = await readMcpConfig(flags.mcp, config, process)
  const builtin = createBuiltinTools(parseHttpOptions(config), process.env, parseLlmOptions(config))
  if (flags.tools !== undefined) process.beforeForeignCode?.()
  const module = Array.from(await loadTools(flags.tools, process.cwd), ({ tool }) => tool)
  const servers = mcp && (await openServers(mcp, logger))
  const combine = async (remote: Promise<readonly AnyTool[]> | undefined): Promise<readonly AnyTool[]> =>
    preferFirst(module, (await remote) ?? [], builtin)
  return {
    own: new ToolRegistry(preferFirst(module, builtin)),
    serverNames: Object.keys(mcp?.mcpServers ?? {}),
    toolsFor: workflow => combine(servers?.toolsFor(workflow as Parameters<McpServers['toolsFor']>[0])),
    tools: () => combine(servers?.tools()),
    // A workflow that names nothing else.
    toolsOf: async name => (await servers?.toolsFor({ tasks: [{ tool: `${name}:` }] })) ?? [],
    close: async () => servers?.close(),
  }
}

/**
 * What servers are asked for, unless Ctrl-C comes first: that ends them, which those that start would survive; a second one
 * exits at once.
 * @returns `undefined` when it was interrupted; rejects as `ask` does
 */
export async function askUntilInterrupted<T>(
  tools: CliTools,
  process: CliProcess,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  let isInterrupted = false
  const stopListening = listenForInterrupts(process, () => {
    isInterrupted = true
    // It never rejects, and the command closes them once more.
    void tools.close()
  })
  try {
    const found = await ask()
    return isInterrupted ? undefined : found
  } catch (error) {
    if (isInterrupted) return undefined
    throw error
  } finally {
    stopListening()
  }
}

/** The client behind it is loaded only where there are servers: that takes longer than most commands take in all. */
async function openServers(config: McpConfig, logger: Logger): Promise<McpServers> {
  const { createMcpServers } = await import('../../integrations/mcp/mcp-servers.ts')
  return createMcpServers({ mcpServers: config.mcpServers }, { logger })
}

/** Of tools of one name the first. */
function preferFirst(...origins: readonly (readonly AnyTool[])[]): AnyTool[] {
  const found = new Map<string, AnyTool>()
  for (const tool of origins.flat()) if (!found.has(tool.name)) found.set(tool.name, tool)
  return [...found.values()]
}
