import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { ProxyError } from '../proxy.ts'
import { MALFORMED, NO_ANSWER } from './read-message.ts'

/** Why a request failed, in few words: an error of the server, of HTTP, or of the network. */
export function describeError(error: unknown): string {
  if (error instanceof McpError && isMalformed(error)) return `it ${describeMalformed(error)}`
  if (error instanceof StreamableHTTPError) {
    if (error.code === -1) return `it sent no answer of the protocol: ${withoutPrefix(error)}`
    const isRefused = error.code === 401 || error.code === 403
    const hint = isRefused ? ' (OAuth is not supported; credentials belong into `headers`)' : ''
    return `it answered ${error.code ?? 'wrongly'}${hint}: ${withoutPrefix(error)}`
  }
  if (!(error instanceof Error)) return String(error)
  // Its message names the host of the proxy; its code says less.
  if (error.cause instanceof ProxyError) return error.cause.message
  const { code, message } = (error.cause ?? {}) as { code?: unknown; message?: unknown }
  const detail = [code, message].find(each => typeof each === 'string' && each !== '') as string | undefined
  return detail === undefined ? error.message : `${error.message} (${detail})`
}

/** Whether an error stands for an answer of the server that breaks the protocol. */
export function isMalformed({ data }: McpError): boolean {
  return data === MALFORMED
}

/** What is wrong with such an answer, in words that follow "the server". */
export function describeMalformed({ message }: McpError): string {
  return `${NO_ANSWER}: ${message.replace(/^MCP error -?\d+: /, '')}`
}

function withoutPrefix({ message }: StreamableHTTPError): string {
  return message.replace(/^Streamable HTTP error: /, '')
}
