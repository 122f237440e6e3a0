import { DagstreamError, describeValue } from '../errors.ts'
import { formatEventId, type SSEEvent } from '../events/events.ts'
import { type LogEntry, NOT_LOGGED } from '../events/log-entry.ts'
import { wireJson } from '../events/wire-json.ts'

// The rules come from the WHATWG HTML standard, "Server-sent events": 9.2.5 "Parsing an event stream" (the grammar), 9.2.6
// "Interpreting an event stream" (how a receiver interprets each line). Each rule is cited where it is implemented.

/** One message of an event stream, field by field. */
export interface MessageFields {
  /** The event's name; receivers default to `message`. Not empty, no line break, Latin-1. Needs `data`. */
  readonly event?: string
  /**
   * The value that a receiver sends back as `Last-Event-ID`; `''` clears it. Must be a valid header value: Latin-1 without
   * control characters, no white space at its ends.
   */
  readonly id?: string
  /** Any text. Every kind of line break in it arrives as LF. */
  readonly data?: string
  /** Reconnection delay for the receiver, ms: a safe integer ≥ 0. */
  readonly retry?: number
}

/**
 * An event in its wire format: `id:` if it has one, `event:`, `data:` with one line of JSON, a blank line.
 *
 * A large output is replaced by its size, preview and path (see `wireJson`).
 * @throws DagstreamError `INVALID_EVENT` for a type or an id that a receiver would misread, and for data that is not JSON
 */
export function encode(event: SSEEvent): string {
  const head = event.id === undefined ? '' : `id: ${checkId(event.id)}\n`
  return `${head}event: ${checkName(event.type)}\ndata: ${toJson(event)}\n\n`
}

/** The same for a log entry, whose type and id are already validated. An entry that is not in the log has no id. */
export function encodeEntry(entry: LogEntry): string {
  const { seq, type, data, wireJson: json } = entry
  if (seq === NOT_LOGGED) return `event: ${type}\ndata: ${json}\n\n`
  return `id: ${formatEventId(data.executionId, seq)}\nevent: ${type}\ndata: ${json}\n\n`
}

/**
 * Any message, for vocabularies other than dagstream's own.
 * @throws DagstreamError `INVALID_EVENT` for a field that a receiver would misread or silently drop
 */
export function encodeMessage({ event, id, data, retry }: MessageFields): string {
  let frame = ''
  if (retry !== undefined) frame += `retry: ${checkRetry(retry)}\n`
  if (id !== undefined) frame += `id: ${checkId(id)}\n`
  if (event !== undefined) {
    frame += `event: ${checkName(event)}\n`
    // 9.2.6, dispatch, step 2: with no data at all the name is reset and nothing is dispatched.
    if (data === undefined) throw refuse('a message with an `event` to have `data`', data)
  }
  if (data !== undefined) frame += prefixLines('data: ', data)
  // 9.2.6: a blank line dispatches.
  return `${frame}\n`
}

/** A comment, which receivers ignore: `encodeComment('')` is the shortest heartbeat. */
export function encodeComment(text: string): string {
  // 9.2.5: comment = colon *any-char end-of-line. The blank line lets receivers that wait for one pass it on.
  return text === '' ? ':\n\n' : `${prefixLines(': ', text)}\n`
}

/** 9.2.5: CR LF, LF and CR all end a line; splitting on fewer lets a value start a field of its own. */
const LINE_END = /\r\n|\r|\n/

function prefixLines(prefix: string, text: string): string {
  // 9.2.6: one space after the colon is removed, so text that begins with a space keeps it. 9.2.6: the values of several `data`
  // lines are joined with LF.
  let lines = ''
  for (const line of text.split(LINE_END)) lines += `${prefix}${line}\n`
  return lines
}

/**
 * 9.2.5: a CR or LF ends the line. 9.2.6, dispatch, step 6: an empty name leaves the type `message`. Beyond the standard:
 * Latin-1 only, as for ids.
 */
const NAME = /^[^\r\n\u0100-\uffff]+$/

function checkName(name: string): string {
  if (NAME.test(name)) return name
  throw refuse('an event name to be non-empty Latin-1 text without line breaks', name)
}

/**
 * 9.2.5: a CR or LF ends the line. 9.2.6: an id with a NUL is ignored. 9.2.4 (the `Last-Event-ID` header): the id comes back as
 * a header's value, so it is one (RFC 9110, 5.5): two well-known clients loop endlessly over an id outside Latin-1, servers
 * reject control characters, and white space at the ends is stripped in transit.
 */
const ID = /^(?:[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]*[!-~\u0080-\u00ff])?)?$/

function checkId(id: string): string {
  if (ID.test(id)) return id
  throw refuse('an event id to be Latin-1 text that can be a header', id)
}

/** 9.2.6: `retry` counts only if it consists of ASCII digits, which every safe integer ≥ 0 is written in. */
function checkRetry(retry: number): number {
  if (Number.isSafeInteger(retry) && retry >= 0) return retry
  throw refuse('`retry` to be a safe integer ≥ 0', retry)
}

function toJson(event: SSEEvent): string {
  let json: string | undefined
  try {
    json = wireJson(event)
  } catch (cause) {
    throw new DagstreamError('INVALID_EVENT', `Expected the data of a \`${event.type}\` event to be JSON`, { cause })
  }
  if (json === undefined) throw refuse(`the data of a \`${event.type}\` event to be JSON`, event.data)
  return json
}

function refuse(expected: string, found: unknown): DagstreamError {
  return new DagstreamError('INVALID_EVENT', `Expected ${expected}, got ${describeValue(found)}`)
}
