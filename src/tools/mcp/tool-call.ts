import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode, McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Clock } from '../../clock.ts'
import type { ToolContext } from '../tool.ts'
import { CallProgress } from './call-progress.ts'
import type { CallSignals } from './call-signals.ts'
import { type Connection, NO_TIMEOUT } from './connection.ts'
import { describeError, describeMalformed, isMalformed } from './describe-error.ts'
import { MADE_HERE } from './http-calls.ts'
import { IdleTimeout } from './idle-timeout.ts'
import { McpFailure } from './mcp-failure.ts'
import { NO_ANSWER } from './read-message.ts'
import type { Redact } from './secrets.ts'
import type { ServerLink } from './server-link.ts'
import { readOutput } from './tool-result.ts'
import { cutText } from '../../text.ts'
import { makeSendable } from '../sendable-arguments.ts'

/** What a call needs of its server. */
export interface CallHost {
  readonly name: string
  readonly link: Pick<ServerLink, 'begin' | 'end' | 'answered' | 'retire'>
  /** @returns rejects with an `McpFailure` */
  connect(): Connection | Promise<Connection>
  readonly clock: Clock
  readonly redact: Redact
  /** Where the SDK that calls is our own, so that what it uses of a signal is known. */
  readonly signals?: CallSignals
  /** How long a call may be without progress, ms, where progress counts; else the engine's timeout is all there is. */
  readonly idleTimeoutMs?: number
}

/**
 * Calls a tool of a server.
 * @param toolName the server's own name for it
 * @returns its output; rejects with an `McpFailure`
 */
export async function callTool(
  host: CallHost,
  toolName: string,
  args: unknown,
  context: ToolContext,
): Promise<unknown> {
  const { clock, idleTimeoutMs, signals } = host
  const opening = host.connect()
  if (idleTimeoutMs !== undefined) {
    const idle = new IdleTimeout(clock, idleTimeoutMs, context.signal)
    try {
      return await request(host, opening, toolName, args, context, idle.signal, () => idle.restart())
    } catch (error) {
      if (!idle.isExpired) throw error
      throw new McpFailure('TASK_TIMEOUT', `Neither an answer nor progress for ${idleTimeoutMs} ms`)
    } finally {
      idle.stop()
    }
  }
  if (signals === undefined || opening instanceof Promise) {
    return request(host, opening, toolName, args, context, context.signal)
  }
  const signal = signals.begin(context)
  try {
    return await request(host, opening, toolName, args, context, signal as unknown as AbortSignal)
  } finally {
    signals.end(signal)
  }
}

async function request(
  host: CallHost,
  first: Connection | Promise<Connection>,
  toolName: string,
  args: unknown,
  context: ToolContext,
  signal: AbortSignal,
  onProgress?: () => void,
): Promise<unknown> {
  const { link, redact, clock } = host
  let reports: CallProgress | undefined
  const call = {
    method: 'tools/call' as const,
    params: { name: toolName, arguments: makeSendable(args as Record<string, unknown>, context.log) },
  }
  for (let opening = first, hasNewSession = false; ; opening = host.connect(), hasNewSession = true) {
    const connection = opening instanceof Promise ? await abortable(opening, signal) : opening
    link.begin(connection)
    try {
      // Not `callTool` of the client: it compiles code for output schemas, and refuses blocks that it does not know.
      const result = await connection.client.request(call, ResultSchema, {
        signal,
        timeout: NO_TIMEOUT,
        onprogress: ({ progress, total, message }) => {
          onProgress?.()
          reports ??= new CallProgress(context, clock)
          reports.report({
            progress,
            ...(total !== undefined && { total }),
            ...(message !== undefined && { message: redact(message) }),
          })
        },
      })
      link.answered()
      return readOutput(result, redact)
    } catch (error) {
      if (error instanceof McpFailure || signal.aborted) throw error
      if (!hasNewSession && isSessionGone(error)) {
        // It refused the call without looking at it, as it must, so that the call can be made again.
        link.retire(connection, 'has ended the session')
        continue
      }
      throw readFailure(host, connection, error)
    } finally {
      reports?.end()
      link.end(connection)
    }
  }
}

function readFailure({ name, link, redact }: CallHost, connection: Connection, error: unknown): McpFailure {
  const { lossReason } = connection
  // What was answered before it was lost counts.
  const isAnswer = error instanceof McpError && error.code !== Number(ErrorCode.ConnectionClosed)
  if (lossReason !== undefined && !isAnswer) {
    return new McpFailure('MCP_SERVER_LOST', `MCP server \`${name}\` ${lossReason} during the call`)
  }
  if (error instanceof McpError) {
    if (error.data === MADE_HERE) {
      return new McpFailure('MCP_SERVER_LOST', `MCP server \`${name}\` ended the connection without an answer`)
    }
    link.answered()
    const text = isMalformed(error) ? `MCP server \`${name}\` ${describeMalformed(error)}` : error.message
    return new McpFailure('TOOL_ERROR', cutText(redact(text), 8192), !isRefusal(error.code))
  }
  const text = `MCP server \`${name}\`: ${cutText(redact(describeError(error)), 300)}`
  if (error instanceof StreamableHTTPError) {
    const { code = 0 } = error
    return new McpFailure('TOOL_ERROR', text, code >= 500 || code === 408 || code === 429)
  }
  if (error instanceof SyntaxError || (error instanceof Error && 'issues' in error)) {
    return new McpFailure('TOOL_ERROR', `MCP server \`${name}\` ${NO_ANSWER}`)
  }
  // The network: whether the call has arrived is not known.
  link.retire(connection, 'could not be reached')
  return new McpFailure('MCP_SERVER_LOST', text)
}

/** A request that is invalid, of an unknown method or with invalid parameters will not become better. */
function isRefusal(code: number): boolean {
  return code <= -32_600 && code >= -32_602
}

/** Whether a request was refused since its session is not known. The standard says 404; widely used servers say 400. */
export function isSessionGone(error: unknown): boolean {
  if (!(error instanceof StreamableHTTPError)) return false
  return error.code === 404 || (error.code === 400 && /session|not initialized/i.test(error.message))
}

/** Waits no longer than until the signal aborts. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
