import { DagstreamError } from '../../errors.ts'
import { parseEventId } from '../../events/events.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { negotiate } from '../../sse/accept.ts'
import { locateErrorIssues, type WorkflowText } from '../../workflow/locate-issues.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { badRequest } from '../answers/problem.ts'
import { readTrace } from '../answers/trace-headers.ts'
import type { ServerBounds } from '../body/execution-options.ts'
import { type JsonBody, readJson } from '../body/execution-request.ts'
import { parseRepeatClaim } from '../body/repeat-claim.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { Access } from '../security/authorize.ts'
import type { ExecutionAccess } from './execution-access.ts'
import type { ExecutionResponses } from './execution-responses.ts'
import { chooseFormat, expectAnswer, type ProtocolFormat } from './stream-format.ts'
import { identify, notAcceptable, refuseCursor, streamAfter } from './stream-place.ts'

/** The start that a request asks for. */
export interface StartSource {
  /** The registered workflow in the path. */
  readonly workflow?: string
  /** The access to the execution that it is made from, which was asked for. @defaultValue that to create one */
  readonly access?: Access
  /** The body of the request, if it was read. */
  readonly body?: JsonBody
  /** The target of the request, beside its body. @defaultValue the workflow */
  readonly scope?: string
  /** @throws HttpProblem, `INVALID_WORKFLOW` */
  readonly parse: (body: JsonBody, bounds: ServerBounds) => ExecutionRequest | Promise<ExecutionRequest>
  /** The positions of workflow and input in the body. */
  readonly locate: (body: JsonBody) => WorkflowText
  /** The answer of a route whose clients know one form only, whatever they accept. */
  readonly protocol?: ProtocolStream
}

/** The stream of a route for the clients of one protocol. */
export interface ProtocolStream {
  readonly format: ProtocolFormat
  /** Streams the execution that was started. @param body the request's */
  readonly show: (hosted: HostedExecution, body: unknown, release: (() => void) | undefined) => Response
}

/** Starts executions, for all routes that do so. */
export class ExecutionStarts {
  readonly #host: ExecutionHost
  readonly #responses: ExecutionResponses
  readonly #access: ExecutionAccess
  readonly #bounds: ServerBounds

  constructor(
    host: ExecutionHost,
    responses: ExecutionResponses,
    access: ExecutionAccess,
    { execution, graceMs }: ResolvedHandlerOptions,
  ) {
    this.#host = host
    this.#responses = responses
    this.#access = access
    this.#bounds = { ...execution, graceMs }
  }

  /**
   * Starts an execution and answers with the stream, with the result, or at once, as the request asks. With `Last-Event-ID`
   * it starts nothing and reconnects to that execution.
   * @throws HttpProblem, AnsweredByAuthorize; the errors of `ExecutionHost.start`, their issues with positions
   */
  async answer(request: Request, source: StartSource): Promise<Response> {
    const { workflow, scope = workflow, protocol } = source
    const asking = { action: 'create', ...(workflow !== undefined && { workflow }) } as const
    const access = source.access ?? (await this.#access.ask(request, asking))
    const isAsync = protocol === undefined && prefersAsync(request)
    const accepted = protocol !== undefined ? 'stream' : isAsync ? 'json' : negotiate(request.headers.get('accept'))
    if (accepted === undefined) throw notAcceptable('`text/event-stream` or `application/json`')
    const show = (hosted: HostedExecution, after?: string, release?: () => void): Response => {
      if (accepted === 'stream') return streamAfter(this.#responses, request, hosted, after, release)
      return isAsync ? accept(hosted) : this.#responses.awaitResult(hosted, identify(hosted))
    }
    // A reconnecting client asks for the execution that it started: nothing runs again.
    const lastEventId = protocol === undefined && request.headers.get('last-event-id')
    if (lastEventId) {
      const { executionId } = parseEventId(lastEventId) ?? refuseCursor(lastEventId)
      return show(await this.#access.open(request, 'subscribe', executionId), lastEventId)
    }
    // Refuse an unknown format before the execution starts.
    const format = protocol?.format ?? chooseFormat(request)
    const body = source.body ?? (await readJson(request))
    const asked = await source.parse(body, this.#bounds)
    if (typeof format === 'object') expectAnswer(format, asked.workflow)
    const unfollowed = isAsync && asked.graceMs === undefined ? { graceMs: Number.POSITIVE_INFINITY } : {}
    const claimant = { ...access, ...(await parseRepeatClaim(request, body, scope)) }
    // Refuse a reader above the limit before the execution starts.
    const release = accepted === 'stream' ? this.#host.subscribers.admit() : undefined
    try {
      const started = await this.#host.start(
        { ...asked, ...unfollowed, ...readTrace(request) },
        claimant,
        () => request.signal,
      )
      this.#responses.encodeAhead(started)
      return protocol?.show(started, body.value, release) ?? show(started, undefined, release)
    } catch (error) {
      release?.()
      const hasLeft = error instanceof DagstreamError && error.code === 'CANCELLED' && request.signal.aborted
      if (hasLeft) throw badRequest('The client disconnected before its execution started')
      // A recorded document has no positions in the body.
      throw asked.isRecorded ? error : locateErrorIssues(error, source.locate(body))
    }
  }
}

/** The answer to a request that does not wait for its execution. */
export function accept(hosted: HostedExecution): Response {
  hosted.disconnectPolicy.watch()
  const { executionId, status } = hosted
  const headers = { ...JSON_HEADERS, ...identify(hosted), 'Preference-Applied': 'respond-async' }
  return Response.json({ executionId, status }, { status: 202, headers })
}

/** RFC 7240: one of several preferences, with any parameters. */
export function prefersAsync(request: Request): boolean {
  return /(?:^|,)\s*respond-async\s*(?:[;,]|$)/i.test(request.headers.get('prefer') ?? '')
}
