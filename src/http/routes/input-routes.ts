import { Hono } from 'hono'
import { describeValue } from '../../errors.ts'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { PageEnd } from '../../host/listing/execution-list.ts'
import { type InputPage, listInputs, listInputsOf } from '../../host/listing/input-list.ts'
import { listSharedInputs } from '../../host/listing/shared-inputs.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { badRequest } from '../answers/problem.ts'
import { type JsonBody, readJson } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from './execution-access.ts'
import { decodeCursor, encodeCursor, parsePageSize } from '../body/list-query.ts'
import { readSegment } from '../body/read-segment.ts'

/** The routes of questions to people. */
export function createInputRoutes(
  host: ExecutionHost,
  access: ExecutionAccess,
  { execution: { store } }: ResolvedHandlerOptions,
): Hono {
  const list = (
    owner: string | undefined,
    after: PageEnd | undefined,
    limit: number,
  ): InputPage | Promise<InputPage> =>
    host.cluster === undefined
      ? listInputs(host.running.all(), owner, after, limit)
      : listSharedInputs(store, executionId => host.find(executionId), owner, after, limit)

  return new Hono()
    .get('/inputs', async ({ req: { raw: request } }) => {
      const { owner } = await access.ask(request, { action: 'list' })
      const query = new URL(request.url).searchParams
      const after = decodeCursor(query.get('after'))
      const { inputs, next } = await list(owner, after, parsePageSize(query.get('limit')))
      return Response.json({ inputs, ...(next && { next: encodeCursor(next) }) }, { headers: JSON_HEADERS })
    })
    .get('/executions/:id/inputs', async ({ req }) => {
      const hosted = await access.open(req.raw, 'read', req.param('id'))
      return Response.json({ inputs: listInputsOf(hosted) }, { headers: JSON_HEADERS })
    })
    .post('/executions/:id/inputs/:inputId', async ({ req }) => {
      const { executionId, owner } = await access.find(req.raw, 'answer', req.param('id'))
      const inputId = readSegment(req.raw, -1, 'id of the question')
      const answer = parseAnswer(await readJson(req.raw))
      await host.commands.answer(executionId, inputId, answer, owner)
      return new Response(null, { status: 204 })
    })
}

/** @throws HttpProblem 400 */
function parseAnswer({ value, duplicateKeys }: JsonBody): PersonAnswer {
  if (!isJsonObject(value)) throw badRequest(`Expected an object, got ${describeJson(value)}`)
  if (duplicateKeys.length > 0) throw badRequest('A key stands twice in one object of the body')
  const unknown = Object.keys(value).find(name => name !== 'response' && name !== 'decline')
  if (unknown !== undefined) throw badRequest(`Unknown field ${describeValue(unknown)}: expected response or decline`)
  const { decline } = value
  if (decline !== undefined && decline !== true) throw badRequest('Expected `decline` to be true')
  const hasResponse = Object.hasOwn(value, 'response')
  if (hasResponse === (decline === true)) {
    throw badRequest(`Expected one of \`response\` and \`decline\`, got ${hasResponse ? 'both' : 'neither'}`)
  }
  return decline === true ? { decline } : { response: value['response'] }
}
