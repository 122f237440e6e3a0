import { expect, test } from 'vitest'
import { ONE_TASK } from '../http/handler/handler-rig.ts'
import { mcpRig } from './mcp-rig.ts'

const DOUBLE = {
  description: 'Doubles a number',
  inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
  tasks: [{ id: 'a', tool: 'work', arguments: { n: '$INPUT.n' } }],
  output: '$OUTPUT[a]',
}

test('the tools are those of executions, and one for each registered workflow', async () => {
  const { connect } = mcpRig({ workflows: { double: DOUBLE, 'my.flow': ONE_TASK, run_workflow: ONE_TASK } })
  const { client } = await connect()
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual([
    'double',
    'my_flow',
    'run_workflow_2',
    'list_tools',
    'validate_workflow',
    'run_workflow',
    'get_execution',
    'answer_input',
    'cancel_execution',
  ])
  const [double] = tools
  expect([double?.title, double?.description, double?.inputSchema, double?.outputSchema?.required]).toEqual([
    'double',
    'Doubles a number',
    DOUBLE.inputSchema,
    ['executionId', 'status'],
  ])
})

test('a registered workflow takes its input as arguments and gives its output', async () => {
  const rig = mcpRig({ workflows: { double: DOUBLE } })
  const { call } = await rig.connect()
  const answer = call('double', { n: 21 })
  const work = await rig.tool.nextCall('a')
  expect(work.args).toEqual({ n: 21 })
  work.succeed(42)
  expect(await answer).toEqual({
    structured: { executionId: 'x1', status: 'success', output: 42 },
    text: '{"executionId":"x1","status":"success","output":42}',
    isError: false,
  })
})

test('a workflow whose input is no object takes it as `input`', async () => {
  const workflow = {
    ...DOUBLE,
    inputSchema: { type: 'integer' },
    tasks: [{ id: 'a', tool: 'work', arguments: { n: '$INPUT' } }],
  }
  const rig = mcpRig({ workflows: { double: workflow } })
  const { call, client } = await rig.connect()
  const { tools } = await client.listTools()
  expect(tools[0]?.inputSchema).toEqual({
    type: 'object',
    properties: { input: { type: 'integer' } },
    required: ['input'],
    additionalProperties: false,
  })
  const answer = call('double', { input: 3 })
  const work = await rig.tool.nextCall('a')
  work.succeed(6)
  expect([work.args, (await answer).structured?.['output']]).toEqual([{ n: 3 }, 6])
})

test('wrong arguments of a workflow are an error with its issues, and nothing starts', async () => {
  const rig = mcpRig({ workflows: { double: DOUBLE } })
  const { call } = await rig.connect()
  const { structured, isError, text } = await call('double', { n: 'x' })
  expect([structured, isError, JSON.parse(text)]).toEqual([
    undefined,
    true,
    expect.objectContaining({
      code: 'INVALID_WORKFLOW',
      issueCount: 1,
      issues: [expect.objectContaining({ code: 'INVALID_INPUT' })],
    }),
  ])
  expect(rig.tool.started).toEqual([])
})

test.each([
  ['run_workflow', {}, ''],
  ['run_workflow', { workflow: ONE_TASK, options: {} }, '/options'],
  ['get_execution', { executionId: 'x1', waitMs: 60_000 }, '/waitMs'],
  ['answer_input', { executionId: 'x1', inputId: 'a.1' }, ''],
  ['answer_input', { executionId: 'x1', inputId: 'a.1', response: 1, decline: true }, ''],
])('wrong arguments of %s are an error with issues: %j', async (name, args, pointer) => {
  const { call } = await mcpRig().connect()
  const { isError, text } = await call(name, args)
  const { code, issues } = JSON.parse(text) as { code: string; issues: { pointer: string }[] }
  expect([isError, code, issues.map(issue => issue.pointer)]).toEqual([true, 'INVALID_ARGUMENTS', [pointer]])
})

test('a tool that does not exist is an error of the protocol', async () => {
  const { call } = await mcpRig().connect()
  await expect(call('nothing')).rejects.toMatchObject({ code: -32_602 })
})

test('`run_workflow` reports each task that ends, and gives the outputs of the last layer without an `output`', async () => {
  const rig = mcpRig()
  const { call } = await rig.connect()
  const reports: unknown[] = []
  const answer = call(
    'run_workflow',
    {
      workflow: {
        tasks: [
          { id: 'a', tool: 'work' },
          { id: 'b', tool: 'work', dependsOn: ['a'] },
        ],
      },
    },
    { onprogress: report => reports.push(report) },
  )
  ;(await rig.tool.nextCall('a')).succeed(1)
  ;(await rig.tool.nextCall('b')).succeed({ two: 2 })
  expect((await answer).structured).toEqual({ executionId: 'x1', status: 'success', output: { b: { two: 2 } } })
  expect(reports).toEqual([
    { progress: 1, total: 2, message: 'a: success' },
    { progress: 2, total: 2, message: 'b: success' },
  ])
})

test('a failed workflow is an error with its id, its status and its failed tasks', async () => {
  const rig = mcpRig()
  const { call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  ;(await rig.tool.nextCall('a')).fail(Object.assign(new Error('no'), { code: 'NOPE' }))
  const { structured, isError } = await answer
  expect([structured, isError]).toEqual([
    { executionId: 'x1', status: 'error', errors: [{ taskId: 'a', code: 'NOPE', error: 'no' }] },
    true,
  ])
})

test('a call answers after 50 s with the id, and `get_execution` waits for the end', async () => {
  const rig = mcpRig()
  const { call } = await rig.connect()
  const answer = call('run_workflow', { workflow: ONE_TASK })
  const work = await rig.tool.nextCall('a')
  rig.clock.advance(49_999)
  const open = await call('get_execution', { executionId: 'x1' })
  rig.clock.advance(1)
  expect([open.structured, await answer]).toEqual([
    { executionId: 'x1', status: 'running' },
    { structured: { executionId: 'x1', status: 'running' }, text: expect.any(String), isError: false },
  ])
  const waiting = call('get_execution', { executionId: 'x1', waitMs: 1000 })
  work.succeed(1)
  expect((await waiting).structured).toEqual({ executionId: 'x1', status: 'success', output: { a: 1 } })
})

test('a cancelled call cancels its execution', async () => {
  const rig = mcpRig()
  const { call } = await rig.connect()
  const controller = new AbortController()
  const answer = call('run_workflow', { workflow: ONE_TASK }, { signal: controller.signal })
  const work = await rig.tool.nextCall('a')
  controller.abort()
  await expect(answer).rejects.toThrow()
  await expect.poll(() => work.context.signal.aborted).toBe(true)
  work.fail(new Error('aborted'))
  await rig.tool.idle()
  const { structured, isError } = await call('get_execution', { executionId: 'x1' })
  expect([structured, isError]).toEqual([
    {
      executionId: 'x1',
      status: 'cancelled',
      reason: { code: 'CANCELLED', message: 'Cancelled by its MCP client' },
    },
    true,
  ])
})

test('`cancel_execution` cancels, and tells the status as it is then', async () => {
  const rig = mcpRig()
  await rig.begin(ONE_TASK)
  const work = await rig.tool.nextCall('a')
  const { call } = await rig.connect()
  expect((await call('cancel_execution', { executionId: 'x1' })).structured).toMatchObject({ executionId: 'x1' })
  work.fail(new Error('aborted'))
  await rig.tool.idle()
  expect((await call('get_execution', { executionId: 'x1' })).structured).toMatchObject({ status: 'cancelled' })
})

test('`validate_workflow` lists every problem, and `list_tools` the tools', async () => {
  const { call } = await mcpRig().connect()
  const { structured, isError } = await call('validate_workflow', { workflow: { tasks: [{ id: 'a', tool: 'wrok' }] } })
  expect([structured, isError]).toEqual([
    {
      valid: false,
      issueCount: 1,
      issues: [expect.objectContaining({ code: 'UNKNOWN_TOOL', pointer: '/tasks/0/tool' })],
    },
    false,
  ])
  expect((await call('validate_workflow', { workflow: ONE_TASK })).structured).toEqual({
    valid: true,
    issues: [],
    issueCount: 0,
  })
  expect((await call('list_tools')).structured).toEqual({ tools: [expect.objectContaining({ name: 'work' })] })
})

test('an execution that does not exist is an error', async () => {
  const { call } = await mcpRig().connect()
  const { text, isError } = await call('get_execution', { executionId: 'x9' })
  expect([JSON.parse(text), isError]).toEqual([
    { code: 'EXECUTION_NOT_FOUND', message: 'There is no such execution' },
    true,
  ])
})

test('an output over 1 MiB is its size and its beginning', async () => {
  const rig = mcpRig()
  const { call } = await rig.connect()
  const answer = call('run_workflow', { workflow: { ...ONE_TASK, output: '$OUTPUT[a]' } })
  ;(await rig.tool.nextCall('a')).succeed('x'.repeat(1024 * 1024))
  expect((await answer).structured).toEqual({
    executionId: 'x1',
    status: 'success',
    outputBytes: 1024 * 1024 + 2,
    outputPreview: expect.stringMatching(/^"x{900,}/),
  })
})

test('the `traceparent` of a call is given to its execution', async () => {
  const parents: (string | undefined)[] = []
  const observer = { begin: (_: unknown, parent?: string) => void parents.push(parent), observe: () => undefined }
  const rig = mcpRig({ observers: [observer] })
  const { call } = await rig.connect()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const answer = call('run_workflow', { workflow: ONE_TASK }, { _meta: { traceparent } })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await answer
  expect(parents).toEqual([traceparent])
})
