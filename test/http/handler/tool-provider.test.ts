import { expect, test } from 'vitest'
import { createLimit, DagstreamError, type ToolSource } from '../../../src/index.ts'
import { createMcpServers } from '../../../src/integrations/mcp/index.ts'
import { handlerRig, ONE_TASK, readMessages, readProblem, STREAM } from './handler-rig.ts'
import { createGate, rig } from './provider-rig.ts'

const unavailable = (...names: string[]): DagstreamError =>
  new DagstreamError('TOOLS_UNAVAILABLE', `MCP server \`${names[0]}\` does not start: it last wrote: /secret/place`, {
    details: { servers: names.map(name => ({ name, reason: '/secret/place' })) },
  })

test('a provider is asked for the tools of each workflow, in every form of answer', async () => {
  const { create, send, get, provider, tool } = rig()
  const streamed = create(ONE_TASK, { Accept: STREAM })
  ;(await tool.nextCall('a')).succeed()
  expect((await readMessages(await streamed)).at(-1)).toMatchObject({ event: 'execution_complete' })
  const awaited = create({ workflow: ONE_TASK, input: 1 })
  ;(await tool.nextCall('a')).succeed()
  expect(await (await awaited).json()).toMatchObject({ status: 'success' })
  expect(await (await send('POST', '/workflows/validate', { body: ONE_TASK })).json()).toMatchObject({ valid: true })
  expect(provider.asked).toEqual([ONE_TASK, ONE_TASK, ONE_TASK])
  expect(await (await get('/tools')).json()).toEqual({ tools: [{ name: 'work' }] })
})

test('the result of `createMcpServers` is a provider', async () => {
  const { get } = handlerRig({ tools: createMcpServers({ mcpServers: {} }) })
  expect(await (await get('/tools')).json()).toEqual({ tools: [] })
})

test('a body that is not a workflow is passed to the provider unchanged, and refused', async () => {
  const { create, provider } = rig()
  for (const body of [null, 1, { tasks: 'none' }]) {
    expect((await readProblem(await create(body))).code).toBe('INVALID_WORKFLOW')
  }
  expect(provider.asked).toEqual([null, 1, { tasks: 'none' }])
})

test('nothing is asked for those who come back to an execution', async () => {
  const { create, begin, get, provider, tool } = rig()
  const key = { 'Idempotency-Key': 'k' }
  const id = await begin(ONE_TASK, key)
  provider.failure = unavailable('memory')
  ;(await tool.nextCall('a')).succeed()
  const resumed = await create(ONE_TASK, { Accept: STREAM, 'Last-Event-ID': `${id}.1` })
  expect((await readMessages(resumed)).at(-1)).toMatchObject({ event: 'execution_complete' })
  expect((await create(ONE_TASK, key)).headers.get('execution-id')).toBe(id)
  expect((await get(`/executions/${id}`)).status).toBe(200)
  expect(provider.asked).toHaveLength(1)
})

test('tools that are unavailable are reported with their servers, and why in the log alone', async () => {
  const { create, send, get, provider, log, figure } = rig()
  provider.failure = unavailable('memory', 'search')
  const responses = [
    await create(ONE_TASK, { 'Idempotency-Key': 'k' }),
    await create(ONE_TASK, { Accept: STREAM }),
    await send('POST', '/workflows/validate', { body: ONE_TASK }),
    await get('/tools'),
  ]
  for (const [index, response] of responses.entries()) {
    expect(response.headers.get('retry-after')).toBe('5')
    const problem = await readProblem(response)
    expect(problem).toEqual({
      title: 'Service unavailable',
      status: 503,
      code: 'TOOLS_UNAVAILABLE',
      detail: 'The tools of `memory`, `search` are not available; the log has the cause under this reference',
      servers: ['memory', 'search'],
      reference: expect.any(String),
    })
    expect(log[index]).toContain('/secret/place')
    expect(log[index]).toContain(problem.reference)
  }
  expect([await figure('dagstream_subscribers'), await figure('dagstream_executions_running')]).toEqual([0, 0])
  expect(await (await get('/executions')).json()).toEqual({ executions: [] })
  // The key stands for nothing yet.
  provider.failure = undefined
  expect((await create(ONE_TASK, { 'Idempotency-Key': 'k', Prefer: 'respond-async' })).status).toBe(202)
})

test.each([
  ['servers that are not said', new DagstreamError('TOOLS_UNAVAILABLE', 'secret'), 503, 'TOOLS_UNAVAILABLE'],
  [
    'servers of another form',
    new DagstreamError('TOOLS_UNAVAILABLE', 'secret', { details: { servers: [null, 1, { name: 2 }] } }),
    503,
    'TOOLS_UNAVAILABLE',
  ],
  ['any other failure', new Error('secret'), 500, 'INTERNAL_ERROR'],
  ['what is no error', 'secret', 500, 'INTERNAL_ERROR'],
])('a client gets no text of %s', async (_, failure, status, code) => {
  const { create, provider } = rig()
  provider.failure = failure
  const problem = await readProblem(await create(ONE_TASK))
  expect([problem.status, problem.code, JSON.stringify(problem).includes('secret')]).toEqual([status, code, false])
})

test('tools that are invalid are a failure of the server', async () => {
  const { create, provider, log } = rig()
  provider.source = [{ name: 'work' }] as unknown as ToolSource
  expect(await readProblem(await create(ONE_TASK))).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' })
  expect(log.join()).toContain('expected `execute` to be a function')
})

test('those that wait for their tools have their place among those that run', async () => {
  const { create, provider, tool, figure } = rig({ maxExecutions: 2 })
  const gate = createGate()
  provider.gate = gate.opened
  const early = Array.from({ length: 5 }, () => create(ONE_TASK, { Prefer: 'respond-async' }))
  await tool.idle()
  expect(provider.asked).toHaveLength(2)
  gate.open()
  const responses = await Promise.all(early)
  expect(responses.map(({ status }) => status)).toEqual([202, 202, 429, 429, 429])
  expect(await figure('dagstream_executions_running')).toBe(2)
})

test('a place is given back where tools could not be had', async () => {
  const { create, provider } = rig({ maxExecutions: 1 })
  provider.failure = unavailable('memory')
  expect((await create(ONE_TASK)).status).toBe(503)
  provider.failure = undefined
  expect((await create(ONE_TASK, { Prefer: 'respond-async' })).status).toBe(202)
})

test('the same key, asked while tools are waited for, makes one execution', async () => {
  const { create, provider, tool } = rig({ maxExecutions: 1 })
  const gate = createGate()
  provider.gate = gate.opened
  const headers = { 'Idempotency-Key': 'k', Prefer: 'respond-async' }
  const asked = Array.from({ length: 5 }, () => create(ONE_TASK, headers))
  await tool.idle()
  gate.open()
  const responses = await Promise.all(asked)
  expect(responses.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
  expect(new Set(responses.map(response => response.headers.get('execution-id'))).size).toBe(1)
  await tool.nextCall('a')
  await tool.idle()
  expect(tool.started).toEqual(['a'])
})

test('a start that waits for its tools when the handler closes is refused at once, and does not run later', async () => {
  const { create, provider, handler, tool } = rig()
  const gate = createGate()
  provider.gate = gate.opened
  const asked = create(ONE_TASK)
  await tool.idle()
  await handler.close()
  expect(await readProblem(await asked)).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' })
  gate.open()
  await tool.idle()
  expect(tool.started).toEqual([])
})

test.each([['a number', 1] as const, ['made once', createLimit(1)] as const])(
  'a limit that is %s holds across executions while the tools stay the same objects',
  async (_, limit) => {
    const { create, provider, tool } = rig()
    const only = { name: 'work', limit, execute: provider.tool.execute }
    // The array is another one each time.
    provider.tools = async () => [only]
    for (let n = 0; n < 3; n++) await create(ONE_TASK, { Prefer: 'respond-async' })
    for (let n = 0; n < 3; n++) {
      const call = await tool.nextCall('a')
      await tool.idle()
      call.succeed()
    }
    expect([tool.started.length, tool.peakCount]).toEqual([3, 1])
  },
)
