import type { InfoLevel } from '../../../events/events.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { ToolContext } from '../../../tools/tool.ts'
import type { McpClient } from '../protocol/mcp-client.ts'
import { LOG_METHOD } from '../protocol/parse-message.ts'
import type { Redact } from '../../redact.ts'
import type { ServerLog } from '../connection/server-log.ts'
import { cutText } from '../../../text.ts'

/** Levels of events by those of the protocol, which are the levels of syslog. */
const LEVELS: Readonly<Record<string, InfoLevel>> = {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warning',
  error: 'error',
  critical: 'error',
  alert: 'error',
  emergency: 'error',
}

/** Maximum length of a message, characters. */
const MAX_MESSAGE = 8192
/** Maximum number of messages per call. Bounds the execution's log. */
const MAX_MESSAGES = 1000

type FallbackHandler = NonNullable<McpClient['fallbackNotificationHandler']>

/** A running call, and the number of messages it received. */
interface RunningCall {
  readonly context: ToolContext
  messageCount: number
}

/**
 * Handles the notifications of a server.
 *
 * A log message does not name its call. It goes to the running call; if several calls of one execution run, to the oldest. If
 * calls of several executions run, which may belong to different users, or if no call runs, it goes to the logger only.
 */
export class Notifications {
  readonly #log: ServerLog
  readonly #redact: Redact
  readonly #toolsChanged: () => void
  readonly #running = new Set<RunningCall>()
  #client: McpClient | undefined
  #previous: FallbackHandler | undefined

  constructor(log: ServerLog, redact: Redact, toolsChanged: () => void) {
    this.#log = log
    this.#redact = redact
    this.#toolsChanged = toolsChanged
  }

  /** Listens to a client, in addition to the client's own handler, and leaves the previous client. */
  listen(client: McpClient): void {
    if (client === this.#client) return
    this.close()
    this.#client = client
    // The fallback handler: specific handlers of the client's owner take precedence.
    this.#previous = client.fallbackNotificationHandler
    client.fallbackNotificationHandler = this.#receive
  }

  /** Registers a running call. @returns unregisters it */
  begin(context: ToolContext): () => void {
    const call: RunningCall = { context, messageCount: 0 }
    this.#running.add(call)
    return () => void this.#running.delete(call)
  }

  close(): void {
    const client = this.#client
    if (client?.fallbackNotificationHandler !== this.#receive) return
    if (this.#previous === undefined) delete client.fallbackNotificationHandler
    else client.fallbackNotificationHandler = this.#previous
    this.#client = undefined
  }

  readonly #receive: FallbackHandler = async notification => {
    const { method, params } = notification
    if (method === 'notifications/tools/list_changed') this.#toolsChanged()
    if (method === LOG_METHOD) this.#passLog(params ?? {})
    await this.#previous?.(notification)
  }

  #passLog({ level, data, logger }: Readonly<Record<string, unknown>>): void {
    const text = typeof data === 'string' ? data : (stringifyJson(data) ?? '')
    const message = this.#redact(typeof logger === 'string' && logger !== '' ? `${logger}: ${text}` : text)
    const call = this.#findCall()
    if (call === undefined) return this.#log.debug(message)
    call.messageCount += 1
    if (call.messageCount < MAX_MESSAGES) {
      call.context.log(LEVELS[String(level)] ?? 'info', cutText(message, MAX_MESSAGE))
    } else if (call.messageCount === MAX_MESSAGES) {
      call.context.log(
        'warning',
        `The server logs more than ${MAX_MESSAGES} messages in one call; further ones are dropped`,
      )
    }
  }

  /** The oldest running call, if all running calls belong to one execution. */
  #findCall(): RunningCall | undefined {
    let oldest: RunningCall | undefined
    for (const call of this.#running) {
      oldest ??= call
      if (call.context.executionId !== oldest.context.executionId) return undefined
    }
    return oldest
  }
}
