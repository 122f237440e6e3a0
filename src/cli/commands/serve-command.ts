import type { Dispatcher } from '../../cluster/order.ts'
import { createHandler, type Handler } from '../../http/create-handler.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { isLoopback, LOOPBACK_HOSTS } from '../../http/security/host-guard.ts'
import { type NodeServer, serve, type ServeOptions } from '../../http/node/serve.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { describeNext, type Interrupts, listenForInterrupts } from '../process/interrupts.ts'
import { type CliTools, openTools } from '../input/open-tools.ts'
import { isHostName } from '../input/option-values.ts'
import { readWorkflowFolder } from '../input/workflow-folder.ts'
import { type ServerFlags, toBounds } from '../input/server-flags.ts'
import { buildSamples } from './serve-samples.ts'
import { findToken } from '../target/server-connection.ts'
import {
  createServerLog,
  createStrayLog,
  logRequests,
  observeExecutions,
  type ServerLog,
} from '../process/server-log.ts'
import { type OpenedTraces, openTraces } from '../process/traces.ts'
import { PageFiles } from '../page/page-files.ts'
import { expectSharedFlags, isSharedUrl, openSharedOptions, type SharedStoreFlags } from '../target/shared-store.ts'
import { type OpenedStore, openServerStore } from '../target/open-store.ts'
import { formatMs, toPlainLine } from '../render/text.ts'

/** The flags of `serve`. */
export interface ServeCommandOptions extends ServerFlags, SharedStoreFlags {
  readonly port: number
  readonly host: string
  /** Hosts allowed in addition to loopback names and the address itself. */
  readonly allowHost?: readonly string[]
  /** Origins whose pages may read responses. */
  readonly allowOrigin?: readonly string[]
  readonly token?: string
  /** Keep-alive time of idle connections, ms. */
  readonly keepAlive?: number
  /** Whether traces are exported, as the `OTEL_*` variables say. */
  readonly otel?: boolean
  /** Whether `/mcp` is served. */
  readonly mcpServer?: boolean
  /** Time for which a plan that broke off waits for its planner, ms. */
  readonly planGrace?: number
  /** Silence after which a plan has broken off, ms. */
  readonly planSilence?: number
  /** Drain timeout after the first Ctrl-C, ms. */
  readonly drain: number
  /** Whether `GET /` is answered with the page. */
  readonly page: boolean
}

/**
 * Serves executions over HTTP until Ctrl-C or a termination signal, then drains; a second one exits at once.
 * @throws UsageError for an address that others can reach without a token; Error when it cannot listen, or has no store
 */
export async function serveCommand(options: ServeCommandOptions, context: CommandContext): Promise<ExitCode> {
  const { process, stderr, strays } = context
  const { host, logLevel } = options
  const token = findToken(options.token, process)
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(
      `Expected --token or DAGSTREAM_TOKEN with --host ${host}: without one, anybody who reaches this port can run its tools`,
    )
  }
  expectSharedFlags(options)
  const log = createServerLog(stderr, logLevel)
  strays.reportTo(createStrayLog(log))
  const tools = await openTools(options, process, log)
  try {
    const folder = await readWorkflowFolder(options.workflows, process)
    // On a shared store workers have further tools: tools and arguments are checked when a workflow is used.
    const known = isSharedUrl(options.store) ? undefined : tools.all
    await serveTools(options, { token, tools, workflows: folder?.register(known), log }, context)
  } finally {
    await tools.close()
  }
  return 0
}

/** The parts of a server. */
interface ServerParts {
  readonly token: string | undefined
  readonly tools: CliTools
  readonly workflows: WorkflowRegistry | undefined
  readonly log: ServerLog
}

async function serveTools(
  options: ServeCommandOptions,
  { token, tools, workflows, log }: ServerParts,
  context: CommandContext,
): Promise<void> {
  const { process, stderr } = context
  const { port, host, allowHost, allowOrigin, keepAlive, drain } = options
  let handler: Handler | undefined
  let open = (_handler: Handler): void => {}
  const opening = new Promise<Handler>(resolve => (open = resolve))
  // Requests wait until the store is open: an `EventSource` does not reconnect after a refusal.
  const page = options.page ? new PageFiles() : undefined
  const answer = async (request: Request): Promise<Response> =>
    (await page?.answer(request)) ?? (await opening).fetch(request)
  const server = await listen(
    { fetch: logRequests(answer, log), close: async () => handler?.close() },
    {
      port,
      host,
      ...(allowHost && { allowedHosts: listHosts(host, allowHost) }),
      ...(keepAlive !== undefined && { keepAliveTimeoutMs: keepAlive }),
    },
  )
  let opened: OpenedStore | undefined
  let traces: OpenedTraces | undefined
  let dispatcher: Dispatcher | undefined
  try {
    if (options.otel) traces = await openTraces(process.env, log)
    // Fails now rather than at the first request.
    if (options.mcpServer) await (await import('../../mcp-server/load-sdk.ts')).loadMcpSdk()
    // Opened after listening: a server that fails because its port is taken must neither create a file nor resume executions
    // from one.
    opened = await openServerStore(options, process, log)
    const samples = await buildSamples(reachableUrl(server), token !== undefined, tools.own, process)
    const shared = isSharedUrl(options.store) ? await openSharedOptions(options, process, log) : {}
    dispatcher = shared.dispatcher
    handler = createHandler({
      ...toBounds(options),
      ...(options.mcpServer && { mcpServer: true }),
      ...(options.planGrace !== undefined && { planGraceMs: options.planGrace }),
      ...(options.planSilence !== undefined && { planSilenceMs: options.planSilence }),
      ...shared,
      tools: tools.all ?? tools,
      ...(workflows && { workflows }),
      store: opened.store,
      observers: [observeExecutions(log), ...(traces?.observers ?? [])],
      logger: log,
      ...(token !== undefined && { token }),
      ...(allowOrigin && { allowedOrigins: allowOrigin }),
    })
    await handler.started
    open(handler)
    // Not awaited: the reader of the log may have stopped.
    const shown = page && reachableUrl(server)
    void stderr.write(renderWelcome(server, opened.location, samples, token !== undefined, shown))
    if (!tools.own.has('llm:chat')) log.info('There is no built-in `llm:chat`: OPENROUTER_API_KEY is not set')
    await drainWhenInterrupted(server, drain, context)
  } finally {
    await server.close()
    // Closed last: executions are recorded until they have drained.
    await dispatcher?.close()
    await opened?.close()
    await traces?.close()
  }
}

async function drainWhenInterrupted(
  server: NodeServer,
  drainMs: number,
  { process, stderr }: CommandContext,
): Promise<void> {
  let interrupts: Interrupts | undefined
  const interrupted = new Promise<string>(resolve => (interrupts = listenForInterrupts(process, resolve)))
  try {
    const second = describeNext(await interrupted)
    void stderr.write(`Draining: running executions may continue for up to ${formatMs(drainMs)}; ${second}\n`)
    await server.close()
    void stderr.write('Drained\n')
  } finally {
    interrupts?.stop()
  }
}

/** Includes the server's own address, which the samples use. */
function listHosts(host: string, allowed: readonly string[]): string[] {
  const own = host.includes(':') ? `[${host}]` : host
  // A client cannot send an address with a zone, such as `fe80::1%eth0`.
  return [...LOOPBACK_HOSTS, ...(isHostName(own) ? [own] : []), ...allowed]
}

async function listen(
  handler: Parameters<typeof serve>[0],
  options: ServeOptions & Pick<ServeCommandOptions, 'port' | 'host'>,
): Promise<NodeServer> {
  const { port, host } = options
  try {
    return await serve(handler, options)
  } catch (error) {
    const why = describeListenError(error as NodeJS.ErrnoException)
    if (why === undefined) throw error
    throw new Error(`Cannot listen on ${host} port ${port}: ${why}`, { cause: error })
  }
}

/** `undefined` for other errors. */
function describeListenError({ code, message }: NodeJS.ErrnoException): string | undefined {
  if (code === 'EADDRINUSE') return 'it is in use. Give another --port, or 0 for any free one'
  if (code === 'EACCES') return 'permission denied. Give a --port from 1024 on'
  return code === undefined ? undefined : message
}

/** A wildcard address is valid for listening, not for requests. */
function reachableUrl({ url, host, port }: NodeServer): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  return host === '::' ? `http://[::1]:${port}` : url
}

function renderWelcome(
  { url }: NodeServer,
  location: string,
  samples: readonly string[],
  hasToken: boolean,
  page: string | undefined,
): string {
  const lines = samples.map(line => `  ${line}\n`).join('')
  // The other terminal does not share this process's variables; the token itself is never shown.
  const first = hasToken ? 'In that terminal, first: export DAGSTREAM_TOKEN=…\n' : ''
  const tried = lines === '' ? '' : `Try in another terminal:\n${first}${lines}`
  const kept = `Executions are kept in ${toPlainLine(location)}\n`
  const shown = page === undefined ? '' : `Page: ${toPlainLine(page)}/\n`
  return `dagstream listens on ${toPlainLine(url)}\n${shown}${kept}${tried}Ctrl-C ends it.\n`
}
