import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { DagstreamError, expectMethods, expectObject, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../stream/logger.ts'
import type { Tool } from '../tool.ts'
import { McpServer } from './mcp-server.ts'
import { type McpClients, type McpConfig, parseServers } from './server-config.ts'

/** How servers are started, and who hears of them. */
export interface McpOptions {
  /** Hears what servers write on stderr, and what is wrong with what they say; bounded, without secrets. @defaultValue nobody */
  readonly logger?: Logger
  /** How long a server may take to start, and again to list its tools, ms; at least 1. @defaultValue 30,000 */
  readonly startTimeoutMs?: number
  /** For Streamable HTTP. @defaultValue the platform's */
  readonly fetch?: FetchLike
  /** @defaultValue the machine's */
  readonly clock?: Clock
}

/** What of a workflow says which servers it needs. */
export interface ToolUser {
  readonly tasks: readonly { readonly tool: string }[]
}

/** MCP servers, none of which runs before its tools are asked for. */
export interface McpServers {
  /**
   * The tools of the servers that a workflow names (`server:tool`), which are started, all at once, unless they run. Tools of
   * other origins are not looked at.
   * @returns rejects with `TOOLS_UNAVAILABLE`, naming each server that does not start and why: `details.servers` are
   * `{ name, reason }`
   */
  toolsFor(workflow: ToolUser): Promise<Tool[]>
  /** The tools of all servers. @returns rejects as `toolsFor` does */
  tools(): Promise<Tool[]>
  /**
   * Ends all servers and connections; calls that run fail. A connected client that was given stays open. Harmless to repeat.
   * @returns settles when the processes have ended, after at most 3 s; never rejects
   */
  close(): Promise<void>
}

/** How long a server may take to start, ms. */
const START_TIMEOUT_MS = 30_000

/**
 * MCP servers by the configuration that other hosts use, or by clients that are connected already. Nothing is started yet.
 * @throws `INVALID_OPTION` for what cannot be a configuration, an unknown field included
 */
export function createMcpServers(source: McpConfig | McpClients, options: McpOptions = {}): McpServers {
  const {
    logger = SILENT_LOGGER,
    startTimeoutMs = START_TIMEOUT_MS,
    clock = systemClock,
  } = expectObject('options', options)
  if (typeof startTimeoutMs !== 'number' || !(startTimeoutMs >= 1) || !Number.isFinite(startTimeoutMs)) {
    throw invalidOption('startTimeoutMs', 'a finite number ≥ 1', startTimeoutMs)
  }
  expectMethods('clock', clock, CLOCK_METHODS)
  const { fetch = (url, init) => globalThis.fetch(url, init) } = options
  if (typeof fetch !== 'function') throw invalidOption('fetch', 'a function', fetch)
  const host = { clock, logger: guardLogger(logger), startTimeoutMs, fetch }
  const servers = parseServers(source).map(config => new McpServer(config, host))
  return {
    toolsFor: async workflow => collectTools(servers.filter(server => isNamed(server.name, workflow))),
    tools: () => collectTools(servers),
    async close() {
      await Promise.all(servers.map(server => server.close()))
    },
  }
}

/**
 * The tools of all servers of a configuration, or of connected clients. The array has a `close` that ends the servers.
 * @returns rejects with `TOOLS_UNAVAILABLE` when any does not start; then none is left running
 * @throws as `createMcpServers` does, as a rejection
 */
export async function mcpTools(
  source: McpConfig | McpClients,
  options?: McpOptions,
): Promise<Tool[] & { close(): Promise<void> }> {
  const servers = createMcpServers(source, options)
  try {
    const tools = await servers.tools()
    // Not enumerable: spread or iterated, it is the tools alone.
    return Object.defineProperty(tools, 'close', { value: () => servers.close() }) as Tool[] & {
      close(): Promise<void>
    }
  } catch (error) {
    await servers.close()
    throw error
  }
}

/** Nothing of the workflow has been checked. */
function isNamed(name: string, workflow: unknown): boolean {
  const { tasks } = (workflow ?? {}) as { tasks?: unknown }
  if (!Array.isArray(tasks)) return false
  return (tasks as readonly unknown[]).some(task => {
    const { tool } = (task ?? {}) as { tool?: unknown }
    return typeof tool === 'string' && tool.startsWith(`${name}:`)
  })
}

async function collectTools(servers: readonly McpServer[]): Promise<Tool[]> {
  const lists = await Promise.allSettled(servers.map(server => server.tools()))
  const failed: { name: string; reason: string }[] = []
  const tools: Tool[] = []
  for (const [index, list] of lists.entries()) {
    if (list.status === 'fulfilled') tools.push(...list.value)
    else failed.push({ name: servers[index]?.name ?? '', reason: (list.reason as Error).message })
  }
  if (failed.length === 0) return tools
  const message = failed.map(({ reason }) => reason).join('; ')
  throw new DagstreamError('TOOLS_UNAVAILABLE', message, { details: { servers: failed } })
}
