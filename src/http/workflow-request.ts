import { systemClock } from '../clock.ts'
import { DagstreamError, expectObject, invalidOption } from '../errors.ts'
import type { Execution } from '../engine/executors/execution.ts'
import type { ExecutorOptions } from '../engine/executors/parallel-executor.ts'
import { isAtLeastZero } from '../engine/options.ts'
import { StreamingExecutor } from '../engine/executors/streaming-executor.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import { negotiate } from '../sse/accept.ts'
import type { Format } from '../sse/formats.ts'
import { createEventBody } from '../sse/response-body.ts'
import { guardLogger, type Logger } from '../log/logger.ts'
import type { ToolSource } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { DisconnectPolicy, type DisconnectRule, parseDisconnectRule } from '../host/execution/disconnect-policy.ts'
import { describeError } from '../log/describe-error.ts'
import { invalidWorkflow, problem } from './answers/problem.ts'
import { STREAM_HEADERS, VARY } from './answers/headers.ts'
import { describeTrace, readTrace } from './answers/trace-headers.ts'
import { readBeforeRefusal } from './body/unread-body.ts'

/** How one workflow is served. */
export interface WorkflowRequestOptions extends ExecutorOptions {
  readonly tools: ToolSource
  /** The value of `$INPUT`. */
  readonly input?: unknown
  /**
   * If the client disconnects before the end: `"cancel"` the execution after a grace period, or let it `"continue"`. Nothing
   * is kept for a client that reconnects. @defaultValue `"cancel"`
   */
  readonly onDisconnect?: DisconnectRule
  /** The form of events on the wire. @defaultValue `id:`, `event:` and `data:` */
  readonly format?: Format
  /** Time without an event after which a comment is sent, ms. @defaultValue 8,000 */
  readonly heartbeatMs?: number
}

/**
 * Answers a request by running one given workflow: as a stream or as one JSON result, as its `Accept` asks.
 *
 * No execution is kept. A request with `Last-Event-ID` reconnects to an execution that no longer exists: it gets `204`,
 * which stops an `EventSource`, and starts nothing.
 *
 * @returns `200`; `204`; `405` for methods other than `GET` and `POST`; `406`; `422` with `issues` and `issueCount` for an
 * invalid workflow or input; `500` without details when the engine fails. Never rejects because of the request; rejects for
 * invalid options.
 */
export async function handleWorkflowRequest(
  request: Request,
  workflow: DAGStructure | ExecutionPlan,
  options: WorkflowRequestOptions,
): Promise<Response> {
  return readBeforeRefusal(request, await answerAsAccepted(request, workflow, options))
}

async function answerAsAccepted(
  request: Request,
  workflow: DAGStructure | ExecutionPlan,
  options: WorkflowRequestOptions,
): Promise<Response> {
  if (!isMethodAllowed(request)) return methodNotAllowed()
  const accepted = negotiate(request.headers.get('accept'))
  if (accepted === 'stream') return answerWithStream(request, workflow, options)
  if (isReconnect(request)) return noContent()
  if (accepted === undefined) {
    const detail = 'Accept `text/event-stream` for the stream or `application/json` for the result'
    return problem(406, { title: 'Not acceptable', detail }, VARY)
  }
  const execution = start(request, workflow, options)
  if (execution instanceof Response) return execution
  const leave = createLeave(execution, options)
  // Some runtimes abort the signal after a normal response, too: stop listening then.
  request.signal.addEventListener('abort', leave)
  if (request.signal.aborted) leave()
  try {
    const result = await execution.result
    const headers = { ...VARY, 'Content-Type': 'application/json', ...identify(execution) }
    return new Response(stringifyJson(result), { headers })
  } catch (error) {
    return failure(error, execution.executionId)
  } finally {
    request.signal.removeEventListener('abort', leave)
  }
}

/**
 * Answers a request by running one given workflow and streaming its events, whatever the `Accept` says.
 * Otherwise like `handleWorkflowRequest`.
 */
export async function handleSSERequest(
  request: Request,
  workflow: DAGStructure | ExecutionPlan,
  options: WorkflowRequestOptions,
): Promise<Response> {
  return readBeforeRefusal(request, answerWithStream(request, workflow, options))
}

function answerWithStream(
  request: Request,
  workflow: DAGStructure | ExecutionPlan,
  options: WorkflowRequestOptions,
): Response {
  if (!isMethodAllowed(request)) return methodNotAllowed()
  if (isReconnect(request)) return noContent()
  const execution = start(request, workflow, options)
  if (execution instanceof Response) return execution
  const { executionId } = execution
  const leave = createLeave(execution, options)
  // Only before the response: some runtimes abort the signal afterwards although the client is connected. From then on the
  // body detects a disconnect.
  if (request.signal.aborted) leave()
  const { format, heartbeatMs, clock, logger } = options
  const body = createEventBody(execution.subscribe(), {
    executionId,
    ...(format && { format }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(clock && { clock }),
    onClose: leave,
    onError: error => {
      if (logger) guardLogger(logger).warn('The event stream failed', { executionId, error: describeError(error) })
      return undefined
    },
  })
  return new Response(body, { headers: { ...STREAM_HEADERS, ...VARY, ...identify(execution) } })
}

/** `EventSource` sends `GET`. `HEAD` and `OPTIONS` are safe methods and must not run a workflow. */
function isMethodAllowed({ method }: Request): boolean {
  return method === 'GET' || method === 'POST'
}

function methodNotAllowed(): Response {
  return problem(405, { title: 'Method not allowed', detail: 'Use GET or POST' }, { ...VARY, Allow: 'GET, POST' })
}

function isReconnect(request: Request): boolean {
  return request.headers.get('last-event-id') !== null
}

function noContent(): Response {
  return new Response(null, { status: 204, headers: VARY })
}

function identify({ executionId, traceparent }: Execution): Record<string, string> {
  return { 'Execution-Id': executionId, ...describeTrace(traceparent) }
}

function start(
  request: Request,
  workflow: DAGStructure | ExecutionPlan,
  options: WorkflowRequestOptions,
): Execution | Response {
  const {
    tools,
    input,
    onDisconnect = 'cancel',
    format,
    heartbeatMs,
    ...executionOptions
  } = expectObject('options', options)
  if (format !== undefined && typeof format !== 'function') throw invalidOption('format', 'a function', format)
  if (heartbeatMs !== undefined && !(isAtLeastZero(heartbeatMs) && heartbeatMs > 0)) {
    throw invalidOption('heartbeatMs', 'a positive number of milliseconds', heartbeatMs)
  }
  parseDisconnectRule(onDisconnect)
  const executor = new StreamingExecutor(tools, executionOptions)
  try {
    // It has no route for answers.
    const execution = executor.stream(workflow, { input, isAttended: false, ...readTrace(request) })
    logLoss(execution, executionOptions.logger)
    return execution
  } catch (error) {
    if (error instanceof DagstreamError && error.code === 'INVALID_WORKFLOW') {
      return invalidWorkflow(error, VARY)
    }
    throw error
  }
}

/** Readers learn only that the execution was lost. */
function logLoss({ executionId, result }: Execution, logger: Logger | undefined): void {
  if (logger === undefined) return
  const guarded = guardLogger(logger)
  result.catch((error: unknown) => {
    guarded.warn('An execution was lost', { executionId, reference: executionId, error: describeError(error) })
  })
}

/** Returns the callback for a disconnect of the client. It acts once, and never after the end. */
function createLeave(execution: Execution, { onDisconnect = 'cancel', clock }: WorkflowRequestOptions): () => void {
  const graceMs = parseDisconnectRule(onDisconnect)
  const disconnectPolicy = new DisconnectPolicy(graceMs, clock ?? systemClock, () => execution.disconnect())
  const close = (): void => disconnectPolicy.close()
  // Stop waiting once the execution has ended.
  execution.result.then(close, close)
  return disconnectPolicy.join()
}

/** The text of an unknown error never leaves the process: the log has it, under the execution's id. */
function failure(error: unknown, executionId: string): Response {
  const code = error instanceof DagstreamError ? error.code : 'INTERNAL_ERROR'
  const headers = { ...VARY, 'Execution-Id': executionId }
  return problem(500, { title: 'The execution could not be completed', code, reference: executionId }, headers)
}
