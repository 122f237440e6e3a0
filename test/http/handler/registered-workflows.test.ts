import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, WorkflowRegistry } from '../../../src/index.ts'
import { createClient } from '../../../src/client/index.ts'
import { outlive } from '../../support/crash.ts'
import { handlerRig, JSON_TYPE, ONE_TASK, readMessages, readProblem, STREAM } from './handler-rig.ts'

const GREET: DAGStructure = {
  description: 'Greets somebody.',
  inputSchema: { type: 'object', required: ['who'], properties: { who: { type: 'string' } } },
  tasks: [{ id: 'a', tool: 'work', arguments: { text: 'Hello, $INPUT.who' } }],
  finally: [{ id: 'last', tool: 'work' }],
  output: '$OUTPUT[a]',
}
const TWICE: DAGStructure = {
  tasks: [{ id: 'both', forEach: ['Ada', 'Eve'], workflow: 'greet', arguments: { who: '$ITEM' } }],
}
const WORKFLOWS = { greet: GREET, twice: TWICE }
const START = '/workflows/greet/executions'

test('all problems of registered workflows are reported at the start, each with name and pointer', () => {
  const tasks = [{ id: 'a', tool: 'wrok' }]
  const workflows = { one: { tasks }, two: { tasks: [{ id: 'b', workflow: 'on' }] } }
  const issues = [
    expect.objectContaining({
      code: 'UNKNOWN_TOOL',
      pointer: '/one/tasks/0/tool',
      message: 'In the workflow `one`: There is no tool `wrok`',
      hint: 'Did you mean `work`?',
    }),
    expect.objectContaining({ code: 'UNKNOWN_WORKFLOW', pointer: '/two/tasks/0/workflow' }),
  ]
  const expected = { code: 'INVALID_WORKFLOW', details: { issues, issueCount: 2 } }
  expect(() => handlerRig({ workflows })).toThrow(expect.objectContaining(expected))
  // A registry is taken as it was checked.
  expect(() => handlerRig({ workflows: new WorkflowRegistry({ one: { tasks } }) })).not.toThrow()
  for (const name of ['schema', 'validate', '', 'a b']) {
    expect(() => handlerRig({ workflows: { [name]: ONE_TASK } })).toThrow(/`workflows`/)
  }
})

test('with a provider of tools they are checked when they are used', async () => {
  const asked: unknown[] = []
  const toolsFor = async (workflow: unknown): Promise<Record<string, () => number>> => {
    asked.push(workflow)
    return { work: () => 1 }
  }
  const tools = { toolsFor, tools: async () => ({}) }
  const rig = handlerRig({ tools, workflows: { greet: GREET, broken: { tasks: [{ id: 'a', tool: 'wrok' }] } } })
  const response = await rig.send('POST', START, { body: { input: { who: 'Ada' } } })
  expect(await response.json()).toMatchObject({ status: 'success' })
  const problem = await readProblem(await rig.send('POST', '/workflows/broken/executions', { body: {} }))
  expect(problem).toMatchObject({ status: 422, issues: [{ code: 'UNKNOWN_TOOL', pointer: '/tasks/0/tool' }] })
  // The provider sees the workflows that tasks name.
  asked.length = 0
  await rig.begin({ tasks: [{ id: 'a', workflow: 'greet', arguments: { who: 'Ada' } }] })
  expect(asked).toEqual([expect.objectContaining({ workflows: { greet: GREET } })])
})

test('they are listed, and shown as they were registered', async () => {
  const rig = handlerRig({ workflows: WORKFLOWS })
  expect(await (await rig.get('/workflows')).json()).toEqual({
    workflows: [
      { name: 'greet', description: 'Greets somebody.', inputSchema: GREET.inputSchema, taskCount: 2 },
      { name: 'twice', taskCount: 1 },
    ],
  })
  const response = await rig.get('/workflows/greet')
  expect([response.status, response.headers.get('content-type')]).toEqual([200, JSON_TYPE])
  expect(await response.json()).toEqual(GREET)
  const head = await rig.send('HEAD', '/workflows/greet')
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(await (await handlerRig().get('/workflows')).json()).toEqual({ workflows: [] })
})

test('an unknown name is answered with 404 and the closest one', async () => {
  const rig = handlerRig({ workflows: WORKFLOWS })
  const detail = 'There is no workflow `great`. Did you mean `greet`?'
  for (const [method, path] of [
    ['GET', '/workflows/great'],
    ['POST', '/workflows/great/executions'],
  ] as const) {
    const problem = await readProblem(await rig.send(method, path, method === 'POST' ? { body: {} } : {}))
    expect(problem).toMatchObject({ status: 404, code: 'WORKFLOW_NOT_FOUND', detail })
  }
  expect(await readProblem(await handlerRig().get('/workflows/a%2Fb'))).toMatchObject({
    code: 'WORKFLOW_NOT_FOUND',
    detail: 'There is no workflow `a/b`. There are no workflows',
  })
  expect((await rig.get('/workflows/validate')).headers.get('allow')).toBe('POST')
})

test('one is started by its name: as a stream, as a result, or at once', async () => {
  const rig = handlerRig({ tools: { work: ({ text = 'bye' }) => text }, workflows: WORKFLOWS })
  const body = { input: { who: 'Ada' }, options: { schedule: 'dataflow' } }
  const result = await (await rig.send('POST', START, { body })).json()
  expect(result).toMatchObject({ executionId: 'x1', status: 'success' })
  expect(result.results[0]).toMatchObject({ taskId: 'a', output: 'Hello, Ada' })
  const stream = await rig.send('POST', START, { body, headers: { Accept: STREAM } })
  expect([stream.status, stream.headers.get('location')]).toEqual([200, '/executions/x2'])
  const messages = await readMessages(stream)
  expect(JSON.parse(messages[0]?.data as string)).toMatchObject({ schedule: 'dataflow', totalTasks: 2 })
  expect(messages.at(-1)?.event).toBe('execution_complete')
  const accepted = await rig.send('POST', START, { body, headers: { Prefer: 'respond-async' } })
  expect([accepted.status, accepted.headers.get('execution-id')]).toEqual([202, 'x3'])
})

test('a request for one is held to the same rules as any other', async () => {
  const rig = handlerRig({ workflows: WORKFLOWS, maxConcurrency: 2 })
  const refused = async (body: unknown, headers: Record<string, string> = {}): Promise<unknown> => {
    const { status, detail } = await readProblem(await rig.send('POST', START, { body, headers }))
    return [status, detail]
  }
  expect(await refused([])).toEqual([400, 'Expected an object of input and options, got array'])
  expect(await refused({ workflow: GREET })).toEqual([400, expect.stringContaining('allowed are input, options')])
  expect(await refused('{"input":1,"input":2}')).toEqual([400, expect.stringContaining('is duplicated')])
  expect(await refused({ options: { maxConcurrency: 3 } })).toEqual([400, expect.stringContaining('from 1 to 2')])
  expect(await refused({}, { Accept: 'image/png' })).toEqual([406, expect.anything()])
  expect(await refused('', { 'Content-Type': 'text/plain' })).toEqual([415, expect.anything()])
  expect(rig.tool.started).toEqual([])
})

test('an input that does not match is refused before anything starts, with its place in the body', async () => {
  const rig = handlerRig({ workflows: WORKFLOWS })
  const body = '{\n  "input": {\n    "who": 5 }\n}'
  const { status, issues } = await readProblem(await rig.send('POST', START, { body }))
  const place = { in: 'input', pointer: '/who', line: 3, column: 12 }
  expect([status, issues]).toEqual([422, [expect.objectContaining({ code: 'INVALID_INPUT', ...place })]])
  // Beside a workflow that was sent, likewise.
  const sent = `{ "workflow": ${JSON.stringify(GREET)},\n  "input": { "who": 5 } }`
  const other = await readProblem(await rig.create(sent))
  expect(other.issues).toEqual([expect.objectContaining({ code: 'INVALID_INPUT', ...place, line: 2, column: 21 })])
  expect(await (await rig.send('POST', '/workflows/validate', { body: sent })).json()).toMatchObject({
    valid: false,
    issues: [{ code: 'INVALID_INPUT', ...place, line: 2, column: 21 }],
  })
  expect(rig.tool.started).toEqual([])
})

test('a key finds the execution of the same workflow and body, and nothing else', async () => {
  const rig = handlerRig({ workflows: { ...WORKFLOWS, other: GREET } })
  const headers = { 'Idempotency-Key': 'k', Prefer: 'respond-async' }
  const body = { input: { who: 'Ada' } }
  const start = (path: string, given: unknown = body): Promise<Response> =>
    rig.send('POST', path, { headers, body: given })
  expect(await (await start(START)).json()).toMatchObject({ executionId: 'x1' })
  expect(await (await start(START)).json()).toMatchObject({ executionId: 'x1' })
  for (const conflict of [
    start('/workflows/other/executions'),
    start(START, { ...body, options: {} }),
    start('/executions', body),
  ]) {
    expect(await readProblem(await conflict)).toMatchObject({ status: 409, code: 'IDEMPOTENCY_CONFLICT' })
  }
  // A client that comes back starts nothing.
  const again = await rig.send('POST', START, { headers: { 'Last-Event-ID': 'x1.1', Accept: STREAM }, body })
  expect(again.headers.get('execution-id')).toBe('x1')
  await again.body?.cancel()
  expect(rig.tool.started).toEqual(['a'])
})

test('a document that is sent may name registered workflows, and validate knows them', async () => {
  const rig = handlerRig({ tools: { work: ({ text }) => text ?? null }, workflows: WORKFLOWS })
  const workflow = { tasks: [{ id: 'x', workflow: 'twice' }] }
  expect(await (await rig.create(workflow)).json()).toMatchObject({ status: 'success' })
  const validate = async (body: unknown): Promise<unknown> =>
    (await rig.send('POST', '/workflows/validate', { body })).json()
  expect(await validate(workflow)).toEqual({ valid: true, issues: [], issueCount: 0 })
  const issue = { code: 'UNKNOWN_WORKFLOW', pointer: '/tasks/0/workflow', hint: 'Did you mean `twice`?' }
  expect(await validate({ tasks: [{ id: 'x', workflow: 'twise' }] })).toMatchObject({ issues: [issue] })
})

test('a document cannot bring workflows under the names of registered ones', async () => {
  const rig = handlerRig({ workflows: WORKFLOWS })
  const body = { tasks: [{ id: 'x', workflow: 'twice' }], workflows: { twice: ONE_TASK } }
  expect(await readProblem(await rig.create(body))).toMatchObject({
    status: 422,
    issues: [{ code: 'INVALID_SHAPE', pointer: '/workflows' }],
  })
  expect(rig.tool.started).toEqual([])
})

test.each([
  ['without a registry', undefined],
  ['with another one', { greet: ONE_TASK, twice: ONE_TASK }],
])('an execution continues after a restart %s as it began', async (_, workflows) => {
  const store = createMemoryStore()
  const first = handlerRig({ store, workflows: WORKFLOWS })
  await first.send('POST', '/workflows/twice/executions', { headers: { Prefer: 'respond-async' }, body: {} })
  ;(await first.tool.nextCall('both[0]/a')).succeed('one')
  await first.tool.nextCall('both[0]/last')
  await first.tool.nextCall('both[1]/a')
  await first.tool.idle()
  const second = handlerRig({ store: await outlive(store, 'x1'), ...(workflows && { workflows }) })
  const [last, other] = await second.tool.nextCalls('both[0]/last', 'both[1]/a')
  expect(other?.args).toEqual({ text: 'Hello, Eve' })
  last?.succeed()
  other?.succeed('two')
  ;(await second.tool.nextCall('both[1]/last')).succeed()
  await second.tool.idle()
  const { result } = await (await second.get('/executions/x1')).json()
  expect(result).toMatchObject({ status: 'success', results: [{ output: ['one', 'two'] }] })
})

test('authorize receives the name in the path, and may allow no other workflows', async () => {
  const asked: unknown[] = []
  const rig = handlerRig({
    tools: { work: () => 1 },
    workflows: WORKFLOWS,
    authorize(_, context) {
      asked.push(context)
      const isForbidden = context.action === 'create' && context.workflow === undefined
      return isForbidden ? new Response(null, { status: 403 }) : {}
    },
  })
  expect((await rig.create(ONE_TASK)).status).toBe(403)
  expect((await rig.send('POST', START, { body: { input: { who: 'Ada' } } })).status).toBe(200)
  await rig.get('/workflows/greet')
  await rig.get('/workflows')
  expect(asked).toEqual([
    { action: 'create' },
    { action: 'create', workflow: 'greet' },
    { action: 'workflows', workflow: 'greet' },
    { action: 'workflows' },
  ])
})

test('the client starts one by its name', async () => {
  const { handler } = handlerRig({ tools: { work: ({ text = 'bye' }) => text }, workflows: WORKFLOWS })
  const client = createClient({ url: 'http://localhost', fetch: handler.fetch })
  const input = { who: 'Ada' }
  const { status, results } = await client.execute('greet', { input })
  expect([status, results[0]]).toMatchObject(['success', { output: 'Hello, Ada' }])
  const execution = client.stream('greet', { input, options: { schedule: 'dataflow' } })
  expect((await execution.result).results[0]).toMatchObject({ output: 'Hello, Ada' })
  await expect(client.execute('great', { input })).rejects.toMatchObject({
    code: 'HTTP_ERROR',
    details: { status: 404, code: 'WORKFLOW_NOT_FOUND' },
  })
  expect(() => client.stream('')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
