import { Hono } from 'hono'
import { parseEventId } from '../events/events.ts'
import type { TaskState } from '../events/state.ts'
import { JsonValue } from '../events/json-value.ts'
import { acceptsStream, negotiate } from '../sse/accept.ts'
import { askStore } from './ask-store.ts'
import { type Access, type AccessContext, type Action, askAuthorize } from './authorize.ts'
import { ExecutionList } from './execution-list.ts'
import type { ExecutionHost } from './execution-host.ts'
import { deleteExecution } from './delete-execution.ts'
import { chooseFormat, type ExecutionResponses } from './execution-responses.ts'
import { parseExecutionRequest, parseRepeatClaim, readJson } from './execution-request.ts'
import type { ResolvedHandlerOptions } from './handler-options.ts'
import type { HostedExecution } from './hosted-execution.ts'
import { parseListFilter } from './list-filter.ts'
import { decodeCursor, encodeCursor, parsePageSize } from './paging.ts'
import { badRequest, HttpProblem, notFound } from './problem.ts'
import { JSON_HEADERS } from './responses.ts'

/** The routes under `/executions`. */
export function createExecutionRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  options: ResolvedHandlerOptions,
): Hono {
  const { authorize, execution, graceMs } = options
  const { store } = execution
  const list = new ExecutionList(store, executionId => host.running.get(executionId))

  const ask = (request: Request, context: AccessContext): Promise<Access> => askAuthorize(authorize, request, context)

  /** An execution of whoever asks. Somebody else's is as good as none. */
  const open = async (request: Request, action: Action, executionId: string): Promise<HostedExecution> => {
    const record = ID.test(executionId) ? await host.findRecord(executionId) : undefined
    const owner = record?.owner
    const access = await ask(request, { action, executionId, ...(owner !== undefined && { owner }) })
    // Its log is looked at only for those who may see it.
    const hosted = record !== undefined && owner === access.owner ? await host.find(executionId) : undefined
    return hosted ?? refuseUnknown()
  }

  const stream = (request: Request, hosted: HostedExecution, after?: string | null, dismiss?: () => void): Response => {
    const seq = after === undefined || after === null ? 0 : parseCursor(after, hosted.executionId)
    if (!hosted.hasEnded || seq !== hosted.log.head) {
      return responses.streamEvents(request, hosted, { afterSeq: seq, headers: identify(hosted), dismiss })
    }
    // Said once more, an `EventSource` would come back for ever.
    return new Response(null, { status: 204, headers: identify(hosted) })
  }

  const accept = (hosted: HostedExecution): Response => {
    hosted.audience.watch()
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
      const answer = (hosted: HostedExecution, after?: string, dismiss?: () => void): Response => {
        if (accepted === 'stream') return stream(request, hosted, after, dismiss)
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
      const dismiss = accepted === 'stream' ? host.attendance.admit() : undefined
      try {
        const started = await host.start({ ...asked, ...unfollowed }, claimant, () => request.signal)
        return answer(started, undefined, dismiss)
      } catch (error) {
        dismiss?.()
        throw error
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
      const { executionId } = await open(req.raw, 'delete', req.param('id'))
      await deleteExecution(host, executionId)
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
      const hosted = await open(req.raw, 'cancel', req.param('id'))
      const reason = { code: 'CANCELLED', message: 'Cancelled by request' } as const
      if (hosted.isRunning || hosted.hasEnded) {
        await hosted.cancel(reason)
        return showAccepted(hosted)
      }
      return showAccepted(await host.resume(hosted.executionId, { reason, message: reason.message }))
    })
    .post('/:id/resume', async ({ req }) => {
      const { executionId } = await open(req.raw, 'resume', req.param('id'))
      return showAccepted(await host.resume(executionId))
    })
    .get('/:id/tasks/:taskId/output', async ({ req }) => {
      const hosted = await open(req.raw, 'output', req.param('id'))
      const taskId = readTaskId(req.raw)
      const json = await findOutput(hosted, taskId)
      if (json === undefined) throw notFound('There is no output of such a task (yet)', 'OUTPUT_NOT_FOUND')
      return responses.showOutput(req.raw, hosted, json)
    })

  async function findOutput({ executionId, log }: HostedExecution, taskId: string): Promise<string | undefined> {
    const task: TaskState | undefined = log.state.tasks.get(taskId)
    if (task?.result?.status !== 'success') return undefined
    const { output } = task.result
    return output instanceof JsonValue ? output.text : askStore(() => store.getOutput(executionId, taskId))
  }
}

/** What was asked for is on its way. */
function showAccepted({ executionId, status }: HostedExecution): Response {
  return Response.json({ executionId, status }, { status: 202, headers: JSON_HEADERS })
}

const ID = /^[A-Za-z0-9_-]{1,128}$/

function refuseUnknown(): never {
  throw notFound('There is no such execution', 'EXECUTION_NOT_FOUND')
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
