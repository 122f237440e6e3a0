import { ProxyError } from '../../proxy.ts'
import { MALFORMED, NO_ANSWER } from './read-message.ts'

// The errors of a request, recognised by their fields and not by `instanceof`: a given client may come from another version
// of the SDK, or from another copy of it.

/** `error.data` of an answer that was made here because the server sent none. */
export const MADE_HERE = 'dagstream:made-here'

/** The JSON-RPC error of an answer. */
export interface AnswerError {
  readonly code: number
  /** The server's message, or the fault of its answer. */
  readonly text: string
  readonly kind: 'refused' | 'malformed' | 'missing'
}

/** The error that answered a request; `undefined` for a failure without an answer. */
export function findAnswerError(error: unknown): AnswerError | undefined {
  const { name, message, code, data } = readFields(error)
  if (typeof code !== 'number' || !Number.isInteger(code) || findHttpFailure(error) !== undefined) return undefined
  // Their own codes, such as 20 for an abort, are not those of an answer.
  if (error instanceof DOMException) return undefined
  // Version 1 of the SDK reports a lost connection by an error like that of an answer.
  if (name === 'McpError' && message === 'MCP error -32000: Connection closed') return undefined
  const kind = data === MALFORMED ? 'malformed' : data === MADE_HERE ? 'missing' : 'refused'
  return { code, text: message.replace(/^MCP error -?\d+: /, ''), kind }
}

/** A response of HTTP that carries no answer. */
export interface HttpFailure {
  /** -1 where the status is fine but the content is not of the protocol. */
  readonly status: number
  readonly text: string
}

/** The failed response that an error stands for, if it stands for one. */
export function findHttpFailure(error: unknown): HttpFailure | undefined {
  const { name, message, code, status } = readFields(error)
  if (name === 'SdkHttpError' && typeof status === 'number') return { status, text: message }
  if (code === 'CLIENT_HTTP_UNEXPECTED_CONTENT') return { status: -1, text: message }
  // The error class of version 1 has no name of its own.
  const [, text] = /^Streamable HTTP error: (.*)$/s.exec(message) ?? []
  if (text === undefined) return undefined
  return { status: typeof code === 'number' ? code : 0, text }
}

/** Whether the client refused the server's result, because its own schema does not allow it. */
export function isRefusedResult(error: unknown): boolean {
  const { code } = readFields(error)
  const isSchemaError = error instanceof Error && 'issues' in error
  return (
    error instanceof SyntaxError || isSchemaError || code === 'INVALID_RESULT' || code === 'UNSUPPORTED_RESULT_TYPE'
  )
}

/** Whether a request was refused for its unknown session. The standard says 404; widely used servers answer 400. */
export function isSessionGone(error: unknown): boolean {
  const { status, text = '' } = findHttpFailure(error) ?? {}
  return status === 404 || (status === 400 && /session|not initialized/i.test(text))
}

/** Why a request failed: an error of the server, of HTTP, or of the network. */
export function describeError(error: unknown): string {
  const answer = findAnswerError(error)
  if (answer !== undefined) return answer.kind === 'malformed' ? `it ${describeMalformed(answer)}` : quoteAnswer(answer)
  const failure = findHttpFailure(error)
  if (failure !== undefined) return describeHttpFailure(failure)
  if (!(error instanceof Error)) return String(error)
  // The message of a proxy error names the host of the proxy.
  if (error.cause instanceof ProxyError) return error.cause.message
  const { code, message } = (error.cause ?? {}) as { code?: unknown; message?: unknown }
  const detail = [code, message].find(each => typeof each === 'string' && each !== '') as string | undefined
  return detail === undefined ? error.message : `${error.message} (${detail})`
}

/** The fault of a malformed answer, as a predicate of "the server". */
export function describeMalformed({ text }: AnswerError): string {
  return `${NO_ANSWER}: ${text}`
}

/** The server's own error, with its code. */
export function quoteAnswer({ code, text }: AnswerError): string {
  return `MCP error ${code}: ${text}`
}

function describeHttpFailure({ status, text }: HttpFailure): string {
  if (status === -1) return `it sent no answer of the protocol: ${text}`
  const isRefused = status === 401 || status === 403
  const hint = isRefused ? ' (OAuth is not supported; put credentials into `headers`)' : ''
  return `it answered ${status === 0 ? 'wrongly' : status}${hint}: ${text}`
}

interface ErrorFields {
  readonly name?: unknown
  readonly message: string
  readonly code?: unknown
  readonly data?: unknown
  readonly status?: unknown
}

function readFields(error: unknown): ErrorFields {
  return error instanceof Error ? error : { message: '' }
}
