import { Hono } from 'hono'
import type { Clock } from '../../clock.ts'
import { describeValue } from '../../errors.ts'
import { ExecutionDetails } from '../../host/details/execution-details.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { badRequest, notFound } from '../answers/problem.ts'
import { readJson } from '../body/execution-request.ts'
import { readSegment } from '../body/read-segment.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ReadTokens } from '../security/read-tokens.ts'
import type { ExecutionAccess } from './execution-access.ts'

const DEFAULT_EXPIRY_MS = 60 * 60 * 1000
const MAX_EXPIRY_MS = 30 * 24 * 60 * 60 * 1000

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

/** The route that makes tokens for reading one execution. */
export function createTokenRoutes(access: ExecutionAccess, tokens: ReadTokens, clock: Clock): Hono {
  return new Hono().post('/executions/:id/token', async ({ req }) => {
    const { executionId, owner } = await access.find(req.raw, 'token', req.param('id'))
    const expiresAt = clock.wallTime() + (await parseExpiry(req.raw))
    const token = await tokens.issue(executionId, owner, expiresAt)
    const body = { token, expiresAt: new Date(expiresAt).toISOString() }
    return Response.json(body, { status: 201, headers: JSON_HEADERS })
  })
}

/** The body is optional. @throws HttpProblem 400 */
async function parseExpiry(request: Request): Promise<number> {
  if (request.body === null) return DEFAULT_EXPIRY_MS
  const { value, duplicateKeys } = await readJson(request)
  if (!isJsonObject(value)) throw badRequest(`Expected an object, got ${describeJson(value)}`)
  if (duplicateKeys.length > 0) throw badRequest('A key stands twice in one object of the body')
  const { expiresMs = DEFAULT_EXPIRY_MS, ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw badRequest(`Unknown field ${describeValue(unknown)}: expected expiresMs`)
  if (Number.isInteger(expiresMs) && Number(expiresMs) >= 1 && Number(expiresMs) <= MAX_EXPIRY_MS)
    return Number(expiresMs)
  throw badRequest(`Expected \`expiresMs\` to be an integer from 1 to ${MAX_EXPIRY_MS}, got ${describeJson(expiresMs)}`)
}
