import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'

/** Listens on loopback until the test is over. */
export async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; readonly openCount: number; close: () => Promise<void> }> {
  const server = createHttpServer(handle)
  let openCount = 0
  server.on('connection', socket => {
    openCount += 1
    socket.on('close', () => (openCount -= 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  onTestFinished(close)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    get openCount() {
      return openCount
    },
    close,
  }
}

export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

/** A server of the SDK with the tools `echo`, `hang`, `progress` and `log`. It refuses the text `refuse`. */
export function createSdkServer(): Server {
  const server = new Server({ name: 'sdk', version: '1' }, { capabilities: { tools: {}, logging: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: ['echo', 'hang', 'progress', 'log'].map(name => ({ name, inputSchema: { type: 'object' as const } })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendNotification, _meta }) => {
    const { name, arguments: args } = params
    if (name === 'hang') await new Promise(() => {})
    if (args?.['text'] === 'refuse') throw Object.assign(new Error('Not like this'), { code: -32_602 })
    if (name === 'progress') {
      for (const progress of [1, 2]) {
        const progressToken = _meta?.progressToken ?? 0
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress } })
      }
    }
    if (name === 'log') {
      await sendNotification({ method: 'notifications/message', params: { level: 'warning', data: 'careful' } })
    }
    return { content: [{ type: 'text', text: typeof args?.['text'] === 'string' ? args['text'] : name }] }
  })
  return server
}

/** Sessions of the SDK's server over Streamable HTTP. */
export function createSessions(
  options: { readonly enableJsonResponse?: boolean } = {},
  createServer: () => Server = createSdkServer,
): {
  handle: (request: IncomingMessage, response: ServerResponse) => void
  /** Headers of all requests. */
  readonly headers: IncomingMessage['headers'][]
  /** Methods of HTTP of all requests. */
  readonly methods: string[]
  /** Forgets all sessions, as a server that was restarted does. */
  forget: () => void
} {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const headers: IncomingMessage['headers'][] = []
  const methods: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    headers.push(request.headers)
    methods.push(request.method ?? '')
    const id = request.headers['mcp-session-id']
    let transport = typeof id === 'string' ? sessions.get(id) : undefined
    if (id !== undefined && transport === undefined) {
      response.writeHead(404).end('no such session')
      return
    }
    if (transport === undefined) {
      const made = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: session => void sessions.set(session, made),
        ...options,
      })
      transport = made
      await createServer().connect(made)
    }
    await transport.handleRequest(request, response)
  }
  return {
    handle: (request, response) => void answer(request, response),
    headers,
    methods,
    forget: () => sessions.clear(),
  }
}

/** Headers of a stream of events. */
export const STREAM = { 'content-type': 'text/event-stream' }

/** A server by hand: it shakes hands, lists the tool `odd`, and answers its calls as the test says. */
export async function listenByHand(
  answer: (id: unknown, response: ServerResponse, request: IncomingMessage) => void,
  listening: (response: ServerResponse, request: IncomingMessage) => void = response =>
    void response.writeHead(405).end(),
): ReturnType<typeof listen> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return listening(response, request)
    const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: object }
    if (id === undefined) return void response.writeHead(202).end()
    const result =
      method === 'initialize'
        ? { ...params, capabilities: { tools: {} }, serverInfo: { name: 'hand', version: '1' } }
        : { tools: [{ name: 'odd', inputSchema: { type: 'object' } }] }
    if (method === 'tools/call') return answer(id, response, request)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  return listen((request, response) => void handle(request, response))
}

/** A server by hand that lists its tools as the test says; `undefined` refuses a cursor. */
export function listenByPages(answer: (cursor: string | undefined) => object | undefined): ReturnType<typeof listen> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: Params }
    if (id === undefined) return void response.writeHead(202).end()
    const result =
      method === 'initialize'
        ? { ...params, capabilities: { tools: {} }, serverInfo: { name: 'hand', version: '1' } }
        : answer(params?.cursor)
    const error = { code: -32602, message: 'Invalid cursor' }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) }))
  }
  return listen((request, response) => void handle(request, response))
}

interface Params {
  readonly cursor?: string
}
