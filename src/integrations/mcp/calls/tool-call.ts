import type { Clock } from '../../../clock.ts'
import type { ToolContext } from '../../../tools/tool.ts'
import { CallProgress } from './call-progress.ts'
import type { Elicitations } from './elicitations.ts'
import type { CallSignals } from './call-signals.ts'
import type { Connection } from '../connection/connection.ts'
import { type RequestSignal, requestResult } from '../protocol/mcp-client.ts'
import {
  describeError,
  describeMalformed,
  findAnswerError,
  findHttpFailure,
  isRefusedResult,
  isSessionGone,
  quoteAnswer,
} from '../protocol/sdk-errors.ts'
import { IdleTimeout } from './idle-timeout.ts'
import { McpFailure } from '../protocol/mcp-failure.ts'
import { NO_ANSWER } from '../protocol/read-message.ts'
import type { Redact } from '../../redact.ts'
import type { ServerLink } from '../connection/server-link.ts'
import { readOutput } from './tool-result.ts'
import { cutText } from '../../../text.ts'
import { makeSendable } from '../../../tools/sendable-arguments.ts'

/** The server of a call. */
export interface CalledServer {
  readonly name: string
  readonly link: Pick<ServerLink, 'begin' | 'end' | 'answered' | 'retire'>
  /** @returns rejects with an `McpFailure` */
  connect(): Connection | Promise<Connection>
  readonly clock: Clock
  readonly redact: Redact
  /** Cheap signals, for clients that were created here. */
  readonly signals?: CallSignals
  /** Questions of the server to a person. */
  readonly elicitations?: Elicitations
  /** Maximum time without progress, ms. Absent: only the engine's timeout applies. */
  readonly idleTimeoutMs?: number
}

/**
 * Calls a tool of a server.
 * @param toolName the server's own name of the tool
 * @returns the output; rejects with an `McpFailure`
 */
export async function callTool(
  server: CalledServer,
  toolName: string,
  args: unknown,
  context: ToolContext,
): Promise<unknown> {
  const { clock, idleTimeoutMs, signals } = server
  const opening = server.connect()
  if (idleTimeoutMs !== undefined) {
    const idle = new IdleTimeout(clock, idleTimeoutMs, context.signal)
    server.elicitations?.follow(context, isAsking => (isAsking ? idle.hold() : idle.restart()))
    try {
      return await request(server, opening, toolName, args, context, idle.signal, () => idle.restart())
    } catch (error) {
      if (!idle.isExpired) throw error
      throw new McpFailure('TASK_TIMEOUT', `Neither an answer nor progress for ${idleTimeoutMs} ms`)
    } finally {
      idle.stop()
    }
  }
  if (signals === undefined || opening instanceof Promise) {
    return request(server, opening, toolName, args, context, context.signal)
  }
  const signal = signals.begin(context)
  try {
    return await request(server, opening, toolName, args, context, signal)
  } finally {
    signals.end(signal)
  }
}

async function request(
  server: CalledServer,
  first: Connection | Promise<Connection>,
  toolName: string,
  args: unknown,
  context: ToolContext,
  signal: RequestSignal,
  onProgress?: () => void,
): Promise<unknown> {
  const { link, redact, clock } = server
  let reports: CallProgress | undefined
  const { traceparent } = context
  const params = {
    name: toolName,
    arguments: makeSendable(args as Record<string, unknown>, context.log),
    // The client adds its progress token.
    ...(traceparent !== undefined && { _meta: { traceparent } }),
  }
  for (let opening = first, hasNewSession = false; ; opening = server.connect(), hasNewSession = true) {
    const connection = opening instanceof Promise ? await abortable(opening, signal) : opening
    link.begin(connection)
    try {
      // The client's `callTool` compiles output schemas, and refuses unknown content blocks.
      const result = await requestResult(connection.client, 'tools/call', params, {
        signal,
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
        // By the protocol the server has not run the call, so it is safe to repeat.
        link.retire(connection, 'has ended the session')
        continue
      }
      throw readFailure(server, connection, error)
    } finally {
      reports?.end()
      link.end(connection)
    }
  }
}

function readFailure({ name, link, redact }: CalledServer, connection: Connection, error: unknown): McpFailure {
  const { lossReason } = connection
  const answer = findAnswerError(error)
  // An answer that came before the loss counts.
  if (lossReason !== undefined && answer === undefined) {
    return new McpFailure('MCP_SERVER_LOST', `MCP server \`${name}\` ${lossReason} during the call`)
  }
  if (answer?.kind === 'missing') {
    return new McpFailure('MCP_SERVER_LOST', `MCP server \`${name}\` ended the connection without an answer`)
  }
  if (answer !== undefined) {
    link.answered()
    const isMalformed = answer.kind === 'malformed'
    const text = isMalformed ? `MCP server \`${name}\` ${describeMalformed(answer)}` : quoteAnswer(answer)
    return new McpFailure('TOOL_ERROR', cutText(redact(text), 8192), !isRefusal(answer.code))
  }
  const text = `MCP server \`${name}\`: ${cutText(redact(describeError(error)), 300)}`
  const failure = findHttpFailure(error)
  if (failure !== undefined) {
    const { status } = failure
    return new McpFailure('TOOL_ERROR', text, status >= 500 || status === 408 || status === 429)
  }
  if (isRefusedResult(error)) return new McpFailure('TOOL_ERROR', `MCP server \`${name}\` ${NO_ANSWER}`)
  // The network failed: the call may have arrived or not.
  link.retire(connection, 'could not be reached')
  return new McpFailure('MCP_SERVER_LOST', text)
}

/** Invalid request, unknown method or invalid parameters: another attempt fails as well. */
function isRefusal(code: number): boolean {
  return code <= -32_600 && code >= -32_602
}

/** Rejects with the signal's reason once it aborts. */
function abortable<T>(promise: Promise<T>, signal: RequestSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
