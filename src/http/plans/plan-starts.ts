import { DagstreamError } from '../../errors.ts'
import { parseEventId } from '../../events/events.ts'
import { interrupted, shuttingDown } from '../../host/errors/host-errors.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { Claimant } from '../../host/execution/claimant.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { planBusy, planClosed, planLineMismatch } from '../../host/plans/plan-errors.ts'
import { negotiate } from '../../sse/accept.ts'
import { badRequest, notFound } from '../answers/problem.ts'
import { readTrace } from '../answers/trace-headers.ts'
import type { ServerBounds } from '../body/execution-options.ts'
import { refuseEncoding } from '../body/execution-request.ts'
import { parsePlanClaim } from '../body/repeat-claim.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from '../routes/execution-access.ts'
import type { ExecutionResponses } from '../routes/execution-responses.ts'
import { accept, prefersAsync } from '../routes/execution-starts.ts'
import { chooseFormat } from '../routes/stream-format.ts'
import { identify, notAcceptable, refuseCursor, streamAfter } from '../routes/stream-place.ts'
import { PlanBody } from './plan-body.ts'
import { parsePlanLine, readPlanRequest } from './plan-request.ts'

/** What a request asks for, beside its plan. */
interface Asked {
  readonly request: Request
  readonly accepted: 'stream' | 'result' | 'async'
  readonly claimant: Claimant
  readonly line: number | undefined
  readonly lastEventId: string | null
}

/** Starts and continues plans that are still being written, and answers while they arrive. */
export class PlanStarts {
  readonly #host: ExecutionHost
  readonly #responses: ExecutionResponses
  readonly #access: ExecutionAccess
  readonly #options: ResolvedHandlerOptions
  readonly #bounds: ServerBounds

  constructor(
    host: ExecutionHost,
    responses: ExecutionResponses,
    access: ExecutionAccess,
    options: ResolvedHandlerOptions,
  ) {
    this.#host = host
    this.#responses = responses
    this.#access = access
    this.#options = options
    this.#bounds = { ...options.execution, graceMs: options.graceMs }
  }

  /**
   * Starts a plan, continues one under its key, or attaches to one that is complete. The answer begins once the first line has
   * been read.
   * @throws HttpProblem, AnsweredByAuthorize, `PLAN_CLOSED`, `PLAN_BUSY`, `PLAN_LINE_MISMATCH`, `PLAN_ELSEWHERE`, `COORDINATOR_UNAVAILABLE`; the errors of
   * `ExecutionHost.start`
   */
  async answer(request: Request): Promise<Response> {
    const access = await this.#access.ask(request, { action: 'create' })
    const claimant = { ...access, ...(await parsePlanClaim(request)) }
    const asked = { request, claimant, accepted: readAccepted(request), ...parsePlace(request, claimant) }
    refuseEncoding(request)
    if (typeof chooseFormat(request) === 'object')
      throw badRequest('Expected `format` of a plan to be default or job', 'INVALID_OPTION')
    const { lastEventId } = asked
    if (lastEventId !== null && claimant.idempotencyKey === undefined) {
      // As with any other body: a reconnecting client runs nothing again.
      const { executionId } = parseEventId(lastEventId) ?? refuseCursor(lastEventId)
      return this.#show(asked, await this.#access.open(request, 'subscribe', executionId))
    }
    // Refuse a reader above the limit before anything starts.
    const release = asked.accepted === 'stream' ? this.#host.subscribers.admit() : undefined
    try {
      const hosted = await this.#write(asked)
      if (asked.accepted === 'async') await this.#host.plans.get(hosted.executionId)?.read
      return this.#show(asked, hosted, release)
    } catch (error) {
      release?.()
      const hasLeft = error instanceof DagstreamError && error.code === 'CANCELLED' && request.signal.aborted
      throw hasLeft ? badRequest('The client disconnected before its execution started') : error
    }
  }

  /** @returns the execution, which the body is being added to, or which is complete */
  async #write(asked: Asked): Promise<HostedExecution> {
    const { request, claimant, line = 0, lastEventId } = asked
    const known = await this.#host.findStarted(claimant, () => request.signal)
    if (known === undefined && lastEventId !== null) throw notFound('There is no such execution', 'EXECUTION_NOT_FOUND')
    if (known === undefined && line > 0) throw planLineMismatch(0, line)
    if (known !== undefined && isRepeat(asked, known, this.#host)) return known
    if (this.#host.isClosing) throw shuttingDown()
    const { clock } = this.#options.execution
    const body = new PlanBody(request, { clock, silenceMs: this.#options.planSilenceMs })
    try {
      if (known !== undefined) return await this.#continue(known, body, asked)
      return await this.#start(body, asked)
    } catch (error) {
      body.release()
      throw error
    }
  }

  async #start(body: PlanBody, asked: Asked): Promise<HostedExecution> {
    const { request, accepted, claimant } = asked
    const parsed = await readPlanRequest(body, this.#bounds)
    const unfollowed = accepted === 'async' && parsed.graceMs === undefined ? { graceMs: Number.POSITIVE_INFINITY } : {}
    const all = { ...parsed, ...unfollowed, ...readTrace(request) }
    const hosted = await this.#host.start(all, claimant, () => request.signal)
    // Another request under the same key was first.
    if (!this.#host.plans.hasBegun(body))
      return isRepeat(asked, hosted, this.#host) ? hosted : this.#continue(hosted, body, asked)
    this.#responses.encodeAhead(hosted)
    return hosted
  }

  async #continue(hosted: HostedExecution, body: PlanBody, { line }: Asked): Promise<HostedExecution> {
    const { plans } = this.#host
    const plan = plans.find(hosted)
    if (plan === undefined) {
      if (!plans.mayGrow(hosted)) throw planClosed(hosted.log.state.planLine ?? 0)
      // The request that begins it waits for the store.
      throw hosted.isRunning ? planBusy() : interrupted()
    }
    try {
      await plan.resume(body, line)
    } catch (error) {
      // A repetition: its plan was complete, although its log did not say so here.
      if (line !== undefined || !isClosed(error)) throw error
      body.release()
    }
    return hosted
  }

  #show({ request, accepted, lastEventId }: Asked, hosted: HostedExecution, release?: () => void): Response {
    if (accepted === 'stream') return streamAfter(this.#responses, request, hosted, lastEventId, release)
    if (accepted === 'async') return accept(hosted)
    return this.#responses.awaitResult(hosted, identify(hosted))
  }
}

/** Whether a request repeats one whose plan is complete: nothing of its body is needed. */
function isRepeat({ line }: Asked, hosted: HostedExecution, { plans }: ExecutionHost): boolean {
  return line === undefined && (!plans.mayGrow(hosted) || plans.get(hosted.executionId)?.isComplete === true)
}

function isClosed(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'PLAN_CLOSED'
}

function readAccepted(request: Request): Asked['accepted'] {
  if (prefersAsync(request)) return 'async'
  const accepted = negotiate(request.headers.get('accept'))
  if (accepted === undefined) throw notAcceptable('`text/event-stream` or `application/json`')
  return accepted === 'json' ? 'result' : accepted
}

/** @throws HttpProblem 400 */
function parsePlace(request: Request, { idempotencyKey }: Claimant): Pick<Asked, 'line' | 'lastEventId'> {
  const line = parsePlanLine(request)
  if (line !== undefined && idempotencyKey === undefined)
    throw badRequest('Expected an `Idempotency-Key` beside `Plan-Line`: it identifies the plan')
  return { line, lastEventId: request.headers.get('last-event-id') || null }
}
