/** One HTTP/1.1 answer, as far as its bytes have come. */
export interface RawAnswer {
  /** `undefined` before the headers are complete. */
  readonly status: number | undefined
  /** Names in small letters; repeated ones joined with `, `. */
  readonly headers: ReadonlyMap<string, string>
  /** Decoded, as much of it as came. */
  readonly body: Buffer
  /** Whether its end has come; one without a length ends with the connection. */
  readonly isComplete: boolean
  /** How many bytes its head takes, and all of it. */
  readonly headBytes: number
  readonly bytes: number
}

const NOTHING_YET: RawAnswer = {
  status: undefined,
  headers: new Map(),
  body: Buffer.alloc(0),
  isComplete: false,
  headBytes: 0,
  bytes: 0,
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2}) [\t -~\u0080-\u00ff]*$/
// RFC 9110, 5.1 and 5.5: a token, then what may be seen, with white space between.
const FIELD =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]*[!-~\u0080-\u00ff])?)?[\t ]*$/

/**
 * Reads bytes strictly as an answer. An interim one (1xx) is passed over.
 * @param isEnded the connection has ended: nothing follows
 * @param isHead the request was a `HEAD`
 * @throws Error for anything that is not well formed
 */
export function parseAnswer(all: Buffer, isEnded: boolean, isHead = false): RawAnswer {
  const headEnd = all.indexOf('\r\n\r\n')
  if (headEnd === -1) return NOTHING_YET
  const [statusLine = '', ...fields] = all.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(STATUS_LINE.exec(statusLine)?.[1] ?? refuse(statusLine))
  const headers = new Map<string, string>()
  for (const field of fields) {
    const [, name = '', value = ''] = FIELD.exec(field) ?? refuse(field)
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  const headBytes = headEnd + 4
  if (status < 200) return parseAnswer(all.subarray(headBytes), isEnded, isHead)
  const rest = all.subarray(headBytes)
  const { body, isComplete, bytes } = parseBody(rest, { status, headers, isEnded, isHead })
  return { status, headers, body, isComplete, headBytes, bytes: headBytes + bytes }
}

interface Frame {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly isEnded: boolean
  readonly isHead: boolean
}

type Body = Pick<RawAnswer, 'body' | 'isComplete' | 'bytes'>

// RFC 9112, 6.3, in its order.
function parseBody(rest: Buffer, { status, headers, isEnded, isHead }: Frame): Body {
  if (isHead || status === 204 || status === 304) return { body: Buffer.alloc(0), isComplete: true, bytes: 0 }
  const encoding = headers.get('transfer-encoding')
  const length = headers.get('content-length')
  if (encoding !== undefined) {
    if (encoding !== 'chunked' || length !== undefined) refuse(`Transfer-Encoding: ${encoding} (${length})`)
    return parseChunks(rest)
  }
  if (length === undefined) return { body: rest, isComplete: isEnded, bytes: rest.length }
  if (!/^[0-9]+$/.test(length)) refuse(`Content-Length: ${length}`)
  const body = rest.subarray(0, Number(length))
  return { body, isComplete: body.length === Number(length), bytes: body.length }
}

// RFC 9112, 7.1; there are no trailers and no extensions.
function parseChunks(rest: Buffer): Body {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd === -1) return { body: Buffer.concat(pieces), isComplete: false, bytes: rest.length }
    const line = rest.toString('latin1', at, lineEnd)
    const size = /^[0-9a-fA-F]+$/.test(line) ? Number.parseInt(line, 16) : refuse(line)
    const start = lineEnd + 2
    pieces.push(rest.subarray(start, start + size))
    const end = start + size
    if (rest.length < end + 2) return { body: Buffer.concat(pieces), isComplete: false, bytes: rest.length }
    if (rest[end] !== 0x0d || rest[end + 1] !== 0x0a) refuse('a chunk without its end')
    at = end + 2
    if (size === 0) return { body: Buffer.concat(pieces), isComplete: true, bytes: at }
  }
}

function refuse(found: string): never {
  throw new Error(`Expected a well-formed answer, got ${JSON.stringify(found.slice(0, 80))}`)
}
