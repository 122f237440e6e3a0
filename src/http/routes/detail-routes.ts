import { Hono } from 'hono'
import { ExecutionDetails } from '../../host/details/execution-details.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { notFound } from '../answers/problem.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from './execution-access.ts'
import { readSegment } from './read-segment.ts'

/** The routes of what an execution was asked to do: its graph, and single tasks. */
export function createDetailRoutes(
  access: ExecutionAccess,
  { execution: { store }, tools }: ResolvedHandlerOptions,
): Hono {
  const details = new ExecutionDetails(store, tools)
  return new Hono()
    .get('/executions/:id/graph', async ({ req }) => {
      const hosted = await access.open(req.raw, 'read', req.param('id'))
      return Response.json({ tasks: await details.graph(hosted) }, { headers: JSON_HEADERS })
    })
    .get('/executions/:id/tasks/:taskId', async ({ req }) => {
      const hosted = await access.open(req.raw, 'output', req.param('id'))
      const task = await details.task(hosted, readSegment(req.raw, -1, 'task id'))
      if (task === undefined) throw notFound('The execution has no such task', 'TASK_NOT_FOUND')
      return new Response(stringifyJson(task), { headers: JSON_HEADERS })
    })
}
