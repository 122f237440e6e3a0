import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { DagstreamError, expectMethods, expectObject, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../stream/logger.ts'
import { createUndiciFetch, fetchByUndici } from '../llm/undici-fetch.ts'
import type { Tool } from '../tool.ts'
import { McpServer } from './mcp-server.ts'
import { parseServers } from './parse-servers.ts'
import type { McpClients, McpConfig } from './server-config.ts'

/** How servers are started, and who hears of them. */
export interface McpOptions {
  /** Hears what servers write on stderr, and what is wrong with what they say; bounded, without secrets. @defaultValue nobody */
  readonly logger?: Logger
  /** How long a server may take to start, and again to list its tools, ms; at least 1. @defaultValue 30,000 */
  readonly startTimeoutMs?: number
  /** For Streamable HTTP. @defaultValue undici's, with time-outs of its own switched off, through the proxy that `env` names */
  readonly fetch?: FetchLike
  /** The variables that `${NAME}` in a configuration stands for, and that name a proxy. @defaultValue those of this process */
  readonly env?: Readonly<Record<string, string | undefined>>
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
  /** The tools of all servers that start. Those that do not are told to `logger`. */
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
  const { servers, logger } = openServers(source, options)
  return {
    toolsFor: workflow => requireTools(servers.filter(server => isNamed(server.name, workflow))),
    async tools() {
      const { tools, failed } = await askAll(servers)
      for (const { name, reason } of failed) logger.warn(reason, { server: name })
      return tools
    },
    close: () => closeAll(servers),
  }
}

/**
 * The tools of all servers of a configuration, or of connected clients. The array has a `close` that ends the servers.
 * @returns rejects with `TOOLS_UNAVAILABLE` when any does not start; then none is left running
 * @throws as `createMcpServers` does, as a rejection
 */
export async function mcpTools(
  source: McpConfig | McpClients,
  options: McpOptions = {},
): Promise<Tool[] & { close(): Promise<void> }> {
  const { servers } = openServers(source, options)
  try {
    const tools = await requireTools(servers)
    // Not enumerable: spread or iterated, it is the tools alone.
    return Object.defineProperty(tools, 'close', { value: () => closeAll(servers) }) as Tool[] & {
      close(): Promise<void>
    }
  } catch (error) {
    await closeAll(servers)
    throw error
  }
}

function openServers(
  source: McpConfig | McpClients,
  options: McpOptions,
): { readonly servers: readonly McpServer[]; readonly logger: Logger } {
  const {
    logger = SILENT_LOGGER,
    startTimeoutMs = START_TIMEOUT_MS,
    env = process.env,
    clock = systemClock,
  } = expectObject('options', options)
  if (typeof startTimeoutMs !== 'number' || !(startTimeoutMs >= 1) || !Number.isFinite(startTimeoutMs)) {
    throw invalidOption('startTimeoutMs', 'a finite number ≥ 1', startTimeoutMs)
  }
  expectObject('env', env)
  expectMethods('clock', clock, CLOCK_METHODS)
  // The platform's would end an answer that is silent for 300 s. Its type says only what providers use of it.
  const { fetch = (env === process.env ? fetchByUndici : createUndiciFetch(() => env)) as FetchLike } = options
  if (typeof fetch !== 'function') throw invalidOption('fetch', 'a function', fetch)
  const host = { clock, logger: guardLogger(logger), startTimeoutMs, fetch }
  const servers = parseServers(source, env).map(config => new McpServer(config, host))
  return { servers, logger: host.logger }
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

interface Answers {
  readonly tools: Tool[]
  readonly failed: readonly { readonly name: string; readonly reason: string }[]
}

async function askAll(servers: readonly McpServer[]): Promise<Answers> {
  const lists = await Promise.allSettled(servers.map(server => server.tools()))
  const failed: { name: string; reason: string }[] = []
  const tools: Tool[] = []
  for (const [index, list] of lists.entries()) {
    if (list.status === 'fulfilled') tools.push(...list.value)
    else failed.push({ name: servers[index]?.name ?? '', reason: (list.reason as Error).message })
  }
  return { tools, failed }
}

async function requireTools(servers: readonly McpServer[]): Promise<Tool[]> {
  const { tools, failed } = await askAll(servers)
  if (failed.length === 0) return tools
  const message = failed.map(({ reason }) => reason).join('; ')
  throw new DagstreamError('TOOLS_UNAVAILABLE', message, { details: { servers: failed } })
}

async function closeAll(servers: readonly McpServer[]): Promise<void> {
  await Promise.all(servers.map(server => server.close()))
}
