import { Hono } from 'hono'
import type { ExecutionHost } from '../../host/execution-host.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { readJson } from '../body/execution-request.ts'
import type { ExecutionAccess } from '../routes/execution-access.ts'
import { parsePatchRequest } from './patch-request.ts'

/** The route that changes the document of an execution while it runs. */
export function createPatchRoutes(host: ExecutionHost, access: ExecutionAccess): Hono {
  return new Hono().post('/:id/plan', async ({ req }) => {
    const { executionId } = await access.find(req.raw, 'plan', req.param('id'))
    const body = await readJson(req.raw)
    try {
      const patched = await host.commands.patch(executionId, parsePatchRequest(body))
      return Response.json(patched, { headers: JSON_HEADERS })
    } catch (error) {
      throw locateErrorIssues(error, { text: body.text })
    }
  })
}
