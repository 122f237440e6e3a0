import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../stream/logger.ts'
import { createLimit, type Limit } from '../limit.ts'
import type { Tool, ToolContext } from '../tool.ts'
import { CallSignals } from './call-signals.ts'
import type { Connection } from './connection.ts'
import { describeError } from './describe-error.ts'
import { GivenLink } from './given-link.ts'
import { type ListedTool, listTools } from './listed-tools.ts'
import { Notifications } from './notifications.ts'
import { createRedactor } from './secrets.ts'
import type { ServerConfig } from './server-config.ts'
import { RestartingLink, type ServerLink, unavailable } from './server-link.ts'
import { ServerLog } from './server-log.ts'
import { type CallHost, callTool, isSessionGone } from './tool-call.ts'
import { cutText } from '../../text.ts'

/** What all servers share. */
export interface ServerHost {
  readonly clock: Clock
  /** One that never throws. */
  readonly logger: Logger
  readonly startTimeoutMs: number
  readonly fetch: FetchLike
}

/** The timeout of a call that progress starts anew, unless configured, ms: that of any task. */
const DEFAULT_IDLE_MS = 30_000
/** As many executions are remembered to have been told of the limit. */
const MAX_TOLD = 1000

/** One server: started when its tools are asked for, its tools as ours. */
export class McpServer {
  readonly name: string
  readonly #config: ServerConfig
  readonly #host: ServerHost
  readonly #link: ServerLink
  readonly #log: ServerLog
  /** Of all tools that are not marked read-only, together. */
  readonly #limit: Limit
  readonly #notifications: Notifications
  readonly #callHost: CallHost
  readonly #toldExecutions = new Set<string>()
  #tools: Promise<readonly Tool[]> | undefined
  /** What was wrong with its list when it was last asked for: the same is not told again. */
  #listWarnings = new Set<string>()

  constructor(config: ServerConfig, host: ServerHost) {
    const { name, reach, concurrency = 1, resetTimeoutOnProgress, timeoutMs = DEFAULT_IDLE_MS } = config
    const { clock, logger, startTimeoutMs, fetch } = host
    const redact = createRedactor(config.secrets)
    this.name = name
    this.#config = config
    this.#host = host
    this.#log = new ServerLog(name, logger, clock, redact)
    this.#limit = createLimit(concurrency)
    const forget = (): void => {
      this.#tools = undefined
    }
    this.#notifications = new Notifications(this.#log, redact, forget)
    this.#link =
      reach.kind === 'client'
        ? new GivenLink(name, reach.client)
        : new RestartingLink(name, { reach, clock, log: this.#log, redact, fetch, startTimeoutMs }, forget)
    this.#callHost = {
      name,
      clock,
      redact,
      link: this.#link,
      connect: () => this.#connect(),
      // Over HTTP a signal costs little beside all else, and a given client may be of another SDK.
      ...(reach.kind === 'process' && { signals: new CallSignals(clock) }),
      ...(resetTimeoutOnProgress && { idleTimeoutMs: timeoutMs }),
    }
  }

  /**
   * Its tools, named `server:tool`. They are asked for once, and again after it has said that they changed or was lost.
   * @returns rejects with an `McpFailure` when it does not start, or does not say what it can do
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
    const told = this.#listWarnings
    this.#listWarnings = new Set()
    const warn = (message: string): void => {
      if (this.#listWarnings.has(message)) return
      this.#listWarnings.add(message)
      if (!told.has(message)) this.#log.warn(message)
    }
    let listed: readonly ListedTool[]
    this.#link.begin(connection)
    try {
      listed = await this.#inTime(
        connection,
        listTools(connection.client, { serverName: this.name, checksArguments: this.#config.checkArguments, warn }),
      )
    } catch (error) {
      if (!hasNewSession && isSessionGone(error)) {
        this.#link.retire(connection, 'has ended the session')
        return await this.#listTools(true)
      }
      // Where it was lost, that is why.
      const { lossReason } = connection
      const reason = lossReason === undefined ? describeError(error) : `it ${lossReason}`
      throw unavailable(this.name, cutText(this.#callHost.redact(reason), 300))
    } finally {
      this.#link.end(connection)
    }
    for (const name of this.#config.readOnlyTools ?? []) {
      if (!listed.some(tool => tool.name === name)) warn(`has no tool \`${name}\`, which \`readOnlyTools\` names`)
    }
    return listed.map(tool => this.#toTool(tool))
  }

  /** What a server that starts has to answer; one that does not is given up. */
  async #inTime<T>(connection: Connection, answer: Promise<T>): Promise<T> {
    const { clock, startTimeoutMs } = this.#host
    let cancelTimer = (): void => {}
    const late = new Promise<never>((_, reject) => {
      cancelTimer = clock.after(startTimeoutMs, () => {
        const reason = `did not answer \`tools/list\` within ${startTimeoutMs} ms`
        this.#link.drop(connection, reason)
        reject(new Error(`it ${reason}`))
      })
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      cancelTimer()
    }
  }

  #toTool({ name, description, inputSchema, hasReadOnlyHint }: ListedTool): Tool {
    const { reach, readOnlyTools, checkArguments, resetTimeoutOnProgress, timeoutMs } = this.#config
    const isReadOnly = readOnlyTools?.includes(name) ?? hasReadOnlyHint
    // Where progress counts, the engine's timer, which knows nothing of it, is not used.
    const limitMs = resetTimeoutOnProgress ? 0 : timeoutMs
    return {
      name: `${this.name}:${name}`,
      ...(description !== undefined && { description }),
      ...(inputSchema && { inputSchema }),
      // A given client has a transport that knows JavaScript numbers only.
      exactNumbers: reach.kind !== 'client',
      ...(!checkArguments && { checkArguments }),
      ...(limitMs !== undefined && { timeoutMs: limitMs }),
      ...(isReadOnly ? { readOnly: true } : { limit: this.#limit }),
      execute: (args, context) => {
        if (!isReadOnly) this.#tellLimit(context)
        return this.#call(name, args, context)
      },
    }
  }

  async #call(toolName: string, args: unknown, context: ToolContext): Promise<unknown> {
    const end = this.#notifications.begin(context)
    try {
      return await callTool(this.#callHost, toolName, args, context)
    } finally {
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

  /** Once per execution, and only where nobody has decided about the limit. */
  #tellLimit({ executionId, log }: ToolContext): void {
    if (this.#config.concurrency !== undefined || this.#toldExecutions.has(executionId)) return
    this.#toldExecutions.add(executionId)
    if (this.#toldExecutions.size > MAX_TOLD) {
      for (const oldest of this.#toldExecutions) {
        this.#toldExecutions.delete(oldest)
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
