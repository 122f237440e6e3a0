import { DagstreamError } from '../../errors.ts'
import { parseEventId } from '../../events/events.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { negotiate } from '../../sse/accept.ts'
import { locateErrorIssues, type WorkflowText } from '../../workflow/locate-issues.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { badRequest } from '../answers/problem.ts'
import type { ServerBounds } from '../body/execution-options.ts'
import { type JsonBody, parseRepeatClaim, readJson } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from './execution-access.ts'
import { chooseFormat, type ExecutionResponses } from './execution-responses.ts'
import { identify, notAcceptable, refuseCursor, streamAfter } from './stream-place.ts'

/** What a request starts. */
export interface StartSource {
  /** The registered workflow in the path. */
  readonly workflow?: string
  /** @throws HttpProblem, `INVALID_WORKFLOW` */
  readonly parse: (body: JsonBody, bounds: ServerBounds) => ExecutionRequest
  /** Where workflow and input stand in the body. */
  readonly locate: (body: JsonBody) => WorkflowText
}

/** Starts executions: the only way for every route that does. */
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
   * Starts an execution and answers as the request asks: with the stream, the result, or at once. With `Last-Event-ID` it
   * starts nothing and follows that execution.
   * @throws HttpProblem, AnsweredByAuthorize; the errors of `ExecutionHost.start`, their issues with positions
   */
  async answer(request: Request, source: StartSource): Promise<Response> {
    const { workflow } = source
    const access = await this.#access.ask(request, { action: 'create', ...(workflow !== undefined && { workflow }) })
    const isAsync = prefersAsync(request)
    const accepted = isAsync ? 'json' : negotiate(request.headers.get('accept'))
    if (accepted === undefined) throw notAcceptable('`text/event-stream` or `application/json`')
    const show = (hosted: HostedExecution, after?: string, release?: () => void): Response => {
      if (accepted === 'stream') return streamAfter(this.#responses, request, hosted, after, release)
      return isAsync ? accept(hosted) : this.#responses.awaitResult(hosted, identify(hosted))
    }
    // A client that comes back asks for what it has begun: nothing is ever executed again for it.
    const lastEventId = request.headers.get('last-event-id')
    if (lastEventId) {
      const { executionId } = parseEventId(lastEventId) ?? refuseCursor(lastEventId)
      return show(await this.#access.open(request, 'subscribe', executionId), lastEventId)
    }
    // Before anything is begun for it.
    chooseFormat(request)
    const body = await readJson(request)
    const asked = source.parse(body, this.#bounds)
    const unfollowed = isAsync && asked.graceMs === undefined ? { graceMs: Number.POSITIVE_INFINITY } : {}
    const claimant = { ...access, ...(await parseRepeatClaim(request, body, workflow)) }
    // Nothing is begun for a reader who could not follow it.
    const release = accepted === 'stream' ? this.#host.subscribers.admit() : undefined
    try {
      const started = await this.#host.start({ ...asked, ...unfollowed }, claimant, () => request.signal)
      this.#responses.encodeAhead(started)
      return show(started, undefined, release)
    } catch (error) {
      release?.()
      const hasLeft = error instanceof DagstreamError && error.code === 'CANCELLED' && request.signal.aborted
      if (hasLeft) throw badRequest('The client has left before its execution began')
      throw locateErrorIssues(error, source.locate(body))
    }
  }
}

function accept(hosted: HostedExecution): Response {
  hosted.disconnectPolicy.watch()
  const { executionId, status } = hosted
  const headers = { ...JSON_HEADERS, ...identify(hosted), 'Preference-Applied': 'respond-async' }
  return Response.json({ executionId, status }, { status: 202, headers })
}

/** RFC 7240: a token among others, whatever its parameters. */
function prefersAsync(request: Request): boolean {
  return /(?:^|,)\s*respond-async\s*(?:[;,]|$)/i.test(request.headers.get('prefer') ?? '')
}
