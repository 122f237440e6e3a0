import { Hono } from 'hono'
import { DagstreamError } from '../../errors.ts'
import { parseEventId } from '../../events/events.ts'
import { JsonValue } from '../../events/json-value.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { acceptsStream, negotiate } from '../../sse/accept.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { callStore } from '../../store/call-store.ts'
import { createAccessControl } from './access.ts'
import { ExecutionList } from '../../host/listing/execution-list.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import { chooseFormat, type ExecutionResponses } from './execution-responses.ts'
import { findWorkflowText, parseExecutionRequest, parseRepeatClaim, readJson } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { CommandedExecution, HostedExecution } from '../../host/execution/hosted-execution.ts'
import { decodeCursor, encodeCursor, parseListFilter, parsePageSize } from './list-query.ts'
import { badRequest, HttpProblem, notFound } from '../answers/problem.ts'
import { JSON_HEADERS } from '../answers/headers.ts'

/** The routes under `/executions`. */
export function createExecutionRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  options: ResolvedHandlerOptions,
): Hono {
  const { authorize, execution, graceMs } = options
  const { store } = execution
  const list = new ExecutionList(store, executionId => host.running.get(executionId))

  const { ask, findAllowed, open } = createAccessControl(host, authorize)

  const stream = (request: Request, hosted: HostedExecution, after?: string | null, release?: () => void): Response => {
    const seq = after === undefined || after === null ? 0 : parseCursor(after, hosted.executionId)
    if (!hosted.hasEnded || seq !== hosted.log.head) {
      return responses.streamEvents(request, hosted, { afterSeq: seq, headers: identify(hosted), release })
    }
    // Said once more, an `EventSource` would come back for ever.
    return new Response(null, { status: 204, headers: identify(hosted) })
  }

  const accept = (hosted: HostedExecution): Response => {
    hosted.disconnectPolicy.watch()
    const { executionId, status } = hosted
    const headers = { ...JSON_HEADERS, ...identify(hosted), 'Preference-Applied': 'respond-async' }
    return Response.json({ executionId, status }, { status: 202, headers })
  }

  return new Hono()
    .post('/', async ({ req: { raw: request } }) => {
      const access = await ask(request, { action: 'create' })
      const isAsync = prefersAsync(request)
      const accepted = isAsync ? 'json' : negotiate(request.headers.get('accept'))
      if (accepted === undefined) throw notAcceptable('`text/event-stream` or `application/json`')
      const answer = (hosted: HostedExecution, after?: string, release?: () => void): Response => {
        if (accepted === 'stream') return stream(request, hosted, after, release)
        return isAsync ? accept(hosted) : responses.awaitResult(hosted, identify(hosted))
      }
      // A client that comes back asks for what it has begun: nothing is ever executed again for it.
      const lastEventId = request.headers.get('last-event-id')
      if (lastEventId) {
        const { executionId } = parseEventId(lastEventId) ?? refuseCursor(lastEventId)
        return answer(await open(request, 'subscribe', executionId), lastEventId)
      }
      // Before anything is begun for it.
      chooseFormat(request)
      const body = await readJson(request)
      const asked = parseExecutionRequest(body, { ...execution, graceMs })
      const unfollowed = isAsync && asked.graceMs === undefined ? { graceMs: Number.POSITIVE_INFINITY } : {}
      const claimant = { ...access, ...(await parseRepeatClaim(request, body)) }
      // Nothing is begun for a reader who could not follow it.
      const release = accepted === 'stream' ? host.subscribers.admit() : undefined
      try {
        const started = await host.start({ ...asked, ...unfollowed }, claimant, () => request.signal)
        responses.encodeAhead(started)
        return answer(started, undefined, release)
      } catch (error) {
        release?.()
        const hasLeft = error instanceof DagstreamError && error.code === 'CANCELLED' && request.signal.aborted
        if (hasLeft) throw badRequest('The client has left before its execution began')
        throw locateErrorIssues(error, findWorkflowText(body))
      }
    })
    .get('/', async ({ req: { raw: request } }) => {
      const { owner } = await ask(request, { action: 'list' })
      const query = new URL(request.url).searchParams
      const limit = parsePageSize(query.get('limit'))
      const after = decodeCursor(query.get('after'))
      const page = await list.list({ owner, filter: parseListFilter(query), after, limit: limit + 1 })
      const executions = page.slice(0, limit)
      const last = page.length > limit ? executions.at(-1) : undefined
      return Response.json({ executions, ...(last && { next: encodeCursor(last) }) }, { headers: JSON_HEADERS })
    })
    .get('/:id', async ({ req }) => responses.showExecution(req.raw, await open(req.raw, 'read', req.param('id'))))
    .delete('/:id', async ({ req }) => {
      const { executionId } = await findAllowed(req.raw, 'delete', req.param('id'))
      await host.commands.delete(executionId)
      responses.forget(executionId)
      return new Response(null, { status: 204 })
    })
    .get('/:id/events', async ({ req }) => {
      const request = req.raw
      const hosted = await open(request, 'subscribe', req.param('id'))
      if (!acceptsStream(request.headers.get('accept'))) throw notAcceptable('`text/event-stream`')
      // An `EventSource` comes back to the URL it began with: what it says of where it is now is in the header.
      const after = request.headers.get('last-event-id') || new URL(request.url).searchParams.get('after')
      return stream(request, hosted, after)
    })
    .post('/:id/cancel', async ({ req }) => {
      const { executionId } = await findAllowed(req.raw, 'cancel', req.param('id'))
      const reason = { code: 'CANCELLED', message: 'Cancelled by request' } as const
      return showAccepted(await host.commands.cancel(executionId, reason))
    })
    .post('/:id/resume', async ({ req }) => {
      const { executionId } = await findAllowed(req.raw, 'resume', req.param('id'))
      return showAccepted(await host.commands.resume(executionId))
    })
    .get('/:id/output', async ({ req }) => {
      const hosted = await open(req.raw, 'output', req.param('id'))
      const { output, outputReference } = hosted.log.state
      const json = await readOutput(hosted, WHOLE_EXECUTION, output, outputReference !== undefined)
      if (json === undefined) throw notFound('There is no output of this execution (yet)', 'OUTPUT_NOT_FOUND')
      return responses.showOutput(req.raw, hosted, json)
    })
    .get('/:id/tasks/:taskId/output', async ({ req }) => {
      const hosted = await open(req.raw, 'output', req.param('id'))
      const taskId = readTaskId(req.raw)
      const result = hosted.log.state.tasks.get(taskId)?.result
      const json = await readOutput(hosted, taskId, result?.output, result?.status === 'success')
      if (json === undefined) throw notFound('There is no output of such a task (yet)', 'OUTPUT_NOT_FOUND')
      return responses.showOutput(req.raw, hosted, json)
    })

  async function readOutput(
    { executionId }: HostedExecution,
    taskId: string,
    output: unknown,
    isStored: boolean,
  ): Promise<string | undefined> {
    if (output instanceof JsonValue) return output.text
    return isStored ? callStore(() => store.getOutput(executionId, taskId)) : undefined
  }
}

/** The command was accepted. */
function showAccepted({ executionId, status }: CommandedExecution): Response {
  return Response.json({ executionId, status }, { status: 202, headers: JSON_HEADERS })
}

/** RFC 7240: a token among others, whatever its parameters. */
function prefersAsync(request: Request): boolean {
  return /(?:^|,)\s*respond-async\s*(?:[;,]|$)/i.test(request.headers.get('prefer') ?? '')
}

/** What tells a client, before any event, what to come back to. */
function identify({ executionId }: HostedExecution): Record<string, string> {
  return { Location: `/executions/${executionId}`, 'Execution-Id': executionId }
}

/** @throws HttpProblem 400 for what is malformed or of another execution */
function parseCursor(text: string, executionId: string): number {
  const place = parseEventId(text)
  return place?.executionId === executionId ? place.seq : refuseCursor(text)
}

function refuseCursor(text: string): never {
  const what = parseEventId(text) === undefined ? 'is not an event id' : 'belongs to another execution'
  throw badRequest(`What the stream is to go on from ${what}; expected <executionId>.<seq>`, 'INVALID_EVENT_ID')
}

function notAcceptable(what: string): HttpProblem {
  return new HttpProblem(406, { title: 'Not acceptable', detail: `Accept ${what}` }, { Vary: 'Accept' })
}

/** From the URL as it was sent: decoded once, whatever it holds. @throws HttpProblem 400 */
function readTaskId(request: Request): string {
  const segments = new URL(request.url).pathname.split('/')
  try {
    return decodeURIComponent(segments.at(-2) as string)
  } catch {
    throw badRequest('The task id in the path is not percent-encoded UTF-8')
  }
}
