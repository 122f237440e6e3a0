import { Hono } from 'hono'
import { JsonValue } from '../../events/json-value.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { acceptsStream } from '../../sse/accept.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { ExecutionList } from '../../host/listing/execution-list.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ExecutionAccess } from './execution-access.ts'
import type { ExecutionResponses } from './execution-responses.ts'
import type { ExecutionStarts } from './execution-starts.ts'
import { findWorkflowText, parseExecutionRequest } from '../body/execution-request.ts'
import { parseRequestId } from '../body/repeat-claim.ts'
import { prepareForkRequest } from '../body/fork-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { CommandedExecution } from '../../host/execution/hosted-parts.ts'
import { decodeCursor, encodeCursor, parseListFilter, parsePageSize } from '../body/list-query.ts'
import { notFound } from '../answers/problem.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { readSegment } from '../body/read-segment.ts'
import { notAcceptable, streamAfter } from './stream-place.ts'

/** The routes under `/executions`. */
export function createExecutionRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  access: ExecutionAccess,
  starts: ExecutionStarts,
  { execution: { store } }: ResolvedHandlerOptions,
): Hono {
  const list = new ExecutionList(store, executionId => host.running.get(executionId))

  return new Hono()
    .post('/', ({ req }) => starts.answer(req.raw, { parse: parseExecutionRequest, locate: findWorkflowText }))
    .post('/:id/fork', async ({ req }) => {
      const record = await access.find(req.raw, 'fork', req.param('id'))
      const { executionId, owner } = record
      return starts.answer(req.raw, {
        access: owner === undefined ? {} : { owner },
        scope: `fork ${executionId}`,
        parse: (body, bounds) => prepareForkRequest(body, bounds, record, store),
        locate: findWorkflowText,
      })
    })
    .get('/', async ({ req: { raw: request } }) => {
      const { owner } = await access.ask(request, { action: 'list' })
      const query = new URL(request.url).searchParams
      const limit = parsePageSize(query.get('limit'))
      const after = decodeCursor(query.get('after'))
      const page = await list.list({ owner, filter: parseListFilter(query), after, limit: limit + 1 })
      const executions = page.slice(0, limit)
      const last = page.length > limit ? executions.at(-1) : undefined
      return Response.json({ executions, ...(last && { next: encodeCursor(last) }) }, { headers: JSON_HEADERS })
    })
    .get('/:id', async ({ req }) =>
      responses.showExecution(req.raw, await access.open(req.raw, 'read', req.param('id'))),
    )
    .delete('/:id', async ({ req }) => {
      const { executionId } = await access.find(req.raw, 'delete', req.param('id'))
      await host.commands.delete(executionId)
      responses.forget(executionId)
      return new Response(null, { status: 204 })
    })
    .get('/:id/request', async ({ req }) => {
      // Who may fork an execution can use its document and its input anyway.
      const hosted = await access.open(req.raw, 'fork', req.param('id'))
      return responses.showOutput(req.raw, hosted, writeRequest(hosted.wholeRecord))
    })
    .get('/:id/events', async ({ req }) => {
      const request = req.raw
      const hosted = await access.open(request, 'subscribe', req.param('id'))
      if (!acceptsStream(request.headers.get('accept'))) throw notAcceptable('`text/event-stream`')
      // The header wins: an `EventSource` reconnects to its first URL, and its current position is in the header.
      const after = request.headers.get('last-event-id') || new URL(request.url).searchParams.get('after')
      return streamAfter(responses, request, hosted, after)
    })
    .post('/:id/cancel', async ({ req }) => {
      const { executionId } = await access.find(req.raw, 'cancel', req.param('id'))
      const reason = { code: 'CANCELLED', message: 'Cancelled by request' } as const
      return showAccepted(await host.commands.cancel(executionId, reason, await parseRequestId(req.raw)))
    })
    .post('/:id/resume', async ({ req }) => {
      const { executionId } = await access.find(req.raw, 'resume', req.param('id'))
      return showAccepted(await host.commands.resume(executionId))
    })
    .get('/:id/output', async ({ req }) => {
      const hosted = await access.open(req.raw, 'output', req.param('id'))
      const { output, outputReference } = hosted.log.state
      const json = await readOutput(hosted, WHOLE_EXECUTION, output, outputReference !== undefined)
      if (json === undefined) throw notFound('The execution has no output (yet)', 'OUTPUT_NOT_FOUND')
      return responses.showOutput(req.raw, hosted, json)
    })
    .get('/:id/tasks/:taskId/output', async ({ req }) => {
      const hosted = await access.open(req.raw, 'output', req.param('id'))
      const taskId = readSegment(req.raw, -2, 'task id')
      const result = hosted.log.state.tasks.get(taskId)?.result
      const json = await readOutput(hosted, taskId, result?.output, result?.status === 'success')
      if (json === undefined) throw notFound('The task does not exist or has no output yet', 'OUTPUT_NOT_FOUND')
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

/** Document and input, which are stored as JSON. */
function writeRequest({ executionId, workflow, input }: ExecutionRecord): string {
  const fields = [`"executionId":${JSON.stringify(executionId)}`]
  if (workflow !== undefined) fields.push(`"workflow":${workflow}`)
  if (input !== undefined) fields.push(`"input":${input}`)
  return `{${fields.join(',')}}`
}
