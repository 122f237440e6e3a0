import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import { DagstreamError } from '../errors.ts'
import { AnsweredByAuthorize } from './security/authorize.ts'
import { ExecutionHost } from '../host/execution-host.ts'
import { findHostProblem } from './answers/host-problem.ts'
import { ExecutionAccess } from './routes/execution-access.ts'
import { ExecutionResponses } from './routes/execution-responses.ts'
import { createAgUiRoutes } from './routes/ag-ui-routes.ts'
import { createChatRoutes } from './routes/chat-routes.ts'
import { createDetailRoutes, createTokenRoutes } from './routes/detail-routes.ts'
import { createInputRoutes } from './routes/input-routes.ts'
import { createPatchRoutes } from './plans/patch-routes.ts'
import { createPlanRoutes } from './plans/plan-routes.ts'
import { createExecutionRoutes } from './routes/execution-routes.ts'
import { ExecutionStarts } from './routes/execution-starts.ts'
import { type HandlerOptions, type ResolvedHandlerOptions, resolveHandlerOptions } from './options/handler-options.ts'
import { refuseHost } from './security/host-guard.ts'
import { limitBody } from './body/limit-body.ts'
import { refuseToken } from './answers/unauthorized.ts'
import { ReadTokens } from './security/read-tokens.ts'
import { HttpProblem, invalidResponse, invalidWorkflow, problem, toolsUnavailable } from './answers/problem.ts'
import { createMcpRoutes, type McpRoutes } from './routes/mcp-routes.ts'
import { createServiceRoutes } from './routes/service-routes.ts'
import { createWorkflowRoutes } from './routes/workflow-routes.ts'
import { callStore } from '../store/call-store.ts'
import { readBeforeRefusal } from './body/unread-body.ts'

/** A server without sockets, for the server of any runtime to call. */
export interface Handler {
  /** Answers one request. Never rejects. Needs no `this`. */
  readonly fetch: (request: Request) => Promise<Response>
  /**
   * Drains: starts nothing more (503), lets executions run for `drainMs`, and waits, for a bounded time, until readers have
   * taken the end. Executions that still run are handed off to the next process where the store outlives this one, and
   * cancelled with `SHUTDOWN` where it does not, or where they have `onCrash: "fail"`: their `finally` tasks have another
   * `drainMs`. Idempotent.
   */
  readonly close: () => Promise<void>
  /**
   * On a shared store, settles once this process has joined it: rejects with `DISPATCHER_CONFLICT` while other processes use
   * another dispatcher, and with the errors of the store. Resolves at once for any other store.
   */
  readonly started: Promise<void>
}

/**
 * Makes the handler of all routes: executions as streams and as results, resumption, cancellation, listing, validation.
 *
 * It holds no socket and no timer while nothing runs.
 * @throws `INVALID_OPTION`, `INVALID_TOOL`, `INVALID_WORKFLOW` for a problem of `workflows`
 */
export function createHandler(options: HandlerOptions): Handler {
  const given = resolveHandlerOptions(options)
  const host = new ExecutionHost(given)
  // With those of the workers on a shared store.
  const resolved = { ...given, tools: host.tools }
  const responses = new ExecutionResponses(host, resolved)
  const answers = new Map<number, number>()
  const mcp = resolved.mcpServer ? createMcpRoutes(host, resolved) : undefined
  const app = createApp(host, responses, answers, resolved, mcp)
  const answer = async (request: Request): Promise<Response> => {
    try {
      return await app.fetch(request)
    } catch (error) {
      // A thrown value that is not an Error bypasses every error handler.
      return explain(error, responses)
    }
  }
  const started = host.join()
  // Those who do not await it see the failure in the log and in the answers.
  started.catch(() => {})
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await host.close()
    await mcp?.close()
  }
  return {
    started,
    async fetch(request) {
      const response = await answer(request)
      answers.set(response.status, (answers.get(response.status) ?? 0) + 1)
      return readBeforeRefusal(request, response)
    },
    close: () => (closed ??= close()),
  }
}

function createApp(
  host: ExecutionHost,
  responses: ExecutionResponses,
  answers: ReadonlyMap<number, number>,
  options: ResolvedHandlerOptions,
  mcp: McpRoutes | undefined,
): Hono {
  const { allowedHosts, allowedOrigins, tokens } = options
  const app = new Hono()
  app.onError(error => explain(error, responses))
  app.notFound(() => problem(404, { title: 'Not found', detail: 'There is no such route', code: 'NOT_FOUND' }))
  app.use(secureHeaders(SECURE_HEADERS))
  if (allowedHosts) {
    app.use(async ({ req }, next) => refuseHost(req.raw, allowedHosts) ?? next())
  }
  if (allowedOrigins.length > 0) {
    // Before the token: a preflight carries none.
    const exposeHeaders = ['Execution-Id', 'Location', 'Plan-Line', 'Retry-After', 'Trace-Id', 'Mcp-Session-Id']
    app.use(cors({ origin: [...allowedOrigins], allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'], exposeHeaders }))
  }
  const readTokens = new ReadTokens(tokens, () => options.execution.clock.wallTime())
  const bearer = tokens.length > 0 ? bearerAuth({ token: [...tokens] }) : undefined
  app.use(async (context, next) => {
    const admitted = await readTokens.admit(context.req.raw, id => callStore(() => host.findRecord(id)))
    if (admitted === 'refused') return refuseToken()
    return admitted === 'granted' || bearer === undefined ? next() : bearer(context, next)
  })
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (_, methods) => {
        const allowed = methods.join(', ')
        return problem(405, { title: 'Method not allowed', detail: `Use ${allowed}` }, { Allow: allowed })
      },
    }),
  )
  // Only the body of a `POST` is read, and accessing `body` is slow.
  app.use(async (context, next) => {
    if (context.req.method === 'POST') context.req.raw = await limitBody(context.req.raw)
    return next()
  })
  app.use(async (_, next) => {
    try {
      await next()
    } catch (error) {
      // Errors are answered here. A thrown value that is not an Error would bypass the middleware that adds headers.
      throw new Error('A value that is not an Error was thrown', { cause: error })
    }
  })
  const access = new ExecutionAccess(host, options.authorize, readTokens)
  const starts = new ExecutionStarts(host, responses, access, options)
  app.route('/', createInputRoutes(host, access, options))
  app.route('/', createDetailRoutes(access, options))
  app.route('/', createTokenRoutes(access, readTokens, options.execution.clock))
  // Before the route of documents, which has the same path.
  app.route('/executions', createPlanRoutes(host, responses, access, options))
  app.route('/executions', createPatchRoutes(host, access))
  app.route('/executions', createExecutionRoutes(host, responses, access, starts, options))
  app.route('/workflows', createWorkflowRoutes(starts, options))
  app.route('/workflows', createChatRoutes(host, responses, access, starts, options))
  app.route('/workflows', createAgUiRoutes(host, responses, access, starts, options))
  app.route('/', createServiceRoutes(host, answers, options))
  if (mcp !== undefined) app.route('/', mcp.app)
  return app
}

/** Headers that concern HTML pages are omitted: no answer is a page. A proxy in front is responsible for encryption. */
const SECURE_HEADERS = {
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}

/** The answer to a request that failed. The text of an unknown error never leaves the process. */
function explain(error: unknown, responses: ExecutionResponses): Response {
  if (error instanceof HttpProblem) return error.toResponse()
  if (error instanceof AnsweredByAuthorize) return error.response
  if (error instanceof HTTPException) return explainAuthentication(error)
  if (error instanceof DagstreamError) {
    const { code } = error
    const known = findHostProblem(error)
    if (known !== undefined) return known.toResponse()
    if (code === 'INVALID_WORKFLOW') return invalidWorkflow(error)
    if (code === 'INVALID_RESPONSE') return invalidResponse(error)
    if (STORE_CODES.has(code)) {
      const reference = responses.report('The store failed', error)
      const details = { title: 'Service unavailable', detail: 'The store failed', code, reference }
      return problem(503, details, { 'Retry-After': '1' })
    }
    if (code === 'TOOLS_UNAVAILABLE') {
      const reference = responses.report('Tools are not available', error)
      return toolsUnavailable(error, reference)
    }
  }
  const reference = responses.report('A request failed', error)
  const detail = 'The server failed; its log has the cause under this reference'
  return problem(500, { title: 'Internal error', detail, code: 'INTERNAL_ERROR', reference })
}

const STORE_CODES: ReadonlySet<string> = new Set(['STORE_FAILED', 'FENCED', 'SEQ_CONFLICT'])

/** A malformed token is answered like a wrong one. */
function explainAuthentication(error: HTTPException): Response {
  const challenge = error.getResponse().headers.get('www-authenticate') ?? 'Bearer'
  const detail = 'Send `Authorization: Bearer <token>` with the token of this server'
  return problem(401, { title: 'Unauthorized', detail, code: 'UNAUTHORIZED' }, { 'WWW-Authenticate': challenge })
}
