import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client'
import { describeValue } from '../../../errors.ts'

/** `error.data` of an answer that replaces a malformed answer of the server. */
export const MALFORMED = 'dagstream:malformed'

/** The fault of a malformed answer, as a predicate of "the server". */
export const NO_ANSWER = 'sent an answer that violates the protocol'

/** One message of a server. */
export interface ReadMessage {
  /** A message that the SDK accepts; absent if it belongs to no request. */
  readonly message?: JSONRPCMessage
  /** How the message breaks the protocol. */
  readonly fault?: string
}

/** JSON-RPC's code of an internal error. */
const INTERNAL_ERROR = -32_603

type Fields = Readonly<Record<string, unknown>>

/**
 * The only check of a message. The SDK's strict schemas accept every message that passes: a message that they drop would
 * leave its call pending until the timeout.
 *
 * Null and unknown members of the envelope and the unused `_meta` are dropped. An answer that still breaks the protocol becomes
 * an error answer.
 * @param orphanOf the request of an answer without an id, if it is known
 */
export function readMessage(value: unknown, orphanOf?: number): ReadMessage {
  if (!isFields(value)) return { fault: `it is ${describeKind(value)}, not an object` }
  const { jsonrpc, id, method } = value
  const isAnswer = isPresent(value['result']) || isPresent(value['error'])
  // Some servers repeat the method in their answers.
  if (isPresent(method) && !isAnswer) return readRequest(value)
  const fault = jsonrpc === '2.0' ? undefined : `its \`jsonrpc\` is ${describeValue(jsonrpc)}, not "2.0"`
  if (!isPresent(id)) {
    // Logged JSON on stdout has no id either, and must not end a call.
    if (orphanOf !== undefined && isAnswer && fault === undefined) return readAnswer(value, orphanOf)
    return { fault: fault ?? 'it has no `id`' }
  }
  const answered = toNumericId(id)
  if (answered === undefined) return { fault: fault ?? `its \`id\` is ${describeValue(id)}` }
  return fault === undefined ? readAnswer(value, answered) : failAnswer(answered, fault)
}

/** The error answer that replaces a malformed one. */
export function failAnswer(id: number, fault: string, code: number = INTERNAL_ERROR): Required<ReadMessage> {
  return { message: { jsonrpc: '2.0', id, error: { code, message: fault, data: MALFORMED } }, fault }
}

/** The id of an answer that is not JSON, for instance because of a `NaN`. Found at the start or at the end of the text. */
export function findBrokenId(text: string): number | undefined {
  const [, first] = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*"?(\d{1,15})"?\s*[,}]/.exec(text) ?? []
  const [, last] = /"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*"?(\d{1,15})"?\s*\}\s*$/.exec(text.slice(-200)) ?? []
  const id = first ?? last
  return id === undefined ? undefined : Number(id)
}

function readRequest({ jsonrpc, id, method, params }: Fields): ReadMessage {
  if (jsonrpc !== '2.0') return { fault: `its \`jsonrpc\` is ${describeValue(jsonrpc)}, not "2.0"` }
  if (typeof method !== 'string') return { fault: `its \`method\` is ${describeValue(method)}` }
  const cleaned = isFields(params) && { params: cleanParams(method, params) }
  const request = { jsonrpc: '2.0' as const, method, ...cleaned }
  if (!isPresent(id)) return { message: request }
  return isRequestId(id) ? { message: { ...request, id } } : { fault: `its \`id\` is ${describeValue(id)}` }
}

function readAnswer({ id, result, error }: Fields, answered: number): ReadMessage {
  if (isPresent(error)) {
    return isPresent(result) ? failBoth(answered, error) : readError(answered, error)
  }
  if (!isPresent(result)) {
    return failAnswer(answered, result === null ? 'its `result` is null' : 'it has neither `result` nor `error`')
  }
  if (!isFields(result)) return failAnswer(answered, `its \`result\` is ${describeKind(result)}, not an object`)
  if (!isPresent(id)) return failAnswer(answered, 'it has no `id`')
  const { _meta: meta } = result
  if (isPresent(meta) && !isFields(meta))
    return failAnswer(answered, `its \`_meta\` is ${describeKind(meta)}, not an object`)
  return { message: { jsonrpc: '2.0', id: answered, result: { ...result, _meta: undefined } } }
}

function readError(id: number, error: unknown): ReadMessage {
  if (!isFields(error)) {
    return failAnswer(id, `its \`error\` is ${describeKind(error)}, not an object${quoteText(error)}`)
  }
  const { code, message, data } = error
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) {
    const found = code === undefined ? 'no `code`' : `${describeValue(code)} as \`code\``
    return failAnswer(id, `its \`error\` has ${found}, not an integer${quoteText(message)}`)
  }
  if (typeof message !== 'string') {
    const found = message === undefined ? 'no `message`' : `${describeKind(message)} as \`message\``
    return failAnswer(id, `its \`error\`, code ${code}, has ${found}`, code)
  }
  return { message: { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } } }
}

function failBoth(id: number, error: unknown): ReadMessage {
  const text = isFields(error) ? error['message'] : error
  return failAnswer(id, `it has both \`result\` and \`error\`${quoteText(text)}`)
}

/** The SDK refuses null in optional fields of progress, such as `total`. */
function cleanParams(method: string, params: Fields): { [name: string]: unknown; _meta: undefined } {
  if (method !== 'notifications/progress') return { ...params, _meta: undefined }
  return { ...Object.fromEntries(Object.entries(params).filter(([, each]) => each !== null)), _meta: undefined }
}

/** Requests have numeric ids. Some servers return them as strings. */
function toNumericId(id: unknown): number | undefined {
  if (typeof id === 'number') return Number.isSafeInteger(id) ? id : undefined
  return typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : undefined
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id))
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describeKind(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const kind = Array.isArray(value) ? 'array' : typeof value
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}

/** The server's text about its failure, from a nonstandard field. */
function quoteText(text: unknown): string {
  return typeof text === 'string' && text !== '' ? `; it says: ${text}` : ''
}
