import { shortenText } from '../../text.ts'
/** How a call of an HTTP tool fails: the `code` of its task. */
export type HttpToolErrorCode =
  /** The request cannot be sent as it is written. */
  | 'INVALID_ARGUMENTS'
  /** The answer's status is neither 2xx nor accepted; `status` says which. */
  | 'HTTP_STATUS'
  /** There was no whole answer: no such name, no connection, or it was cut. */
  | 'HTTP_NETWORK_ERROR'
  /** There was no whole answer in time. */
  | 'HTTP_TIMEOUT'
  /** One redirect more than are followed, or one that leads nowhere. */
  | 'HTTP_REDIRECT'
  /** The answer is not what it says it is, such as JSON that is none. */
  | 'HTTP_INVALID_RESPONSE'
  /** The answer is larger than `maxResponseBytes`, unpacked. */
  | 'HTTP_RESPONSE_TOO_LARGE'
  /** The URL, or one that it was redirected to, is not of `allowedHosts`. */
  | 'HTTP_HOST_NOT_ALLOWED'
  /** The host's address is not a public one. */
  | 'HTTP_ADDRESS_NOT_ALLOWED'

/** What an HTTP tool throws. Its message names method, host and path; no header, no query, nothing that was sent. */
export class HttpToolError extends Error {
  override readonly name: string = 'HttpToolError'
  readonly code: HttpToolErrorCode
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  /** How long the server asks to wait, ms. */
  readonly retryAfterMs?: number
  /** Of the answer, where that is what failed. */
  readonly status?: number

  constructor(
    code: HttpToolErrorCode,
    message: string,
    more: { retryable?: boolean; retryAfterMs?: number | undefined; status?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.retryable = more.retryable ?? false
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs
    if (more.status !== undefined) this.status = more.status
  }
}

/**
 * A request as messages name it: `GET https://example.com/path`, without what may be a secret.
 * @param redact takes further secrets out of the host and out of the path
 */
export function describeRequest(
  method: string,
  { protocol, hostname, port, pathname }: URL,
  redact: (text: string) => string = text => text,
): string {
  // Some services take their key in the path.
  const path = redact(pathname).replaceAll(/[^/]{21,}/g, '…')
  const origin = `${protocol}//${redact(hostname)}${port === '' ? '' : `:${port}`}`
  return `\`${method} ${origin}${shortenText(path, 100)}\``
}
