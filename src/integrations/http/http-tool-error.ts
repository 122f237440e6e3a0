import { shortenText } from '../../text.ts'
/** Error code of an HTTP tool, which becomes the `code` of its task. */
export type HttpToolErrorCode =
  /** The request is malformed and cannot be sent. */
  | 'INVALID_ARGUMENTS'
  /** The response's status is neither 2xx nor accepted; see `status`. */
  | 'HTTP_STATUS'
  /** No complete response: unknown name, no connection, or a lost connection. */
  | 'HTTP_NETWORK_ERROR'
  /** No complete response before the timeout. */
  | 'HTTP_TIMEOUT'
  /** Too many redirects, or an unusable redirect. */
  | 'HTTP_REDIRECT'
  /** The response does not match its type, such as invalid JSON. */
  | 'HTTP_INVALID_RESPONSE'
  /** The decompressed response exceeds `maxResponseBytes`. */
  | 'HTTP_RESPONSE_TOO_LARGE'
  /** The URL, or a redirect target, is not in `allowedHosts`. */
  | 'HTTP_HOST_NOT_ALLOWED'
  /** The host's address is not public. */
  | 'HTTP_ADDRESS_NOT_ALLOWED'

/** The error of an HTTP tool. Its message names method, host and path, but no header, query or body. */
export class HttpToolError extends Error {
  override readonly name: string = 'HttpToolError'
  readonly code: HttpToolErrorCode
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
  /** Delay that the server asks for, ms. */
  readonly retryAfterMs?: number
  /** HTTP status of the response that failed. */
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
 * Describes a request in messages: `GET https://example.com/path`, without possible secrets.
 * @param redact removes further secrets from host and path
 */
export function describeRequest(
  method: string,
  { protocol, hostname, port, pathname }: URL,
  redact: (text: string) => string = text => text,
): string {
  // Some services have their key in the path.
  const path = redact(pathname).replaceAll(/[^/]{21,}/g, '…')
  const origin = `${protocol}//${redact(hostname)}${port === '' ? '' : `:${port}`}`
  return `\`${method} ${origin}${shortenText(path, 100)}\``
}
