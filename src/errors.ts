import { cutText, shortenText } from './text.ts'

/**
 * Every code that dagstream throws. Callers match on the code, never on the message.
 *
 * A task's failure is not among them: it is recorded as data (see `TaskCode`), never thrown.
 */
export type DagstreamErrorCode =
  /** A workflow did not pass its checks: `details.issues` (at most 100) and `details.issueCount`. */
  | 'INVALID_WORKFLOW'
  /** An option, or a pair of them, is not what was expected. */
  | 'INVALID_OPTION'
  /** A tool definition is not what was expected. */
  | 'INVALID_TOOL'
  /** Tools that a workflow names cannot be had, such as those of a server that does not start. */
  | 'TOOLS_UNAVAILABLE'
  /** A writable stream that must be free already has a writer. */
  | 'STREAM_LOCKED'
  /** A reader took nothing for the stall time and was let go. */
  | 'READER_STALLED'
  /** A reader fell further behind than its bound allows and was let go. */
  | 'READER_OVERFLOWED'
  /** A stream was written to after it had been closed or cancelled. */
  | 'STREAM_CLOSED'
  /** An event has a name, an id or data that a receiver of Server-Sent Events would misread. */
  | 'INVALID_EVENT'
  /** A stream of Server-Sent Events, or one message of it, breaks its bound or its form. */
  | 'INVALID_SSE'
  /** An event id is malformed or belongs to another execution. */
  | 'INVALID_EVENT_ID'
  /** A request to a server was answered with an error: `details.status`, and what its problem said. */
  | 'HTTP_ERROR'
  /** A connection was lost and could not be had again within the retries; `cause` is the last failure. */
  | 'CONNECTION_LOST'
  /** The execution is not (or no longer) known. */
  | 'EXECUTION_NOT_FOUND'
  /** The execution has ended: it cannot be resumed. */
  | 'EXECUTION_ENDED'
  /** The execution has not ended: it cannot be deleted. */
  | 'EXECUTION_RUNNING'
  /** The execution does not run in this process, and the store cannot tell whether it runs in another one. */
  | 'INTERRUPTED'
  /** The stored workflow, input or options of an execution cannot be used: it can be deleted, and nothing else. */
  | 'RECORD_UNUSABLE'
  /** The idempotency key belongs to another request. */
  | 'IDEMPOTENCY_CONFLICT'
  /** `maxExecutions` executions run already. */
  | 'TOO_MANY_EXECUTIONS'
  /** `maxSubscribers` event streams are open already. */
  | 'TOO_MANY_SUBSCRIBERS'
  /** The store failed; `cause` says how. */
  | 'STORE_FAILED'
  /** Another process, or another store of this one, writes the store's file. */
  | 'STORE_IN_USE'
  /** The process ends: it starts nothing more, and the next process resumes its executions. */
  | 'SHUTTING_DOWN'
  /** The store has a newer lease for this execution: another process has taken it over. */
  | 'FENCED'
  /** The store's next seq is not the one appended. */
  | 'SEQ_CONFLICT'
  /** An execution or an attempt was cancelled: the reason of the abort signal a tool sees, or of a workflow that a client withdrew. */
  | 'CANCELLED'
  /** An attempt ran longer than `timeoutMs`: the reason of the abort signal a tool sees. */
  | 'TASK_TIMEOUT'

/** What dagstream throws: a message that says what was expected, what was found and how to mend it, with a `code` to match on. */
export class DagstreamError extends Error {
  override readonly name: string = 'DagstreamError'
  /** What went wrong, from a closed union. */
  readonly code: DagstreamErrorCode
  /** Facts about it, as plain JSON; which ones depends on the code. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: DagstreamErrorCode,
    message: string,
    options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** A value as a message shows it: JSON where possible, cut at 40 characters, with its type. */
export function describeValue(value: unknown): string {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return type
  const text = typeof value === 'string' ? JSON.stringify(cutText(value, 41)) : String(value)
  const shown = shortenText(text, 40)
  return value === null || value === undefined ? shown : `\`${shown}\` (${type})`
}

/** The one form of a message about an option: ``Expected `name` to be …, got …``. */
export function invalidOption(name: string, expected: string, found: unknown): DagstreamError {
  return new DagstreamError('INVALID_OPTION', `Expected \`${name}\` to be ${expected}, got ${describeValue(found)}`, {
    details: { option: name, expected },
  })
}

/** Refuses an option that is not an object with these functions. @throws `INVALID_OPTION` */
export function expectMethods(name: string, value: unknown, methods: readonly string[]): void {
  const object = (value ?? {}) as Record<string, unknown>
  if (methods.some(method => typeof object[method] !== 'function')) {
    throw invalidOption(name, `an object with the functions ${methods.join(', ')}`, value)
  }
}

/** Refuses what is no object of options. @throws `INVALID_OPTION` */
export function expectObject<T extends object>(name: string, value: T): T {
  if (typeof value !== 'object' || value === null) throw invalidOption(name, 'an object', value)
  return value
}
