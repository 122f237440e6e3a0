import { expect, test } from 'vitest'
import { ONE_TASK } from '../http/handler/handler-rig.ts'
import { mcpRig, type McpRig } from './mcp-rig.ts'

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

const ACCEPT = { Accept: 'application/json, text/event-stream' }

const initialize = (rig: McpRig, headers: Record<string, string> = {}): Promise<Response> =>
  rig.send('POST', '/mcp', { headers: { ...ACCEPT, ...headers }, body: INITIALIZE })

/** An owner for each token; `stranger` may start nothing. */
const OWNERS = {
  authorize: (request: Request, { action }: { action: string }) => {
    const owner = request.headers.get('x-user') ?? 'nobody'
    if (owner === 'stranger' && action === 'create') return new Response('no', { status: 402 })
    return { owner }
  },
}

test('without the option there is no route', async () => {
  expect((await initialize(mcpRig({ mcpServer: false }))).status).toBe(404)
})

test('a request needs the token of the server', async () => {
  const rig = mcpRig({ token: 'secret' })
  expect([(await initialize(rig)).status, (await initialize(rig, { Authorization: 'Bearer secret' })).status]).toEqual([
    401, 200,
  ])
})

test.each([
  ['https://evil.example', 403],
  ['null', 403],
  ['http://localhost', 200],
  ['https://app.example', 200],
])('a page of %s is answered with %i', async (origin, status) => {
  const rig = mcpRig({ allowedOrigins: ['https://app.example'] })
  const response = await initialize(rig, { Origin: origin })
  const body = await response.text()
  expect([response.status, body.includes('ORIGIN_NOT_ALLOWED')]).toEqual([status, status === 403])
})

test('GET has no stream: 405', async () => {
  const response = await mcpRig().get('/mcp', { Accept: 'text/event-stream' })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, DELETE'])
})

test('no hop-by-hop header is sent', async () => {
  expect((await initialize(mcpRig())).headers.get('connection')).toBe(null)
})

test('the executions of another owner do not exist', async () => {
  const rig = mcpRig(OWNERS)
  const ada = await rig.connect({ headers: { 'X-User': 'ada' } })
  const answer = ada.call('run_workflow', { workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).succeed(1)
  expect((await answer).structured).toMatchObject({ executionId: 'x1', status: 'success' })
  const bob = await rig.connect({ headers: { 'X-User': 'bob' } })
  for (const name of ['get_execution', 'cancel_execution']) {
    const { text, isError } = await bob.call(name, { executionId: 'x1' })
    expect([(JSON.parse(text) as { code: string }).code, isError]).toEqual(['EXECUTION_NOT_FOUND', true])
  }
})

test('a session belongs to its owner', async () => {
  const rig = mcpRig(OWNERS)
  const session = (await initialize(rig, { 'X-User': 'ada' })).headers.get('mcp-session-id') as string
  const body = { jsonrpc: '2.0', id: 2, method: 'ping' }
  const ask = async (owner: string): Promise<number> => {
    const headers = { ...ACCEPT, 'Mcp-Session-Id': session, 'X-User': owner }
    return (await rig.send('POST', '/mcp', { headers, body })).status
  }
  expect([await ask('ada'), await ask('bob')]).toEqual([200, 404])
})

test('a call that `authorize` refuses is an error, and starts nothing', async () => {
  const rig = mcpRig(OWNERS)
  const { call } = await rig.connect({ headers: { 'X-User': 'stranger' } })
  const { text, isError } = await call('run_workflow', { workflow: ONE_TASK })
  expect([JSON.parse(text), isError, rig.tool.started]).toEqual([
    { code: 'FORBIDDEN', message: 'The server answered with 402' },
    true,
    [],
  ])
})

test('an unknown failure is reported by its reference, with the cause in the log', async () => {
  const rig = mcpRig({
    authorize: (_, { action }) => (action === 'create' ? Promise.reject(new Error('secret cause')) : {}),
  })
  const { call } = await rig.connect()
  const { text } = await call('run_workflow', { workflow: ONE_TASK })
  const { code, reference } = JSON.parse(text) as { code: string; reference: string }
  expect([
    code,
    text.includes('secret'),
    rig.log.some(line => line.includes(reference) && line.includes('secret')),
  ]).toEqual(['INTERNAL_ERROR', false, true])
})

test('a session ends by DELETE, and its calls are cancelled', async () => {
  const rig = mcpRig()
  const { client, call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  answer.catch(() => {})
  const work = await rig.tool.nextCall('a')
  const session = (client.transport as { sessionId?: string }).sessionId as string
  const deleted = await rig.send('DELETE', '/mcp', { headers: { 'Mcp-Session-Id': session } })
  await expect.poll(() => work.context.signal.aborted).toBe(true)
  const again = await rig.send('DELETE', '/mcp', { headers: { 'Mcp-Session-Id': session } })
  expect([deleted.status, again.status]).toEqual([200, 404])
  work.fail()
})

test('at most 1,000 sessions are kept: the least recently used is evicted, one with a call in flight is not', async () => {
  const rig = mcpRig()
  const { client, call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  const work = await rig.tool.nextCall('a')
  const first = (await initialize(rig)).headers.get('mcp-session-id') as string
  for (let count = 0; count < 999; count++) await (await initialize(rig)).body?.cancel()
  const headers = { ...ACCEPT, 'Mcp-Session-Id': first }
  const evicted = await rig.send('POST', '/mcp', { headers, body: { jsonrpc: '2.0', id: 2, method: 'ping' } })
  work.succeed(1)
  expect([evicted.status, (await answer).structured]).toMatchObject([404, { status: 'success' }])
  await client.ping()
})

test('a call that is in flight when the handler closes has its answer', async () => {
  const rig = mcpRig({ drainMs: 10 })
  const { call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  const work = await rig.tool.nextCall('a')
  const closing = rig.handler.close()
  rig.clock.advance(10)
  work.fail()
  expect((await answer).structured).toMatchObject({ status: 'cancelled', reason: { code: 'SHUTDOWN' } })
  await closing
})

test('`close` ends the sessions once the executions have ended', async () => {
  const rig = mcpRig()
  const { client, call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await answer
  await rig.handler.close()
  await expect(client.ping()).rejects.toThrow(/Session not found/)
  expect((await initialize(rig)).status).toBe(503)
})
