import { Hono } from 'hono'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from '../routes/execution-access.ts'
import type { ExecutionResponses } from '../routes/execution-responses.ts'
import { isPlanRequest } from '../body/plan-type.ts'
import { PlanStarts } from './plan-starts.ts'

/** The route of plans that are still being written: that of executions, with another type of body. */
export function createPlanRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  access: ExecutionAccess,
  options: ResolvedHandlerOptions,
): Hono {
  const starts = new PlanStarts(host, responses, access, options)
  return new Hono().post('/', async ({ req: { raw: request } }, next) =>
    isPlanRequest(request) ? starts.answer(request) : next(),
  )
}
