import { cutText, shortenText } from './text.ts'

/**
 * Codes of thrown errors. Match on the code, never on the message.
 *
 * A task's failure is recorded as data (see `TaskCode`), never thrown.
 */
export type DagstreamErrorCode =
  /** A workflow is invalid: `details.issues` (at most 100) and `details.issueCount`. */
  | 'INVALID_WORKFLOW'
  /** An option, or a combination of options, is invalid. */
  | 'INVALID_OPTION'
  /** A tool definition is invalid. */
  | 'INVALID_TOOL'
  /** A package that this function needs is not installed: `details.package`. */
  | 'MISSING_PACKAGE'
  /** Tools that a workflow names are unavailable, such as those of a server that does not start. */
  | 'TOOLS_UNAVAILABLE'
  /** A writable stream that must be unlocked has a writer. */
  | 'STREAM_LOCKED'
  /** A reader took nothing for the stall timeout and was disconnected. */
  | 'READER_STALLED'
  /** A reader exceeded its bound and was disconnected. */
  | 'READER_OVERFLOWED'
  /** A write to a stream that is closed or cancelled. */
  | 'STREAM_CLOSED'
  /** An event has a name, an id or data that a receiver of Server-Sent Events would misinterpret. */
  | 'INVALID_EVENT'
  /** A stream of Server-Sent Events, or one of its messages, exceeds a limit or is malformed. */
  | 'INVALID_SSE'
  /** An event id is malformed or belongs to another execution. */
  | 'INVALID_EVENT_ID'
  /** A server responded with an error: `details.status`, and the fields of its problem document. */
  | 'HTTP_ERROR'
  /** A connection was lost and all retries failed; `cause` is the last failure. */
  | 'CONNECTION_LOST'
  /** The execution is unknown, or no longer known. */
  | 'EXECUTION_NOT_FOUND'
  /** A fork names a task that is neither in its workflow nor in the execution that it is made from. */
  | 'UNKNOWN_TASK'
  /** A patch of a plan concerns tasks that have started, have ended or do not exist: `details.taskIds`. */
  | 'PLAN_CONFLICT'
  /** A planner comes back with another number of accepted lines than the server has. */
  | 'PLAN_LINE_MISMATCH'
  /** The plan takes no more lines. */
  | 'PLAN_CLOSED'
  /** Another planner writes the plan. */
  | 'PLAN_BUSY'
  /** Another server coordinates the execution of the plan. */
  | 'PLAN_ELSEWHERE'
  /** The runtime cannot send a request, or read its body, while the answer arrives. */
  | 'STREAMING_UNSUPPORTED'
  /** The execution has ended: it cannot be resumed. */
  | 'EXECUTION_ENDED'
  /** The execution has not ended: it cannot be deleted. */
  | 'EXECUTION_RUNNING'
  /** The execution does not run in this process, and the store does not know whether it runs in another one. */
  | 'INTERRUPTED'
  /** The execution is parked: one of its tasks was in flight in each of the last crashes, or lost its workers. */
  | 'CRASH_LIMIT'
  /** The stored workflow, input, options or log of an execution are damaged: it can only be deleted. */
  | 'RECORD_UNUSABLE'
  /** The idempotency key was used with a different request. */
  | 'IDEMPOTENCY_CONFLICT'
  /** `maxExecutions` executions run already. */
  | 'TOO_MANY_EXECUTIONS'
  /** `maxSubscribers` event streams are open already. */
  | 'TOO_MANY_SUBSCRIBERS'
  /** The store failed; `cause` is the original error. `details.isRefusal`: it answers, and refuses what it was given. */
  | 'STORE_FAILED'
  /** Another process, or another store of this one, writes the store's file. */
  | 'STORE_IN_USE'
  /** The database of the store lacks the tables of this version: `dagstream store migrate` makes them. */
  | 'STORE_NOT_MIGRATED'
  /** A living process on the same shared store uses another dispatcher. */
  | 'DISPATCHER_CONFLICT'
  /** The process shuts down: it starts no execution, and the next process resumes its executions. */
  | 'SHUTTING_DOWN'
  /** No server has answered for an execution in time; the command takes effect once one does. */
  | 'COORDINATOR_UNAVAILABLE'
  /** The lease is outdated: another process has claimed the execution. */
  | 'FENCED'
  /** The appended seq is not the next seq of the store. */
  | 'SEQ_CONFLICT'
  /**
   * An execution or an attempt was cancelled: reason of a tool's abort signal, or of a submission that a client
   * aborted.
   */
  | 'CANCELLED'
  /** An attempt exceeded `timeoutMs`: reason of a tool's abort signal. */
  | 'TASK_TIMEOUT'
  /** A person declined to answer; `ask` rejects with it. */
  | 'INPUT_DECLINED'
  /** Nobody answered in time; `ask` rejects with it. */
  | 'INPUT_EXPIRED'
  /** Another attempt asked another question under the same id; `ask` rejects with it. */
  | 'INPUT_MISMATCH'
  /** A question that cannot be asked; `ask` rejects with it. */
  | 'INVALID_QUESTION'
  /** There is no question with this id. */
  | 'INPUT_NOT_FOUND'
  /** The question has been answered, declined, has expired, or its task has ended. */
  | 'INPUT_CLOSED'
  /** The answer does not fit the question, which stays open: `details.issues`. */
  | 'INVALID_RESPONSE'

/**
 * The error that dagstream throws. The message names the expected and found value and the likely fix; match on `code`.
 */
export class DagstreamError extends Error {
  override readonly name: string = 'DagstreamError'
  /** Error code from a closed union. */
  readonly code: DagstreamErrorCode
  /** Details as plain JSON; the fields depend on the code. */
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

/** Formats a value for a message: JSON where possible, cut at 40 characters, with its type. */
export function describeValue(value: unknown): string {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return type
  const text = typeof value === 'string' ? JSON.stringify(cutText(value, 41)) : String(value)
  const shown = shortenText(text, 40)
  return value === null || value === undefined ? shown : `\`${shown}\` (${type})`
}

/** Creates the error for an invalid option: ``Expected `name` to be …, got …``. */
export function invalidOption(name: string, expected: string, found: unknown): DagstreamError {
  return new DagstreamError('INVALID_OPTION', `Expected \`${name}\` to be ${expected}, got ${describeValue(found)}`, {
    details: { option: name, expected },
  })
}

/** Creates the error for an execution whose record or log is damaged. Retrying does not help. */
export function recordUnusable(fault: string, cause?: unknown): DagstreamError {
  return new DagstreamError('RECORD_UNUSABLE', `${fault}: the execution can only be deleted`, { cause })
}

export function isRecordUnusable(error: unknown): error is DagstreamError {
  return error instanceof DagstreamError && error.code === 'RECORD_UNUSABLE'
}

/** Whether a store refuses what it was given: it answers, and would answer the same again. */
export function isStoreRefusal(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'STORE_FAILED' && error.details['isRefusal'] === true
}

/** Requires an option to be an object with these functions. @throws `INVALID_OPTION` */
export function expectMethods(name: string, value: unknown, methods: readonly string[]): void {
  const object = (value ?? {}) as Record<string, unknown>
  if (methods.some(method => typeof object[method] !== 'function')) {
    throw invalidOption(name, `an object with the functions ${methods.join(', ')}`, value)
  }
}

/** Requires an option to be an object. @throws `INVALID_OPTION` */
export function expectObject<T extends object>(name: string, value: T): T {
  if (typeof value !== 'object' || value === null) throw invalidOption(name, 'an object', value)
  return value
}
