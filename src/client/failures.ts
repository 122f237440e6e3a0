import { DagstreamError } from '../errors.ts'

/** A stream or a body was cut short: it ended early, fell silent, or said itself that it could not go on. */
export class StreamInterruptedError extends Error {
  override readonly name: string = 'StreamInterruptedError'
  /** Another connection may bring the rest. */
  readonly retryable = true
}

/** A server's answer that is an error, or not what was asked for. Its code is `HTTP_ERROR`. */
export class HttpError extends DagstreamError {
  override readonly name: string = 'HttpError'
  /** Of the response; 0 where a browser hides it (a redirect). */
  readonly status: number
  /** How long the server asks to wait, ms. */
  readonly retryAfterMs?: number

  /** @param details what the problem said: `title`, `detail`, `code`, `reference`, `issues`, `issueCount` */
  constructor(status: number, message: string, details: Readonly<Record<string, unknown>>, retryAfterMs?: number) {
    const all = { ...details, status, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    super('HTTP_ERROR', message, { details: all })
    this.status = status
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }
}

/** An answer that no repetition would mend, whatever its status: not from a dagstream server, or leading elsewhere. */
export class UnusableResponseError extends HttpError {
  readonly retryable = false
}

/** All retries failed. Its code is `CONNECTION_LOST`; `cause` is the last failure. */
export class ConnectionLostError extends DagstreamError {
  override readonly name: string = 'ConnectionLostError'
  /** How often it was tried in all. */
  readonly attempts: number
  /** They are used up, whatever the last failure was. */
  readonly retryable = false
  /** Of the last failure, where that was an HTTP response. */
  readonly status?: number

  constructor(message: string, attempts: number, cause: unknown) {
    const status = findStatus(cause)
    super('CONNECTION_LOST', message, { details: { attempts, ...(status !== undefined && { status }) }, cause })
    this.attempts = attempts
    if (status !== undefined) this.status = status
  }
}

/** The HTTP status that a failure carries, itself or in its `details`. */
export function findStatus(failure: unknown): number | undefined {
  return findNumber(failure, 'status')
}

/** How long a failure asks to wait, ms, itself or in its `details`. */
export function findRetryAfterMs(failure: unknown): number | undefined {
  const ms = findNumber(failure, 'retryAfterMs')
  return ms !== undefined && ms >= 0 ? ms : undefined
}

function findNumber(failure: unknown, name: string): number | undefined {
  const found = readField(failure, name) ?? readField(readField(failure, 'details'), name)
  return typeof found === 'number' && !Number.isNaN(found) ? found : undefined
}

/** A property of whatever was thrown; `undefined` where there is none, or reading it throws. */
export function readField(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}
