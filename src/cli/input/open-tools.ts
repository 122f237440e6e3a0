import { DagstreamError } from '../../errors.ts'
import type { Logger } from '../../log/logger.ts'
import type { McpServers } from '../../integrations/mcp/mcp-servers.ts'
import type { McpConfig } from '../../integrations/mcp/config/server-config.ts'
import { type AnyTool, ToolRegistry } from '../../tools/registry.ts'
import type { ToolProvider } from '../../tools/tool-resolver.ts'
import { createBuiltinTools } from './builtin-tools.ts'
import type { CliProcess } from '../process/console.ts'
import { listenForInterrupts } from '../process/interrupts.ts'
import { loadTools } from './load-tools.ts'
import {
  type LlmOptions,
  parseHttpOptions,
  parseLlmOptions,
  placeOption,
  readConfig,
  readMcpConfig,
} from './read-config.ts'

/** The flags that select sources of tools. */
export interface ToolFlags {
  /** A module, as a path or a package. */
  readonly tools?: string
  /** A file with `mcpServers`. @defaultValue `dagstream.config.json`, if it exists */
  readonly mcp?: string
}

/** All tools of a command: its own immediately, those of MCP servers on demand. */
export interface CliTools extends ToolProvider {
  /** Tools that need no server. */
  readonly own: ToolRegistry
  /** All tools; `undefined` if there are servers. */
  readonly all: ToolRegistry | undefined
  /** The names of the servers, including disabled ones. */
  readonly serverNames: readonly string[]
  toolsFor(workflow: unknown): Promise<readonly AnyTool[]>
  tools(): Promise<readonly AnyTool[]>
  /** Starts one server. @returns its tools; rejects with `TOOLS_UNAVAILABLE` */
  toolsOf(serverName: string): Promise<readonly AnyTool[]>
  /** Stops the servers. Never rejects. */
  close(): Promise<void>
}

/**
 * Finds all tools of a command without starting a server. On a name conflict the module's tool wins, then a server's, then the
 * built-in one.
 * @param logger receives the servers' stderr output and failures
 * @throws UsageError, `INVALID_TOOL` and `INVALID_OPTION` for problems of the module or the configuration
 */
export async function openTools(
  flags: ToolFlags,
  process: Pick<CliProcess, 'stdin' | 'cwd' | 'env' | 'beforeForeignCode'>,
  logger: Logger,
): Promise<CliTools> {
  const config = await readConfig(process)
  const mcp = await readMcpConfig(flags.mcp, config, process)
  const llm = parseLlmOptions(config)
  const builtin = [...createBuiltinTools(parseHttpOptions(config)), ...(await loadChatTools(process.env, llm))]
  if (flags.tools !== undefined) process.beforeForeignCode?.()
  const module = Array.from(await loadTools(flags.tools, process.cwd), ({ tool }) => tool)
  const servers = mcp && (await openServers(mcp, logger))
  const combine = async (remote: Promise<readonly AnyTool[]> | undefined): Promise<readonly AnyTool[]> =>
    preferFirst(module, (await remote) ?? [], builtin)
  const own = new ToolRegistry(preferFirst(module, builtin))
  const serverNames = Object.keys(mcp?.mcpServers ?? {})
  return {
    own,
    all: serverNames.length === 0 ? own : undefined,
    serverNames,
    toolsFor: workflow => combine(servers?.toolsFor(workflow as Parameters<McpServers['toolsFor']>[0])),
    tools: () => combine(servers?.tools()),
    // A workflow that names only this server.
    toolsOf: async name => (await servers?.toolsFor({ tasks: [{ tool: `${name}:` }] })) ?? [],
    close: async () => servers?.close(),
  }
}

/**
 * Awaits a request to servers unless Ctrl-C comes first. Ctrl-C stops the servers, since starting ones would outlive it; a
 * second one exits at once.
 * @returns `undefined` if interrupted; rejects as `ask` does
 */
export async function askUntilInterrupted<T>(
  tools: CliTools,
  process: CliProcess,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  let isInterrupted = false
  const interrupts = listenForInterrupts(process, () => {
    isInterrupted = true
    // Never rejects, and the command closes them again.
    void tools.close()
  })
  try {
    const found = await ask()
    return isInterrupted ? undefined : found
  } catch (error) {
    if (isInterrupted) return undefined
    throw error
  } finally {
    interrupts.stop()
  }
}

/** `llm:chat` and `llm:plan`, if there is a key for them. The model client is loaded only then. */
async function loadChatTools(env: CliProcess['env'], llm: LlmOptions): Promise<readonly AnyTool[]> {
  if (!env['OPENROUTER_API_KEY']?.trim()) return []
  const { createChatTools } = await import('./chat-tools.ts')
  return createChatTools(env, llm)
}

/** The MCP client is loaded only if there are servers: loading takes longer than most commands. */
async function openServers(config: McpConfig, logger: Logger): Promise<McpServers> {
  const { createMcpServers } = await import('../../integrations/mcp/mcp-servers.ts')
  try {
    return createMcpServers({ mcpServers: config.mcpServers }, { logger })
  } catch (error) {
    throw error instanceof DagstreamError ? placeOption(error, config) : error
  }
}

/** Keeps the first tool of each name. */
function preferFirst(...origins: readonly (readonly AnyTool[])[]): AnyTool[] {
  const found = new Map<string, AnyTool>()
  for (const tool of origins.flat()) if (!found.has(tool.name)) found.set(tool.name, tool)
  return [...found.values()]
}
