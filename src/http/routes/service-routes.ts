import { Hono } from 'hono'
import { type Action, askAuthorize } from '../security/authorize.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { KnownMember } from '../../cluster/members.ts'
import { renderMetrics } from './metrics.ts'
import { renderClusterMetrics } from './cluster-metrics.ts'
import { openapiDocument } from '../openapi/openapi.ts'
import { JSON_HEADERS } from '../answers/headers.ts'

/** The routes beside `/executions` and `/workflows`. @param answers number of answers by HTTP status */
export function createServiceRoutes(
  host: ExecutionHost,
  answers: ReadonlyMap<number, number>,
  { authorize, tools }: ResolvedHandlerOptions,
): Hono {
  const ask = (request: Request, action: Action): Promise<unknown> => askAuthorize(authorize, request, { action })

  return new Hono()
    .get('/tools', async ({ req }) => {
      await ask(req.raw, 'tools')
      const shown = Array.from(await tools.tools(), ({ name, tool }) => {
        const { description, inputSchema } = tool
        // A Standard Schema is code and has no JSON form.
        const isShown = inputSchema !== undefined && !('~standard' in inputSchema)
        return { name, ...(description !== undefined && { description }), ...(isShown && { inputSchema }) }
      })
      return Response.json({ tools: shown }, { headers: JSON_HEADERS })
    })
    .get('/healthz', async ({ req }) => {
      await ask(req.raw, 'health')
      // Makes load balancers stop sending requests here.
      const headers = { ...JSON_HEADERS, 'Retry-After': '1' }
      if (host.isClosing) return Response.json({ status: 'draining' }, { status: 503, headers })
      if (host.cluster?.watch.isAway) return Response.json({ status: 'store_unavailable' }, { status: 503, headers })
      return Response.json({ status: 'ok' }, { headers: JSON_HEADERS })
    })
    .get('/workers', async ({ req }) => {
      await ask(req.raw, 'workers')
      const members = (await host.cluster?.listMembers()) ?? []
      const workers = members.filter(({ role }) => role === 'worker').map(showWorker)
      return Response.json({ workers }, { headers: JSON_HEADERS })
    })
    .get('/metrics', async ({ req }) => {
      await ask(req.raw, 'metrics')
      const headers = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' }
      return new Response(renderMetrics(host, answers) + (await renderClusterMetrics(host)), { headers })
    })
    .get('/openapi.json', async ({ req }) => {
      await ask(req.raw, 'openapi')
      return Response.json(openapiDocument, { headers: JSON_HEADERS })
    })
}

function showWorker({ memberId, startedAt, seenAt, tools, running, capacity, version }: KnownMember): object {
  return { workerId: memberId, startedAt, seenAt, tools: tools.map(({ name }) => name), running, capacity, version }
}
