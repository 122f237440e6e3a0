import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { DagstreamError, describeValue, expectMethods, expectObject, invalidOption } from '../errors.ts'
import { parseEventId, type Schedule } from '../events/events.ts'
import type { ExecutionResult } from '../engine/execution-result.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { type CancelOptions, refuseUnknown, resolveCancelOptions } from './cancel-options.ts'
import { pollResult } from './degraded.ts'
import type { PlanSource } from '../engine/growth/plan-lines.ts'
import { PlanApi } from './plan-api.ts'
import { type RemotePlanOptions, streamPlan } from './stream-plan.ts'
import { ExecutionApi, isExecutionId, readResult, type Submission } from './execution-api.ts'
import { expectSignal, type ReconnectionOptions, resolveReconnectionOptions } from './reconnection-options.ts'
import { RemoteExecution } from './remote-execution.ts'
import { Session } from './session.ts'
import { type Fetch, type HeadersSource, parseBaseUrl, Transport } from './transport.ts'

/** Options of a client. */
export interface ClientOptions {
  /** Base URL of the server's routes; its path is kept. In a browser page a path alone is enough. Must not contain a secret. */
  readonly url: string | URL
  /** Sends each request. @defaultValue the global `fetch` */
  readonly fetch?: Fetch
  /** Sent with each request; a function is called for each one, since tokens expire. */
  readonly headers?: HeadersSource
  /**
   * Silence after which a connection counts as lost, ms; must exceed the server's `heartbeatMs`. Where a body cannot be read
   * incrementally, it bounds the whole read. @defaultValue 30,000
   */
  readonly idleTimeoutMs?: number
  /** Reconnection policy; each execution counts its own retries. */
  readonly reconnection?: Omit<ReconnectionOptions, 'clock' | 'random' | 'signal'>
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
}

/** Options that a client may set, within the server's own bounds. */
export interface RemoteOptions {
  readonly schedule?: Schedule
  readonly onTaskError?: 'continue' | 'fail-fast'
  readonly maxConcurrency?: number
  /** −100 to 100: among the executions that wait for the same limit of a tool higher ones go first. @defaultValue 0 */
  readonly priority?: number
  /** Timeout of the whole execution, ms. */
  readonly timeoutMs?: number
  /** Policy when the last reader disconnects. */
  readonly onDisconnect?: 'cancel' | 'continue' | { readonly graceMs: number }
}

/** Options of one submission. */
export interface RemoteExecuteOptions {
  /** The value of `$INPUT`: JSON. */
  readonly input?: unknown
  readonly options?: RemoteOptions
  /** Ends the client's waiting, with its reason. It does not cancel the execution: `cancel()` does. */
  readonly signal?: AbortSignal
}

/** Options of one fork. */
export interface RemoteForkOptions extends RemoteExecuteOptions {
  /** Ids of the tasks that run again whatever they did, with all that depend on them. @defaultValue none */
  readonly from?: readonly string[]
  /** A changed document. @defaultValue that of the old execution */
  readonly workflow?: DAGStructure
}

/** Options of one subscription. */
export interface SubscribeOptions {
  /** Id of the event to resume after. @defaultValue from the first event */
  readonly after?: string
  /** Ends the client's waiting, with its reason. */
  readonly signal?: AbortSignal
}

/** A server's executions. Every wait rejects with a `DagstreamError`: `HTTP_ERROR` or `CONNECTION_LOST`. */
export interface Client {
  /**
   * Runs a workflow and waits for its result, across lost connections.
   * @param workflow a document, or the name of a workflow that the server has registered
   * @throws DagstreamError `HTTP_ERROR` if the server refuses it: `details.code` and `details.issues` say why
   */
  execute(workflow: DAGStructure | string, options?: RemoteExecuteOptions): Promise<ExecutionResult>
  /**
   * Starts a workflow at once and follows it.
   * @param workflow as of `execute`
   * @throws `INVALID_OPTION`; nothing else synchronously
   */
  stream(workflow: DAGStructure | string, options?: RemoteExecuteOptions): RemoteExecution
  /**
   * Runs a plan while it is still being written, and follows it: the body of the request is sent while the answer arrives. After a
   * lost connection the plan continues behind the last accepted line, and the stream behind its last event. Needs a runtime
   * whose `fetch` does both at once, such as Node, Bun or Deno; a page does not.
   * @param source text or bytes of NDJSON, split anywhere, or one value per line
   * @throws `INVALID_OPTION`, `STREAMING_UNSUPPORTED`; nothing else synchronously
   */
  streamPlan(source: PlanSource, options?: RemotePlanOptions): RemoteExecution
  /**
   * Starts a fork of an execution at once and follows it: a new execution that takes over the outputs of unchanged tasks.
   * Without `input` and `options` they are those of the old one.
   * @throws `INVALID_OPTION`; nothing else synchronously
   */
  fork(executionId: string, options?: RemoteForkOptions): RemoteExecution
  /** Follows an existing execution, from its first event or after a given one. @throws `INVALID_OPTION`, `INVALID_EVENT_ID` */
  subscribe(executionId: string, options?: SubscribeOptions): RemoteExecution
  /**
   * Asks the server to cancel an execution: its `finally` tasks run. A second call ends those; after the end it has no effect.
   * @throws `INVALID_OPTION`
   */
  cancel(executionId: string, options?: CancelOptions): Promise<void>
}

const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/**
 * A client of a dagstream server, for Node, Bun, Deno, workers and browsers.
 *
 * A workflow is submitted under a random idempotency key, so a repeated request never runs it twice. Once the server has
 * answered, a lost connection is resumed from the last event.
 * @throws `INVALID_OPTION`
 */
export function createClient(options: ClientOptions): Client {
  const session = createSession(options)
  const follow = (submission: Submission, options: RemoteExecuteOptions): RemoteExecution => {
    const starting = session.start(submission, 'stream', options.signal)
    return new RemoteExecution(session, starting.started, { ...pickSignal(options), starting })
  }
  return {
    async execute(workflow, options = {}) {
      const submission = createSubmission(workflow, options)
      return execute(session, submission, options.signal)
    },
    stream: (workflow, options = {}) => follow(createSubmission(workflow, options), options),
    streamPlan: (source, options = {}) => streamPlan(session, source, options),
    fork: (executionId, options = {}) => follow(createFork(executionId, options), options),
    subscribe(executionId, options = {}) {
      expectExecutionId(executionId)
      const { after, signal, ...unknown } = expectObject('options', options)
      refuseUnknown(unknown)
      expectSignal(signal)
      if (after !== undefined && parseEventId(String(after))?.executionId !== executionId) {
        const message = `Expected \`after\` to be the id of an event of \`${executionId}\`, got ${describeValue(after)}`
        throw new DagstreamError('INVALID_EVENT_ID', message)
      }
      const started = Promise.resolve({ executionId })
      return new RemoteExecution(session, started, { ...pickSignal(options), ...(after !== undefined && { after }) })
    },
    async cancel(executionId, options = {}) {
      await session.cancel(expectExecutionId(executionId), resolveCancelOptions(options))
    },
  }
}

async function execute(session: Session, submission: Submission, signal?: AbortSignal): Promise<ExecutionResult> {
  const { executionId, reply } = await session.start(submission, 'result', signal).started
  if (reply?.isIncremental === true) {
    try {
      return await readResult(reply, executionId)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      // After a broken body the execution can still be followed. A result that is too large is not a broken body.
      if (error instanceof DagstreamError && error.code === 'HTTP_ERROR') throw error
    }
  } else if (reply !== undefined) {
    // Held until the end: to the server it is a connected reader.
    const { api, clock } = session
    try {
      return await session.repeat(() => pollResult(api, executionId, clock, signal), signal)
    } finally {
      reply.close()
    }
  }
  return new RemoteExecution(session, Promise.resolve({ executionId }), signal && { signal }).result
}

function createSession(options: ClientOptions): Session {
  const {
    url,
    // Looked up for each request: tests and instrumentation may replace it.
    fetch = (request: Request) => globalThis.fetch(request),
    headers = {},
    idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS,
    reconnection = {},
    clock = systemClock,
    random = Math.random,
    ...unknown
  } = expectObject('options', options)
  refuseUnknown(unknown)
  if (typeof fetch !== 'function') throw invalidOption('fetch', 'a function', fetch)
  if (typeof headers !== 'function') expectObject('headers', headers as object)
  if (!(typeof idleTimeoutMs === 'number' && idleTimeoutMs > 0 && idleTimeoutMs < Number.POSITIVE_INFINITY)) {
    throw invalidOption('idleTimeoutMs', 'a positive number of milliseconds', idleTimeoutMs)
  }
  expectMethods('clock', clock, CLOCK_METHODS)
  const all = { ...expectObject('reconnection', reconnection), clock, random }
  resolveReconnectionOptions(all)
  const baseUrl = parseBaseUrl(url)
  const transport = new Transport({ baseUrl, fetch, headers, clock, idleTimeoutMs })
  const api = new ExecutionApi(transport)
  return new Session({ api, plans: new PlanApi(transport, api, clock) }, clock, all, new URL(baseUrl).origin)
}

/** The name of a registered workflow, as a part of a path. */
const WORKFLOW_NAME = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/

/** The request, serialized once: the caller may mutate the workflow between retries. */
function createSubmission(workflow: DAGStructure | string, options: RemoteExecuteOptions): Submission {
  const isNamed = typeof workflow === 'string'
  if (!isNamed) expectObject('workflow', workflow)
  else if (!WORKFLOW_NAME.test(workflow)) {
    throw invalidOption('workflow', 'a document, or a name of 1–100 letters, digits, `_`, `.` and `-`', workflow)
  }
  const { input, options: remote, signal, ...unknown } = expectObject('options', options)
  refuseUnknown(unknown)
  expectSignal(signal)
  if (isNamed) return writeSubmission(`workflows/${workflow}/executions`, { input, options: remote })
  return writeSubmission('executions', { workflow, input, options: remote })
}

function createFork(executionId: string, options: RemoteForkOptions): Submission {
  expectExecutionId(executionId)
  const { from, workflow, input, options: remote, signal, ...unknown } = expectObject('options', options)
  refuseUnknown(unknown)
  if (from !== undefined && !Array.isArray(from)) throw invalidOption('from', 'an array of task ids', from)
  if (workflow !== undefined) expectObject('workflow', workflow)
  expectSignal(signal)
  return writeSubmission(`executions/${executionId}/fork`, { from, workflow, input, options: remote })
}

function writeSubmission(path: string, body: Readonly<Record<string, unknown>>): Submission {
  try {
    return { path, body: stringifyJson(body) }
  } catch (cause) {
    const message = 'Expected the workflow, its `input` and its `options` to be JSON'
    throw new DagstreamError('INVALID_OPTION', message, { cause })
  }
}

function expectExecutionId(executionId: string): string {
  if (isExecutionId(executionId)) return executionId
  throw invalidOption('executionId', '1–128 letters, digits, `_` and `-`', executionId)
}

function pickSignal({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
