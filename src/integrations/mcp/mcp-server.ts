import type { FetchLike } from '@modelcontextprotocol/client'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log/logger.ts'
import { createLimit, type Limit } from '../../tools/limit.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'
import { CallSignals } from './calls/call-signals.ts'
import type { Connection } from './connection/connection.ts'
import { withDeadline } from './connection/deadline.ts'
import { GivenLink } from './connection/given-link.ts'
import { type ListedTool, listTools } from './listing/listed-tools.ts'
import { Elicitations } from './calls/elicitations.ts'
import { Notifications } from './calls/notifications.ts'
import { createRedact } from '../redact.ts'
import type { ServerConfig } from './config/server-config.ts'
import { RestartingLink, type ServerLink, unavailable } from './connection/server-link.ts'
import { ServerLog } from './connection/server-log.ts'
import { type CalledServer, callTool } from './calls/tool-call.ts'
import { describeError, isSessionGone } from './protocol/sdk-errors.ts'
import { cutText } from '../../text.ts'

/** Services that all servers share. */
export interface ServerServices {
  readonly clock: Clock
  /** Never throws. */
  readonly logger: Logger
  readonly startTimeoutMs: number
  readonly fetch: FetchLike
}

/** Default time without progress, ms; equal to the default timeout of a task. */
const DEFAULT_IDLE_MS = 30_000
/** Maximum number of remembered executions that got the note about the limit. */
const MAX_NOTED = 1000

/** One server and its tools. Starts on the first request for its tools. */
export class McpServer {
  readonly name: string
  readonly #config: ServerConfig
  readonly #services: ServerServices
  readonly #link: ServerLink
  readonly #log: ServerLog
  /** Shared by all tools that are not marked read-only. */
  readonly #limit: Limit
  readonly #notifications: Notifications
  readonly #elicitations: Elicitations
  readonly #calledServer: CalledServer
  readonly #notedExecutions = new Set<string>()
  #tools: Promise<readonly Tool[]> | undefined
  /** Warnings about the latest list. A new list repeats none of them. */
  #listWarnings = new Set<string>()

  constructor(config: ServerConfig, services: ServerServices) {
    const { name, reach, concurrency = 1, resetTimeoutOnProgress, timeoutMs = DEFAULT_IDLE_MS } = config
    const { clock, logger, startTimeoutMs, fetch } = services
    const redact = createRedact(config.secrets)
    this.name = name
    this.#config = config
    this.#services = services
    this.#log = new ServerLog(name, logger, clock, redact)
    this.#limit = createLimit(concurrency)
    const forget = (): void => {
      this.#tools = undefined
    }
    this.#notifications = new Notifications(this.#log, redact, forget)
    this.#elicitations = new Elicitations(redact)
    const onElicitation: Elicitations['answer'] = asked => this.#elicitations.answer(asked)
    this.#link =
      reach.kind === 'client'
        ? new GivenLink(name, reach.client)
        : new RestartingLink(
            name,
            { reach, clock, log: this.#log, redact, fetch, startTimeoutMs, onElicitation },
            forget,
          )
    this.#calledServer = {
      name,
      clock,
      redact,
      link: this.#link,
      connect: () => this.#connect(),
      elicitations: this.#elicitations,
      // Over HTTP the cost of a signal does not matter. A given client may need more of the signal than `CallSignal` has.
      ...(reach.kind === 'process' && { signals: new CallSignals(clock) }),
      ...(resetTimeoutOnProgress && { idleTimeoutMs: timeoutMs }),
    }
  }

  /**
   * The server's tools, named `server:tool`. The list is cached until the server reports a change or is lost.
   * @returns rejects with an `McpFailure` when the server does not start, or does not list its tools
   */
  tools(): Promise<readonly Tool[]> {
    this.#tools ??= this.#listTools().catch(error => {
      this.#tools = undefined
      throw error
    })
    return this.#tools
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#notifications.close()
    await this.#link.close()
  }

  async #listTools(hasNewSession = false): Promise<readonly Tool[]> {
    const connection = await this.#connect()
    const earlier = this.#listWarnings
    this.#listWarnings = new Set()
    const warn = (message: string): void => {
      if (this.#listWarnings.has(message)) return
      this.#listWarnings.add(message)
      if (!earlier.has(message)) this.#log.warn(message)
    }
    let listed: readonly ListedTool[]
    this.#link.begin(connection)
    try {
      listed = await this.#inTime(
        connection,
        listTools(connection.client, { name: this.name, checksArguments: this.#config.checkArguments, warn }),
      )
    } catch (error) {
      if (!hasNewSession && isSessionGone(error)) {
        this.#link.retire(connection, 'has ended the session')
        return await this.#listTools(true)
      }
      // A loss of the connection is the cause of the other error.
      const { lossReason } = connection
      const reason = lossReason === undefined ? describeError(error) : `it ${lossReason}`
      throw unavailable(this.name, cutText(this.#calledServer.redact(reason), 300))
    } finally {
      this.#link.end(connection)
    }
    for (const name of this.#config.readOnlyTools ?? []) {
      if (!listed.some(tool => tool.name === name)) warn(`has no tool \`${name}\`, which \`readOnlyTools\` names`)
    }
    return listed.map(tool => this.#toTool(tool))
  }

  /** Drops the connection when the list takes too long. */
  #inTime<T>(connection: Connection, list: Promise<T>): Promise<T> {
    const { clock, startTimeoutMs } = this.#services
    return withDeadline(clock, startTimeoutMs, list, () => {
      const reason = `did not answer \`tools/list\` within ${startTimeoutMs} ms`
      this.#link.drop(connection, reason)
      throw new Error(`it ${reason}`)
    })
  }

  #toTool({ name, description, inputSchema, outputSchema, hasReadOnlyHint }: ListedTool): Tool {
    const { reach, readOnlyTools, checkArguments, resetTimeoutOnProgress, timeoutMs } = this.#config
    const isReadOnly = readOnlyTools?.includes(name) ?? hasReadOnlyHint
    // The timer of the engine ignores progress, so `callTool` has its own.
    const limitMs = resetTimeoutOnProgress ? 0 : timeoutMs
    return {
      name: `${this.name}:${name}`,
      ...(description !== undefined && { description }),
      ...(inputSchema && { inputSchema }),
      ...(outputSchema && { outputSchema }),
      // The transport of a given client reads JavaScript numbers.
      exactNumbers: reach.kind !== 'client',
      ...(!checkArguments && { checkArguments }),
      ...(limitMs !== undefined && { timeoutMs: limitMs }),
      ...(isReadOnly ? { readOnly: true } : { limit: this.#limit }),
      execute: (args, context) => {
        if (!isReadOnly) this.#noteLimit(context)
        return this.#call(name, args, context)
      },
    }
  }

  async #call(toolName: string, args: unknown, context: ToolContext): Promise<unknown> {
    const end = this.#notifications.begin(context)
    const endAsking = this.#elicitations.begin(context)
    try {
      return await callTool(this.#calledServer, toolName, args, context)
    } finally {
      endAsking()
      end()
    }
  }

  #connect(): Connection | Promise<Connection> {
    const connection = this.#link.connect()
    return connection instanceof Promise ? connection.then(each => this.#listen(each)) : this.#listen(connection)
  }

  #listen(connection: Connection): Connection {
    this.#notifications.listen(connection.client)
    return connection
  }

  /** Logs the limit once per execution, unless the limit is configured. */
  #noteLimit({ executionId, log }: ToolContext): void {
    if (this.#config.concurrency !== undefined || this.#notedExecutions.has(executionId)) return
    this.#notedExecutions.add(executionId)
    if (this.#notedExecutions.size > MAX_NOTED) {
      for (const oldest of this.#notedExecutions) {
        this.#notedExecutions.delete(oldest)
        break
      }
    }
    log(
      'info',
      `Tools of MCP server \`${this.name}\` that are not marked read-only run one at a time: name all that change ` +
        `nothing in its \`readOnlyTools\`, or raise its \`concurrency\``,
    )
  }
}
