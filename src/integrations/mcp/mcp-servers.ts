import type { FetchLike } from '@modelcontextprotocol/client'
import { CLOCK_METHODS, type Clock, systemClock } from '../../clock.ts'
import { DagstreamError, expectMethods, expectObject, invalidOption } from '../../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../../log/logger.ts'
import { createUndiciFetch, fetchByUndici } from '../llm/undici-fetch.ts'
import type { Tool } from '../../tools/tool.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { McpServer } from './mcp-server.ts'
import { parseServers } from './config/parse-servers.ts'
import type { McpClients, McpConfig } from './config/server-config.ts'

/** Options of all servers. */
export interface McpOptions {
  /** Receives the stderr of servers and warnings about their messages; bounded, without secrets. @defaultValue none */
  readonly logger?: Logger
  /** Maximum time for the start of a server, and again for the list of its tools, ms; at least 1. @defaultValue 30,000 */
  readonly startTimeoutMs?: number
  /** For Streamable HTTP. @defaultValue undici's, without timeouts of its own, through the proxy that `env` names */
  readonly fetch?: FetchLike
  /** The variables for `${NAME}` in a configuration, and for the proxy. @defaultValue `process.env` */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @defaultValue the system's clock */
  readonly clock?: Clock
}

/** The part of a workflow that names servers. */
export interface ToolUser {
  readonly tasks: readonly { readonly tool?: string | undefined; readonly workflow?: unknown }[]
  readonly finally?: readonly { readonly tool?: string | undefined; readonly workflow?: unknown }[]
  /** The registered workflows that it names, by name. */
  readonly workflows?: Readonly<Record<string, unknown>>
}

/** MCP servers. Each starts when its tools are requested. */
export interface McpServers {
  /**
   * The tools of the servers that a workflow names (`server:tool`), or one that it runs. Starts these servers in parallel, unless they run. Other
   * tools of the workflow are ignored.
   * @returns rejects with `TOOLS_UNAVAILABLE` when servers do not start: `details.servers` has `{ name, reason }` of each
   */
  toolsFor(workflow: ToolUser): Promise<Tool[]>
  /** The tools of all servers that start. Failures are logged. */
  tools(): Promise<Tool[]>
  /**
   * Ends all servers and connections. Running calls fail. Given clients stay open. Idempotent.
   * @returns settles when the processes have ended, after at most 3 s; never rejects
   */
  close(): Promise<void>
}

/** Default of `startTimeoutMs`. */
const START_TIMEOUT_MS = 30_000

/**
 * Creates MCP servers from the configuration of other hosts, or from connected clients. Starts nothing.
 * @throws `INVALID_OPTION` for an invalid configuration, unknown fields included
 */
export function createMcpServers(source: McpConfig | McpClients, options: McpOptions = {}): McpServers {
  const { servers, logger } = openServers(source, options)
  return {
    toolsFor(workflow) {
      const names = [...collectNames(workflow).tools]
      return requireTools(servers.filter(({ name }) => names.some(tool => tool.startsWith(`${name}:`))))
    },
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
 * @returns rejects with `TOOLS_UNAVAILABLE` when a server does not start; then all are ended
 * @throws as `createMcpServers` does, as a rejection
 */
export async function mcpTools(
  source: McpConfig | McpClients,
  options: McpOptions = {},
): Promise<Tool[] & { close(): Promise<void> }> {
  const { servers } = openServers(source, options)
  try {
    const tools = await requireTools(servers)
    // Not enumerable: a spread or an iteration gives the tools only.
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
  // The platform's `fetch` ends an answer after 300 s of silence. The cast: its type has only what providers use.
  const { fetch = (env === process.env ? fetchByUndici : createUndiciFetch(() => env)) as FetchLike } = options
  if (typeof fetch !== 'function') throw invalidOption('fetch', 'a function', fetch)
  const services = { clock, logger: guardLogger(logger), startTimeoutMs, fetch }
  const servers = parseServers(source, env).map(config => new McpServer(config, services))
  return { servers, logger: services.logger }
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
