import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { InfoLevel } from '../../events/events.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ToolContext } from '../tool.ts'
import { LOG_METHOD } from './parse-message.ts'
import type { Redact } from './secrets.ts'
import type { ServerLog } from './server-log.ts'
import { cutText } from '../../text.ts'

/** The levels of the protocol, those of syslog, as ours. */
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

/** How much of a message is told, characters. */
const MAX_MESSAGE = 8192
/** As many messages are told during one call; a server that logs without end would fill the execution's log. */
const MAX_MESSAGES = 1000

type FallbackHandler = NonNullable<Client['fallbackNotificationHandler']>

/** A call that runs, and how many messages it was told. */
interface RunningCall {
  readonly context: ToolContext
  messageCount: number
}

/**
 * What a server tells without having been asked.
 *
 * Its log messages do not say which call they are about. While one call runs they are told to that; while several of one
 * execution do, to the oldest of them, once. While calls of several executions run, which may belong to different people,
 * they go to the logger alone, as they do while none runs.
 */
export class Notifications {
  readonly #log: ServerLog
  readonly #redact: Redact
  readonly #toolsChanged: () => void
  readonly #running = new Set<RunningCall>()
  #client: Client | undefined
  #previous: FallbackHandler | undefined

  constructor(log: ServerLog, redact: Redact, toolsChanged: () => void) {
    this.#log = log
    this.#redact = redact
    this.#toolsChanged = toolsChanged
  }

  /** Hears a client, beside whoever heard it before, instead of the one that it heard. */
  listen(client: Client): void {
    if (client === this.#client) return
    this.close()
    this.#client = client
    // The handler that all others leave something to: one of a client's owner goes first.
    this.#previous = client.fallbackNotificationHandler
    client.fallbackNotificationHandler = this.#hear
  }

  /** A call runs. @returns ends it */
  begin(context: ToolContext): () => void {
    const call: RunningCall = { context, messageCount: 0 }
    this.#running.add(call)
    return () => void this.#running.delete(call)
  }

  close(): void {
    const client = this.#client
    if (client?.fallbackNotificationHandler !== this.#hear) return
    if (this.#previous === undefined) delete client.fallbackNotificationHandler
    else client.fallbackNotificationHandler = this.#previous
    this.#client = undefined
  }

  readonly #hear: FallbackHandler = async notification => {
    const { method, params } = notification
    if (method === 'notifications/tools/list_changed') this.#toolsChanged()
    if (method === LOG_METHOD) this.#tell(params ?? {})
    await this.#previous?.(notification)
  }

  #tell({ level, data, logger }: Readonly<Record<string, unknown>>): void {
    const text = typeof data === 'string' ? data : (stringifyJson(data) ?? '')
    const message = this.#redact(typeof logger === 'string' && logger !== '' ? `${logger}: ${text}` : text)
    const call = this.#findCall()
    if (call === undefined) return this.#log.debug(message)
    call.messageCount += 1
    if (call.messageCount < MAX_MESSAGES) {
      call.context.log(LEVELS[String(level)] ?? 'info', cutText(message, MAX_MESSAGE))
    } else if (call.messageCount === MAX_MESSAGES) {
      call.context.log('warning', `The server logs more than ${MAX_MESSAGES} messages in one call; no more are told`)
    }
  }

  /** The oldest that runs, if all that run are of one execution. */
  #findCall(): RunningCall | undefined {
    let oldest: RunningCall | undefined
    for (const call of this.#running) {
      oldest ??= call
      if (call.context.executionId !== oldest.context.executionId) return undefined
    }
    return oldest
  }
}
