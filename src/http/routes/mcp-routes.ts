import { Hono } from 'hono'
import { DagstreamError } from '../../errors.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { McpSessions } from '../../mcp-server/http-sessions.ts'
import { AccessDenied, type McpAccess } from '../../mcp-server/mcp-context.ts'
import { HttpProblem } from '../answers/problem.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import { AnsweredByAuthorize, askAuthorize } from '../security/authorize.ts'
import { refuseOrigin } from '../security/origin-guard.ts'

const MAX_SESSIONS = 1000
const MAX_IDLE_MS = 3_600_000

/** The MCP server of a handler. */
export interface McpRoutes {
  readonly app: Hono
  /** Ends its sessions. */
  readonly close: () => Promise<void>
}

/** The route `/mcp`: MCP over Streamable HTTP. The SDK is loaded by the first request. */
export function createMcpRoutes(host: ExecutionHost, options: ResolvedHandlerOptions): McpRoutes {
  const { authorize, allowedOrigins, heartbeatMs, workflows, execution } = options
  let opening: Promise<McpSessions> | undefined

  const open = async (): Promise<McpSessions> => {
    const { McpSessions } = await import('../../mcp-server/http-sessions.ts')
    const { store, logger, clock } = execution
    const bounds = { maxSessions: MAX_SESSIONS, maxIdleMs: MAX_IDLE_MS, heartbeatMs }
    return McpSessions.open({ host, tools: host.tools, workflows, store, logger, clock }, bounds)
  }

  /** @throws HttpProblem 501 without the SDK */
  const find = async (): Promise<McpSessions> => {
    opening ??= open()
    try {
      return await opening
    } catch (error) {
      // Once it is installed, the next request finds it.
      opening = undefined
      if (!(error instanceof DagstreamError) || error.code !== 'MISSING_PACKAGE') throw error
      const { code, message: detail } = error
      throw new HttpProblem(501, { title: 'Not implemented', detail, code })
    }
  }

  const answer = async (request: Request): Promise<Response> => {
    const refused = refuseOrigin(request, allowedOrigins)
    if (refused !== undefined) return refused
    const { owner } = await askAuthorize(authorize, request, { action: 'mcp' })
    const access: McpAccess = {
      async ask(question) {
        try {
          return await askAuthorize(authorize, request, question)
        } catch (error) {
          if (!(error instanceof AnsweredByAuthorize)) throw error
          throw new AccessDenied(`The server answered with ${error.response.status}`, { cause: error })
        }
      },
    }
    return (await find()).answer(request, owner, access)
  }

  return {
    app: new Hono().post('/mcp', ({ req }) => answer(req.raw)).delete('/mcp', ({ req }) => answer(req.raw)),
    async close() {
      const sessions = await opening?.catch(() => undefined)
      await sessions?.close()
    },
  }
}
