import { type Logger, SILENT_LOGGER } from '../stream/logger.ts'
import type { McpServers } from '../tools/mcp/mcp-servers.ts'
import type { McpConfig } from '../tools/mcp/server-config.ts'
import type { AnyTool, ToolRegistry } from '../tools/registry.ts'
import type { ToolProvider } from '../tools/tool-provider.ts'
import { builtinTools } from './builtin-tools.ts'
import type { CliProcess } from './console.ts'
import { listenForInterrupts } from './interrupts.ts'
import { loadTools } from './load-tools.ts'
import { readMcpConfig } from './read-config.ts'

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
 * @param logger hears what servers write on stderr
 * @throws UsageError, `INVALID_TOOL` and `INVALID_OPTION` for what is wrong with the module or the configuration
 */
export async function openTools(
  flags: ToolFlags,
  process: Pick<CliProcess, 'stdin' | 'cwd' | 'env'>,
  logger: Logger = SILENT_LOGGER,
): Promise<CliTools> {
  const config = await readMcpConfig(flags.mcp, process)
  const own = await loadTools(flags.tools, process.cwd, process.env)
  const servers = config && (await openServers(config, logger))
  const combine = async (remote: Promise<readonly AnyTool[]> | undefined): Promise<readonly AnyTool[]> =>
    combineTools(
      Array.from(own, ({ tool }) => tool),
      (await remote) ?? [],
    )
  return {
    own,
    serverNames: Object.keys(config?.mcpServers ?? {}),
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
  const { createMcpServers } = await import('../tools/mcp/mcp-servers.ts')
  return createMcpServers({ mcpServers: config.mcpServers }, { logger })
}

function combineTools(own: readonly AnyTool[], remote: readonly AnyTool[]): AnyTool[] {
  const remoteNames = new Set(remote.map(({ name }) => name))
  const isBuiltin = (tool: AnyTool): boolean => (builtinTools as readonly AnyTool[]).includes(tool)
  const kept = own.filter(tool => !(isBuiltin(tool) && remoteNames.has(tool.name)))
  const names = new Set(kept.map(({ name }) => name))
  return [...kept, ...remote.filter(({ name }) => !names.has(name))]
}
