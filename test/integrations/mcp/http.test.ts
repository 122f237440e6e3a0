import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Tool } from '../../../src/index.ts'
import { createMcpServers, type McpServers } from '../../../src/integrations/mcp/index.ts'
import { createSessions, listen, listenByHand, readBody, STREAM } from './http-rig.ts'
import { call, collectLines, run, serve } from './mcp-rig.ts'

const UNREACHABLE = 'http://127.0.0.1:1/mcp'

/** What a workflow that names the server gets. */
const open = (servers: McpServers): Promise<Tool[]> => servers.toolsFor({ tasks: [{ tool: 'h:echo' }] })

describe.each([
  ['a stream', {}],
  ['JSON', { enableJsonResponse: true }],
])('a server that answers with %s', (_, options) => {
  test('is called over one session, with the configured headers', async () => {
    const sessions = createSessions(options)
    const { url } = await listen(sessions.handle)
    const servers = serve({ h: { type: 'http', url, headers: { 'X-Key': 'abcdefgh' }, concurrency: 8 } })
    const tools = await servers.toolsFor({ tasks: [{ tool: 'h:echo' }] })
    const tasks = Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, tool: 'h:echo', arguments: { text: `${n}` } }))
    const { result } = await run(tools, tasks)
    expect(result.results.map(({ output }) => output)).toEqual(tasks.map(({ id }) => id))
    expect(new Set(sessions.headers.map(headers => headers['x-key']))).toEqual(new Set(['abcdefgh']))
    expect(new Set(sessions.headers.map(headers => headers['mcp-session-id'])).size).toBe(2)
  })

  test('that has forgotten the session gets another, and no call fails', async () => {
    const sessions = createSessions(options)
    const { url } = await listen(sessions.handle)
    const tools = await serve({ h: { url, concurrency: 20 } }).tools()
    sessions.forget()
    const ids = Array.from({ length: 20 }, (_, n) => `t${n}`)
    const tasks = ids.map(id => ({ id, tool: 'h:echo', arguments: { text: id } }))
    const { result } = await run(tools, tasks)
    expect(result.results.map(({ output }) => output)).toEqual(ids)
  })

  test('is notified of the end of the session, and no socket is left', async () => {
    const sessions = createSessions(options)
    const server = await listen(sessions.handle)
    const servers = createMcpServers({ mcpServers: { h: { url: server.url } } })
    await servers.tools()
    await servers.close()
    expect(sessions.methods.at(-1)).toBe('DELETE')
  })
})

test('the platform’s fetch, which ends an answer that is silent for 300 s, is not used', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new Error('the platform’s')))
  onTestFinished(() => void vi.unstubAllGlobals())
  const { url } = await listen(createSessions().handle)
  const tools = await open(serve({ h: { url, concurrency: 1 } }))
  expect((await call(tools, 'h:echo', { text: 'x' })).task.output).toBe('x')
})

test('progress and logs of a call are reported', async () => {
  const { url } = await listen(createSessions().handle)
  const tools = await serve({ h: { url, concurrency: 1 } }).tools()
  const { events } = await call(tools, 'h:progress')
  expect(events.filter(({ type }) => type === 'task_progress').map(({ data }) => data)).toMatchObject([
    { progress: 1 },
    { progress: 2 },
  ])
  const log = (await call(tools, 'h:log')).events.filter(({ type }) => type === 'info')
  expect(log.map(({ data }) => data)).toMatchObject([{ taskId: 'a', level: 'warning', message: 'careful' }])
})

describe('a server that does not start', () => {
  test('because nothing listens names the cause', async () => {
    await expect(open(serve({ h: { url: UNREACHABLE } }))).rejects.toMatchObject({
      code: 'TOOLS_UNAVAILABLE',
      message: expect.stringMatching(/^MCP server `h` does not start: fetch failed \(/),
    })
  })

  test('because of its credentials names the cause, without them', async () => {
    const { url } = await listen((request, response) => {
      response.writeHead(401).end(`bad credentials: ${request.headers.authorization}`)
    })
    const headers = { Authorization: 'Bearer sk-secret-1' }
    const logger = collectLines()
    const servers = serve({ h: { url: `${url}?key=query-secret`, headers } }, { logger })
    const failure = await open(servers).catch(error => error)
    expect(failure.message).toBe(
      'MCP server `h` does not start: it answered 401 (OAuth is not supported; put credentials into `headers`): Error POSTing to endpoint: bad credentials: [redacted]',
    )
    expect(JSON.stringify([failure.details, logger.lines])).not.toMatch(/sk-secret-1|query-secret/)
  })

  test('because it does not answer names the cause', async () => {
    const { url } = await listen(() => {})
    await expect(open(serve({ h: { url } }, { startTimeoutMs: 200 }))).rejects.toMatchObject({
      message: 'MCP server `h` does not start: it did not answer `initialize` within 200 ms',
    })
  })
})

describe('a call whose answer', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['ends before it began', response => response.writeHead(200, STREAM).end()],
    ['ends in the middle', response => response.writeHead(200, STREAM).end('data: {"jsonrpc":"2.0",')],
    ['breaks', response => void response.writeHead(200, STREAM).write('data: {', () => response.destroy())],
    ['never comes, since the connection breaks,', response => void response.destroy()],
  ])('%s is lost', async (_, answer) => {
    const { url } = await listenByHand((_id, response) => answer(response))
    const tools = await serve({ h: { url } }).tools()
    const { task } = await call(tools, 'h:odd')
    expect(task).toMatchObject({ status: 'error', code: 'MCP_SERVER_LOST' })
  })

  test('is too large is lost', async () => {
    const { url } = await listenByHand((_id, response) => {
      response.writeHead(200, STREAM)
      response.end(`data: ${'x'.repeat(33 * 1024 * 1024)}`)
    })
    const tools = await serve({ h: { url } }).tools()
    expect((await call(tools, 'h:odd')).task).toMatchObject({ status: 'error', code: 'MCP_SERVER_LOST' })
  })

  test.each([
    [503, 2],
    [403, 1],
  ])('is %i fails as often as that makes sense', async (status, attempts) => {
    const { url } = await listenByHand((_id, response) => void response.writeHead(status).end('no'))
    const tools = await serve({ h: { url } }).tools()
    const retry = { maxAttempts: 2, initialDelayMs: 0 }
    const { task } = await call(tools, 'h:odd', {}, { retry })
    expect(task).toMatchObject({ code: 'TOOL_ERROR', attempts, error: expect.stringContaining(`answered ${status}`) })
  })

  test('can be resumed is resumed', async () => {
    const lastIds: unknown[] = []
    const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const lastId = request.headers['last-event-id']
      if (request.method === 'GET' && lastId !== undefined) {
        lastIds.push(lastId)
        const result = { content: [{ type: 'text', text: 'resumed' }] }
        return void response
          .writeHead(200, STREAM)
          .end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 2, result })}\n\n`)
      }
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: object }
      if (id === undefined) return void response.writeHead(202).end()
      if (method === 'tools/call') return void response.writeHead(200, STREAM).end('id: e1\nretry: 10\ndata:\n\n')
      const tools = [{ name: 'odd', inputSchema: { type: 'object' } }]
      const result = { ...params, capabilities: { tools: {} }, serverInfo: { name: 'hand', version: '1' }, tools }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    }
    const { url } = await listen((request, response) => void handle(request, response))
    const tools = await serve({ h: { url } }).tools()
    expect((await call(tools, 'h:odd')).task).toMatchObject({ status: 'success', output: 'resumed' })
    expect(lastIds).toEqual(['e1'])
  })

  test('could be resumed, but never is, is lost', async () => {
    const { url } = await listenByHand((_id, response) => {
      response.writeHead(200, STREAM).end('id: e1\nretry: 10\ndata:\n\n')
    })
    const tools = await serve({ h: { url } }).tools()
    expect((await call(tools, 'h:odd')).task).toMatchObject({ status: 'error', code: 'MCP_SERVER_LOST' })
  })
})

test('a call that is cancelled ends its request', async () => {
  let closed = (): void => {}
  const isClosed = new Promise<void>(resolve => (closed = resolve))
  const { url } = await listenByHand((_id, response) => {
    response.writeHead(200, STREAM)
    response.flushHeaders()
    response.on('close', closed)
  })
  const tools = await serve({ h: { url } }).tools()
  expect((await call(tools, 'h:odd', {}, { timeoutMs: 100 })).task.code).toBe('TASK_TIMEOUT')
  await isClosed
})

test('a server that went away fails the calls that run, and works again once it is back', async () => {
  const sessions = createSessions()
  const server = await listen(sessions.handle)
  const tools = await serve({ h: { url: server.url, concurrency: 2 } }).tools()
  const running = call(tools, 'h:hang')
  await call(tools, 'h:echo')
  const port = Number(new URL(server.url).port)
  await server.close()
  expect((await running).task).toMatchObject({ code: 'MCP_SERVER_LOST' })
  expect((await call(tools, 'h:echo')).task).toMatchObject({ status: 'error' })
  const { createServer } = await import('node:http')
  const again = createServer(createSessions().handle).listen(port, '127.0.0.1')
  try {
    expect((await call(tools, 'h:echo', { text: 'x' })).task).toMatchObject({ status: 'success', output: 'x' })
  } finally {
    again.closeAllConnections()
    again.close()
  }
})

test('a call that runs is not lost with the session that another finds ended', async () => {
  let finish = (): void => {}
  let callCount = 0
  const { url } = await listenByHand((id, response) => {
    callCount += 1
    const text = `call ${callCount}`
    const answer = (): void => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }))
    }
    if (callCount === 1) finish = answer
    else if (callCount === 2) response.writeHead(404).end('no such session')
    else answer()
  })
  const tools = await serve({ h: { url, concurrency: 2 } }).tools()
  const running = call(tools, 'h:odd')
  await expect.poll(() => callCount).toBe(1)
  expect((await call(tools, 'h:odd')).task.output).toBe('call 3')
  finish()
  expect((await running).task.output).toBe('call 1')
})

test('calls that run are not lost when others find the server out of reach, however many', async () => {
  const ends: (() => void)[] = []
  const deletedSessions = new Set<unknown>()
  let sessionCount = 0
  let isReachable = true
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'DELETE') deletedSessions.add(request.headers['mcp-session-id'])
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: object }
    if (id === undefined) return void response.writeHead(202).end()
    if (method === 'tools/call' && !isReachable) return void response.destroy()
    const answer = (): void => {
      if (method === 'initialize') response.setHeader('mcp-session-id', `session ${(sessionCount += 1)}`)
      const tools = [{ name: 'odd', inputSchema: { type: 'object' } }]
      const content = [{ type: 'text', text: `in ${String(request.headers['mcp-session-id'])}` }]
      const result = { ...params, capabilities: { tools: {} }, serverInfo: { name: 'h', version: '1' }, tools, content }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    }
    if (method === 'tools/call') ends.push(answer)
    else answer()
  }
  const { url } = await listen((request, response) => void handle(request, response))
  const tools = await serve({ h: { url, concurrency: 4 } }).tools()
  const running: ReturnType<typeof call>[] = []
  for (let n = 1; n <= 3; n++) {
    isReachable = true
    running.push(call(tools, 'h:odd'))
    await expect.poll(() => ends.length).toBe(n)
    isReachable = false
    expect((await call(tools, 'h:odd')).task).toMatchObject({ code: 'MCP_SERVER_LOST' })
  }
  expect(deletedSessions.size).toBe(0)
  for (const end of ends) end()
  const outputs = (await Promise.all(running)).map(({ task }) => task.output)
  expect(outputs).toEqual(['in session 1', 'in session 2', 'in session 3'])
  // Each session ends with its last call.
  await expect.poll(() => deletedSessions).toEqual(new Set(['session 1', 'session 2', 'session 3']))
})

test('an answer that violates the protocol fails its call alone', async () => {
  let callCount = 0
  const { url } = await listenByHand((id, response) => {
    callCount += 1
    response.writeHead(200, { 'content-type': 'application/json' })
    if (callCount === 1) response.end('<html>')
    else if (callCount === 2) response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { _meta: 3 } }))
    else response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'fine' }] } }))
  })
  const tools = await serve({ h: { url } }).tools()
  for (const fault of ['it is not JSON: <html>', 'its `_meta` is a number, not an object']) {
    const error = `MCP server \`h\` sent an answer that violates the protocol: ${fault}`
    expect((await call(tools, 'h:odd')).task).toMatchObject({ code: 'TOOL_ERROR', error })
  }
  expect((await call(tools, 'h:odd')).task.output).toBe('fine')
})

test('tools are asked for again in a new session where the server has forgotten the old one', async () => {
  let initializeCount = 0
  let listCount = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const { id, method, params } = (await readBody(request)) as { id?: number; method: string; params?: object }
    if (id === undefined) return void response.writeHead(202).end()
    if (method === 'initialize') initializeCount += 1
    if (method === 'tools/list' && (listCount += 1) === 1) return void response.writeHead(404).end('no such session')
    const tools = [{ name: 'odd', inputSchema: { type: 'object' } }]
    const result = { ...params, capabilities: { tools: {} }, serverInfo: { name: 'h', version: '1' }, tools }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  const { url } = await listen((request, response) => void handle(request, response))
  expect((await open(serve({ h: { url } }))).map(({ name }) => name)).toEqual(['h:odd'])
  expect([initializeCount, listCount]).toEqual([2, 2])
})
