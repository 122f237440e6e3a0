import { DagstreamError } from '../errors.ts'

/** A stream or a body was interrupted: it ended early, fell silent, or reported that it could not continue. */
export class StreamInterruptedError extends Error {
  override readonly name: string = 'StreamInterruptedError'
  /** A new connection may deliver the rest. */
  readonly retryable = true
}

/** An error response, or a response of an unexpected type. Its code is `HTTP_ERROR`. */
export class HttpError extends DagstreamError {
  override readonly name: string = 'HttpError'
  /** HTTP status; 0 where a browser hides it (a redirect). */
  readonly status: number
  /** Delay that the server asks for, ms. */
  readonly retryAfterMs?: number

  /** @param details fields of the problem: `title`, `detail`, `code`, `reference`, `issues`, `issueCount` */
  constructor(status: number, message: string, details: Readonly<Record<string, unknown>>, retryAfterMs?: number) {
    const all = { ...details, status, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    super('HTTP_ERROR', message, { details: all })
    this.status = status
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }
}

/** A response that is never worth a retry, whatever its status: not from a dagstream server, or a redirect. */
export class UnusableResponseError extends HttpError {
  readonly retryable = false
}

/** All retries failed. Its code is `CONNECTION_LOST`; `cause` is the last failure. */
export class ConnectionLostError extends DagstreamError {
  override readonly name: string = 'ConnectionLostError'
  /** Total number of attempts. */
  readonly attempts: number
  /** Retries are exhausted, whatever the last failure was. */
  readonly retryable = false
  /** HTTP status of the last failure, if it had one. */
  readonly status?: number

  constructor(message: string, attempts: number, cause: unknown) {
    const status = findStatus(cause)
    super('CONNECTION_LOST', message, { details: { attempts, ...(status !== undefined && { status }) }, cause })
    this.attempts = attempts
    if (status !== undefined) this.status = status
  }
}

/** The HTTP status of a failure, from its own field or its `details`. */
export function findStatus(failure: unknown): number | undefined {
  return findNumber(failure, 'status')
}

/** The delay that a failure asks for, ms, from its own field or its `details`. */
export function findRetryAfterMs(failure: unknown): number | undefined {
  const ms = findNumber(failure, 'retryAfterMs')
  return ms !== undefined && ms >= 0 ? ms : undefined
}

function findNumber(failure: unknown, name: string): number | undefined {
  const found = readField(failure, name) ?? readField(readField(failure, 'details'), name)
  return typeof found === 'number' && !Number.isNaN(found) ? found : undefined
}

/** A property of a thrown value; `undefined` if it is absent or its getter throws. */
export function readField(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}
