import { expect, test } from 'vitest'
import { z } from 'zod'
import { handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

test('a workflow is validated without being run', async () => {
  const { send, tool, get } = handlerRig()
  const validate = async (body: unknown): Promise<unknown> =>
    (await send('POST', '/workflows/validate', { body })).json()
  expect(await validate(ONE_TASK)).toEqual({ valid: true, issues: [], issueCount: 0 })
  expect(await validate({ workflow: ONE_TASK })).toEqual({ valid: true, issues: [], issueCount: 0 })
  expect(await validate({ tasks: [{ id: 'a', tool: 'wrok' }] })).toMatchObject({
    valid: false,
    issues: [{ code: 'UNKNOWN_TOOL', pointer: '/tasks/0/tool' }],
    issueCount: 1,
  })
  const workflow = { tasks: [{ id: 'a', tool: 'work', arguments: { x: '$INPUT.x' } }] }
  expect(await validate({ workflow, input: { x: 1 } })).toMatchObject({ valid: true })
  expect(await validate({ workflow, input: {} })).toMatchObject({ valid: false, issueCount: 1 })
  await tool.idle()
  expect([tool.started, await (await get('/executions')).json()]).toEqual([[], { executions: [] }])
})

test('a body that cannot be validated is refused like one that cannot run', async () => {
  const { send } = handlerRig()
  const status = async (body: unknown, headers = {}): Promise<number> =>
    (await readProblem(await send('POST', '/workflows/validate', { body, headers }))).status
  expect(await status('{')).toBe(400)
  expect(await status({ workflow: ONE_TASK, options: {} })).toBe(400)
  expect(await status(ONE_TASK, { 'Content-Type': 'text/plain' })).toBe(415)
  expect(await status(' '.repeat(1024 * 1024 + 1))).toBe(413)
})

test('the schema of workflows is one', async () => {
  const { get } = handlerRig()
  const response = await get('/workflows/schema')
  expect(response.headers.get('content-type')).toBe('application/schema+json')
  expect(await response.json()).toMatchObject({ type: 'object', properties: { tasks: { type: 'array' } } })
})

test('tools are listed with their schemas', async () => {
  const inputSchema = { type: 'object', properties: { n: { type: 'number' } } } as const
  const { get } = handlerRig({
    tools: [
      { name: 'json', description: 'With a schema', inputSchema, execute: () => 1 },
      { name: 'standard', inputSchema: z.object({ n: z.number() }), execute: () => 1 },
      { name: 'server:plain', execute: () => 1 },
    ],
  })
  expect(await (await get('/tools')).json()).toEqual({
    tools: [
      { name: 'json', description: 'With a schema', inputSchema },
      { name: 'standard' },
      { name: 'server:plain' },
    ],
  })
})

test('the routes are described', async () => {
  const { get } = handlerRig()
  expect(await (await get('/openapi.json')).json()).toMatchObject({ openapi: '3.1.0', info: { title: 'dagstream' } })
})

test('metrics count running executions, subscribers and endings', async () => {
  const { follow, begin, create, tool, figure, get, send, clock } = handlerRig()
  const response = await get('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const { ended } = await follow(ONE_TASK)
  await begin(ONE_TASK)
  expect([await figure('dagstream_executions_running'), await figure('dagstream_subscribers')]).toEqual([2, 1])
  const call = await tool.nextCall('a')
  call.succeed()
  await ended
  ;(await tool.nextCall('a')).fail()
  await tool.idle()
  const cancelled = await create(ONE_TASK)
  const late = await tool.nextCall('a')
  await send('POST', '/executions/x3/cancel')
  await clock.run(2000)
  await cancelled.text()
  call.context.emitToken('too late')
  late.succeed()
  await tool.idle()
  const names = ['success', 'partial', 'error', 'cancelled', 'lost']
  const counts = names.map(status => figure(`dagstream_executions_total{status="${status}"}`))
  expect(await Promise.all(counts)).toEqual([1, 0, 1, 1, 0])
  expect(await figure('dagstream_tools_abandoned_total')).toBe(1)
  expect(await figure('dagstream_emissions_dropped_total')).toBe(1)
  expect([await figure('dagstream_executions_running'), await figure('dagstream_subscribers')]).toEqual([0, 0])
})

test('the server is healthy until it drains', async () => {
  const { get, handler, begin, tool } = handlerRig()
  const response = await get('/healthz')
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  await begin(ONE_TASK, { Accept: STREAM })
  const call = await tool.nextCall('a')
  const closed = handler.close()
  const draining = await get('/healthz')
  expect([draining.status, draining.headers.has('retry-after')]).toEqual([503, true])
  expect(await draining.json()).toEqual({ status: 'draining' })
  call.succeed()
  await closed
  expect((await get('/healthz')).status).toBe(503)
})
