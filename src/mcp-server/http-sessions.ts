import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { afterTurn, type Clock } from '../clock.ts'
import { DrainWaiter } from '../host/drain-waiter.ts'
import { LIMITS } from '../workflow/document.ts'
import { McpTools } from './create-server.ts'
import { loadHttpTransport, loadMcpSdk } from './load-sdk.ts'
import type { McpAccess, McpContext } from './mcp-context.ts'

/** Time for calls to answer once all executions have ended, ms. */
const FLUSH_MS = 2000

/** Bounds of the sessions of one server. */
export interface SessionBounds {
  /** Maximum number of sessions; a new one evicts the one that was idle for the longest time. */
  readonly maxSessions: number
  /** Time without a request after which a session is evicted, ms. */
  readonly maxIdleMs: number
  /** Time without a message after which an open stream gets a comment, ms. */
  readonly heartbeatMs: number
}

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport
  readonly server: Server
  readonly owner: string | undefined
  callCount: number
  usedAt: number
}

type Transport = Awaited<ReturnType<typeof loadHttpTransport>>['WebStandardStreamableHTTPServerTransport']

/**
 * The sessions of Streamable HTTP. A session belongs to the owner who opened it; for any other it does not exist.
 *
 * Sessions are evicted when another one is opened, so that nothing has a timer. One with a call in flight stays.
 */
export class McpSessions {
  readonly #tools: McpTools
  readonly #Transport: Transport
  readonly #clock: Clock
  readonly #bounds: SessionBounds
  /** By id, the least recently used first. */
  readonly #sessions = new Map<string, Session>()
  readonly #waiter: DrainWaiter
  #isClosed = false

  private constructor(tools: McpTools, Transport: Transport, clock: Clock, bounds: SessionBounds) {
    this.#tools = tools
    this.#Transport = Transport
    this.#clock = clock
    this.#bounds = bounds
    this.#waiter = new DrainWaiter(clock)
  }

  /** Loads the SDK. @throws `MISSING_PACKAGE` */
  static async open(context: McpContext, bounds: SessionBounds): Promise<McpSessions> {
    const [sdk, { WebStandardStreamableHTTPServerTransport }] = await Promise.all([loadMcpSdk(), loadHttpTransport()])
    return new McpSessions(new McpTools(sdk, context), WebStandardStreamableHTTPServerTransport, context.clock, bounds)
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Answers a `POST` or a `DELETE`. @param owner of the caller @param access asked for each call of a tool */
  async answer(request: Request, owner: string | undefined, access: McpAccess): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    if (id === null) return this.#open(request, owner, access)
    const session = this.#sessions.get(id)
    // The client opens a new session after this answer.
    if (session === undefined || session.owner !== owner) return refuse(404, -32_001, 'Session not found')
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    session.usedAt = this.#clock.now()
    return handle(session.transport, request, access)
  }

  /** Ends all sessions, once the calls in them have answered or after `FLUSH_MS`. Call it once all executions have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    const isIdle = (): boolean => Array.from(this.#sessions.values()).every(({ callCount }) => callCount === 0)
    await this.#waiter.waitUntil(isIdle, FLUSH_MS)
    // The SDK sends an answer in the turn after that of its call.
    await new Promise<void>(afterTurn)
    await Promise.all(Array.from(this.#sessions.values(), ({ server }) => server.close()))
  }

  async #open(request: Request, owner: string | undefined, access: McpAccess): Promise<Response> {
    if (this.#isClosed) return refuse(503, -32_000, 'The server is shutting down')
    this.#evictIdle()
    if (this.#sessions.size >= this.#bounds.maxSessions) return refuse(429, -32_000, 'Too many sessions')
    const transport = new this.#Transport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: id => void this.#sessions.set(id, session),
      keepAliveMs: this.#bounds.heartbeatMs,
      maxRequestBodySize: LIMITS.maxBodyBytes,
    })
    const server = this.#tools.createServer(() => {
      session.callCount += 1
      return () => {
        session.callCount -= 1
        session.usedAt = this.#clock.now()
        this.#waiter.notify()
      }
    })
    const session: Session = { transport, server, owner, callCount: 0, usedAt: this.#clock.now() }
    await server.connect(transport)
    const onclose = (): void => {
      if (transport.sessionId !== undefined) this.#sessions.delete(transport.sessionId)
    }
    Object.assign(server, { onclose })
    const response = await handle(transport, request, access)
    // A request that opens no session.
    if (transport.sessionId === undefined) await server.close()
    return response
  }

  #evictIdle(): void {
    const { maxSessions, maxIdleMs } = this.#bounds
    const now = this.#clock.now()
    for (const { callCount, usedAt, server } of this.#sessions.values()) {
      if (callCount > 0) continue
      if (this.#sessions.size < maxSessions && now - usedAt < maxIdleMs) continue
      // Its `onclose` removes it at once.
      void server.close().catch(() => {})
    }
  }
}

async function handle(
  transport: WebStandardStreamableHTTPServerTransport,
  request: Request,
  access: McpAccess,
): Promise<Response> {
  const authInfo = { token: '', clientId: '', scopes: [], extra: { access } }
  const { status, body, headers } = await transport.handleRequest(request, { authInfo })
  const own = new Headers(headers)
  // HTTP/2 forbids it.
  own.delete('connection')
  return new Response(body, { status, headers: own })
}

/** An error of the transport, which has no request. */
function refuse(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status })
}
