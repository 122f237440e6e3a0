import { DagstreamError, describeValue } from '../errors.ts'
import { SSE_EVENTS, type SSEEvent } from '../events/events.ts'
import { parseJson } from '../json/parse-json.ts'
import { parse, type SSEMessage } from './parse.ts'

const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.values(SSE_EVENTS))

/**
 * The event in a message; `undefined` for an unknown type, since the wire may grow.
 *
 * The event's `id` is the message's own, not an earlier one's. The fields of its data are not validated.
 * @throws DagstreamError `INVALID_SSE` if the data of a known type is not a JSON object
 */
export function decodeEvent(message: SSEMessage): SSEEvent | undefined {
  const { event: type, id } = message
  if (!KNOWN_TYPES.has(type)) return undefined
  const data = parseObject(message)
  return (id === undefined ? { type, data } : { type, data, id }) as unknown as SSEEvent
}

/** The inverse of `encode`: the event of the first message in a text, if its type is known. @throws as `decodeEvent` */
export function decode(text: string): SSEEvent | undefined {
  const [message] = parse(text)
  return message && decodeEvent(message)
}

function parseObject({ event, data }: SSEMessage): object {
  let value: unknown
  let cause: unknown
  try {
    value = parseJson(data)
  } catch (error) {
    cause = error
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  const message = `Expected the data of \`${event}\` to be a JSON object, got ${describeValue(cause ? data : value)}`
  throw new DagstreamError('INVALID_SSE', message, { details: { event }, cause })
}
