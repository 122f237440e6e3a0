import { describe, expect, test } from 'vitest'
import { type SSEEvent, validateWorkflow } from '../../../../src/index.ts'
import { failure } from '../../../../src/integrations/llm/stream-error.ts'
import { createPlanTool } from '../../../../src/integrations/llm/plan/plan-tool.ts'
import { idle } from '../../../support/fake-clock.ts'
import { ANSWERS } from './answers.ts'
import { ScriptedModel } from './plan-rig.ts'
import { createTools, HeldModel, line, runPlanner } from './planner-rig.ts'

const SEAL = '{"seal": true}'
const PROMPT = { prompt: 'Do it' }

const ends = (events: readonly SSEEvent[]): object =>
  Object.fromEntries(
    events.flatMap(({ type, data }) =>
      type === 'task_complete' ? [[data.taskId, data.status === 'success' ? 'success' : data.code]] : [],
    ),
  )

test('planned tasks run while the model writes, and the task ends with their outputs', async () => {
  const model = new HeldModel()
  const { events, held, end } = runPlanner(model, {
    tasks: [
      { id: 'p', tool: 'llm:plan', arguments: PROMPT },
      { id: 'z', tool: 'echo', arguments: { text: '$OUTPUT[p].b' } },
    ],
  })
  model.write(line('a', 'read'))
  const a = await held.nextCall('p/a')
  a.succeed(1)
  model.write(line('b', 'echo', { arguments: { text: { got: '$OUTPUT[a]' } } }))
  await idle()
  expect(ends(events)).toEqual({ 'p/a': 'success', 'p/b': 'success' })
  model.write(SEAL)
  model.end()
  const result = await end()
  expect(ends(events)).toEqual({ 'p/a': 'success', 'p/b': 'success', 'p[plan]': 'success', p: 'success', z: 'success' })
  expect(result.results[0]).toMatchObject({
    output: { a: 1, b: { got: 1 } },
    tasks: [{ taskId: 'p[plan]' }, { taskId: 'p/a' }, { taskId: 'p/b' }],
  })
  expect(result.results[1]?.output).toEqual({ got: 1 })
  expect(result.tokenUsage).toEqual({ totalTokensIn: 100, totalTokensOut: 10 })
  const added = events.filter(({ type }) => type === 'tasks_added').map(({ data }) => data)
  expect(added).toMatchObject([
    { parentId: 'p', totalTasks: 3, tasks: [{ taskId: 'p[plan]', tool: 'llm:plan', dependsOn: [] }] },
    { parentId: 'p', totalTasks: 4, tasks: [{ taskId: 'p/a', tool: 'read', dependsOn: [] }] },
    { parentId: 'p', totalTasks: 5, tasks: [{ taskId: 'p/b', tool: 'echo', dependsOn: ['p/a'] }] },
  ])
  expect(JSON.stringify(added)).not.toContain('definition')
})

test.each(ANSWERS)('as a task: $name', async ({ answers, ids, requests = answers.length, codes }) => {
  const model = new ScriptedModel(answers)
  const tools = [
    createPlanTool(model) as never,
    { name: 'search', readOnly: true, inputSchema: SEARCH, execute: () => [] },
    { name: 'write', inputSchema: { type: 'object' }, execute: () => '' },
  ]
  const { StreamingExecutor } = await import('../../../../src/index.ts')
  const execution = new StreamingExecutor(tools).stream({ tasks: [{ id: 'p', tool: 'llm:plan', arguments: PROMPT }] })
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  const result = await execution.result
  const joined = events.flatMap(({ type, data }) =>
    type === 'tasks_added' ? data.tasks.map(({ taskId }) => taskId) : [],
  )
  expect(joined).toEqual(['p[plan]', ...ids.map(id => `p/${id}`)])
  expect(model.requests).toHaveLength(requests)
  if (codes === undefined) {
    expect(result.results[0]).toMatchObject({ status: 'success' })
    expect(Object.keys(result.results[0]?.output as object)).toEqual(ids)
  } else {
    expect(result.results[0]).toMatchObject({ status: 'error', code: 'INVALID_WORKFLOW' })
    const refused = events.flatMap(({ type, data }) => (type === 'plan_rejected' ? [data] : []))
    const found = new Set(refused.flatMap(({ issues }) => issues.map(({ code }) => code)))
    for (const code of codes) expect(found).toContain(code)
    expect(refused.every(({ parentId }) => parentId === 'p')).toBe(true)
  }
})

const SEARCH = {
  type: 'object',
  properties: { query: { type: 'string' }, limit: { type: 'integer' } },
  required: ['query'],
  additionalProperties: false,
}

describe('safety', () => {
  test('a tool that is not read-only waits for the end of the plan', async () => {
    const model = new HeldModel()
    const { held, end } = runPlanner(model)
    model.write(line('w', 'write'), line('r', 'read'))
    await held.nextCall('p/r').then(call => call.succeed())
    await idle()
    expect(held.started).toEqual(['p/r'])
    model.write(SEAL)
    await idle()
    expect(held.started).toEqual(['p/r'])
    model.end()
    await held.nextCall('p/w').then(call => call.succeed())
    expect((await end()).status).toBe('success')
  })

  test('with `eager: "all"` it does not, also by reference', async () => {
    const model = new HeldModel()
    const { tools, held } = createTools(model)
    const { StreamingExecutor } = await import('../../../../src/index.ts')
    const task = { id: 'p', tool: 'llm:plan', arguments: { ...PROMPT, eager: '$INPUT.eager' } }
    const execution = new StreamingExecutor(tools).stream({ tasks: [task] }, { input: { eager: 'all' } })
    model.write(line('w', 'write'))
    await held.nextCall('p/w').then(call => call.succeed())
    model.end()
    expect((await execution.result).status).toBe('success')
  })

  test('a plan within a plan is refused, also inside a workflow', async () => {
    const model = new ScriptedModel([
      [line('q', 'llm:plan', { arguments: PROMPT }), '{"id":"s","workflow":"planning"}'].join('\n'),
      line('a', 'echo'),
    ])
    const workflows = { planning: { tasks: [{ id: 'q', tool: 'llm:plan', arguments: PROMPT }] } }
    const { events, end } = runPlanner(model, undefined, { workflows })
    expect((await end()).results[0]).toMatchObject({ status: 'success', output: { a: null } })
    const refused = events.flatMap(({ type, data }) => (type === 'plan_rejected' ? [data] : []))
    expect(refused.map(({ line: at, issues }) => [at, issues.map(({ code }) => code)])).toEqual([
      [1, ['UNKNOWN_TOOL']],
      [2, ['UNKNOWN_TOOL']],
    ])
    expect(JSON.stringify(model.requests[0])).not.toContain('llm:plan')
  })
})

describe('ids', () => {
  test('tasks of the document are not known to a plan', async () => {
    const model = new ScriptedModel([line('a', 'echo', { dependsOn: ['o'] }), '', ''])
    const { end } = runPlanner(model, {
      tasks: [
        { id: 'o', tool: 'echo' },
        { id: 'p', tool: 'llm:plan', arguments: PROMPT, dependsOn: ['o'] },
      ],
    })
    expect((await end()).results[1]).toMatchObject({
      code: 'INVALID_WORKFLOW',
      error: expect.stringContaining('There is no earlier task `o`') as string,
    })
  })

  test('an id that begins with that of a task that plans is refused', () => {
    const { tools } = createTools(new HeldModel())
    const tasks = [
      { id: 'p', tool: 'llm:plan', arguments: PROMPT },
      { id: 'p/x', tool: 'echo' },
    ]
    expect(validateWorkflow({ tasks }, tools).issues).toMatchObject([{ code: 'DUPLICATE_TASK_ID' }])
    const each = tasks.map((task, at) => (at === 0 ? { ...task, forEach: [1] } : task))
    expect(validateWorkflow({ tasks: each }, tools).valid).toBe(true)
  })

  test('`cache` beside it is refused', () => {
    const { tools } = createTools(new HeldModel())
    const task = { id: 'p', tool: 'llm:plan', arguments: PROMPT, cache: { ttlMs: 1, effects: true } }
    expect(validateWorkflow({ tasks: [task] }, tools).issues).toMatchObject([
      { code: 'INVALID_SHAPE', pointer: '/tasks/0/cache' },
    ])
  })
})

describe('ends', () => {
  test('a further attempt keeps what was accepted, and asks for the rest', async () => {
    const model = new HeldModel()
    const { events, held, end } = runPlanner(model)
    model.write(line('a', 'read'))
    await held.nextCall('p/a').then(call => call.succeed(7))
    model.fail(failure('PROVIDER_UNAVAILABLE', 'no'))
    const [, user] = (await model.asked(2)) as unknown as { content: string }[]
    expect(user?.content).toContain('These tasks of it were accepted')
    expect(user?.content).toContain('{"id":"a","tool":"read"}')
    model.write(line('a', 'echo'), line('b', 'echo', { arguments: { text: '$OUTPUT[a]' } }), SEAL)
    model.end()
    const { results, tokenUsage } = await end()
    expect(results[0]).toMatchObject({ output: { a: 7, b: 7 }, tasks: [{ attempts: 2 }, {}, {}] })
    expect(tokenUsage).toEqual({ totalTokensIn: 200, totalTokensOut: 15 })
    expect(held.started).toEqual(['p/a'])
    expect(events.filter(({ type }) => type === 'task_retry')).toHaveLength(1)
  })

  test('a planner that fails cancels its tasks and fails the parent with its code', async () => {
    const model = new HeldModel()
    const { events, held, end } = runPlanner(model)
    model.write(line('a', 'read'), line('b', 'echo', { dependsOn: ['a'] }))
    await held.nextCall('p/a')
    model.fail(failure('INVALID_REQUEST', 'wrong'))
    await idle()
    const a = await end()
    expect(ends(events)).toEqual({
      'p[plan]': 'INVALID_REQUEST',
      'p/b': 'CANCELLED',
      'p/a': 'CANCELLED',
      p: 'INVALID_REQUEST',
    })
    expect(a.tokenUsage).toEqual({ totalTokensIn: 100, totalTokensOut: 5 })
  })

  test('a task that fails leaves the others to run, and fails the parent', async () => {
    const model = new ScriptedModel([
      [line('a', 'read'), line('b', 'echo', { dependsOn: ['a'] }), line('c', 'echo')].join('\n'),
    ])
    const { events, held, end } = runPlanner(model)
    await held.nextCall('p/a').then(call => call.fail(Object.assign(new Error('no'), { retryable: false })))
    await end()
    expect(ends(events)).toEqual({
      'p[plan]': 'success',
      'p/c': 'success',
      'p/a': 'TOOL_ERROR',
      'p/b': 'DEPENDENCY_FAILED',
      p: 'CHILD_FAILED',
    })
  })

  test('`fail-fast` stops the plan and its planner', async () => {
    const model = new HeldModel()
    const { events, held, end } = runPlanner(model, undefined, { onTaskError: 'fail-fast' })
    model.write(line('a', 'read'), line('b', 'read'))
    const call = await held.nextCall('p/a')
    await held.nextCall('p/b')
    call.fail(Object.assign(new Error('no'), { retryable: false }))
    await end()
    expect(ends(events)).toEqual({ 'p/a': 'TOOL_ERROR', 'p[plan]': 'CANCELLED', 'p/b': 'CANCELLED', p: 'CHILD_FAILED' })
  })

  test('a cancellation reaches the model, and its usage counts', async () => {
    const model = new HeldModel()
    const { execution, events, held, end } = runPlanner(model)
    model.write(line('a', 'read'))
    await held.nextCall('p/a')
    execution.cancel()
    const result = await end()
    expect(result.status).toBe('cancelled')
    expect(ends(events)).toEqual({ 'p[plan]': 'CANCELLED', 'p/a': 'CANCELLED', p: 'CANCELLED' })
    expect(result.tokenUsage).toEqual({ totalTokensIn: 100, totalTokensOut: 1 })
  })

  test('more tasks than a plan may have are refused', async () => {
    const ids = Array.from({ length: 1001 }, (_, i) => line(`t${i}`, 'echo'))
    const { events, end } = runPlanner(new ScriptedModel([ids.join('\n'), SEAL], 50_000))
    expect((await end()).totalTasks).toBe(1002)
    expect(events.filter(({ type }) => type === 'plan_rejected').map(({ data }) => data)).toMatchObject([
      { line: 1001, issues: [{ message: 'Expected at most 1000 tasks' }] },
    ])
  })
})

describe('places', () => {
  const answer = [
    line('a', 'echo', { arguments: { text: 'x' } }),
    line('b', 'echo', { arguments: { text: '$OUTPUT[a]' } }),
  ].join('\n')

  test('within `forEach`, `repeat`, a workflow, `finally`, and behind a condition', async () => {
    const model = new ScriptedModel(Array<string>(8).fill(answer))
    const { end } = runPlanner(model, {
      tasks: [
        { id: 'each', tool: 'llm:plan', forEach: [1, 2], arguments: { prompt: 'For $ITEM' } },
        { id: 'again', tool: 'llm:plan', repeat: { maxTimes: 2 }, arguments: PROMPT },
        {
          id: 'inner',
          workflow: { tasks: [{ id: 'p', tool: 'llm:plan', arguments: PROMPT }], output: '$OUTPUT[p].b' },
        },
        { id: 'not', tool: 'llm:plan', when: 'output.inner == "y"', arguments: PROMPT },
      ],
      finally: [{ id: 'last', tool: 'llm:plan', arguments: PROMPT }],
    })
    const { results, status } = await end()
    const planned = { a: 'x', b: 'x' }
    expect(results.map(({ output }) => output)).toEqual([[planned, planned], planned, 'x', undefined, planned])
    expect([status, results[3]?.status]).toEqual(['success', 'skipped'])
  })

  test('`optional` tolerates it, and its readers get the default', async () => {
    const { end } = runPlanner(new ScriptedModel([]), {
      tasks: [
        { id: 'p', tool: 'llm:plan', arguments: { ...PROMPT, repairs: 0 }, optional: true, default: { none: true } },
        { id: 'z', tool: 'echo', arguments: { text: '$OUTPUT[p]' } },
      ],
    })
    const { results, status } = await end()
    expect([status, results[1]?.output]).toEqual(['success', { none: true }])
  })

  test('planned tasks may use the language', async () => {
    const lines = [
      line('a', 'echo', { arguments: { text: [1, 2] } }),
      line('b', 'echo', { forEach: '$OUTPUT[a]', arguments: { text: '$ITEM' } }),
      line('c', 'echo', { when: 'size(output.b) > 5' }),
      line('d', 'echo', { runOn: 'settled', dependsOn: ['c'], arguments: { text: '$STATUS[c]' } }),
      '{"id":"e","workflow":{"tasks":[{"id":"x","tool":"echo","arguments":{"text":"$INPUT.t"}}]},"arguments":{"t":"$OUTPUT[b]"}}',
    ]
    const { events, end } = runPlanner(new ScriptedModel([lines.join('\n')]))
    const { results } = await end()
    expect(results[0]?.output).toEqual({ a: [1, 2], b: [1, 2], c: null, d: 'skipped', e: { x: [1, 2] } })
    expect(Object.keys(ends(events))).toContain('p/e/x')
    expect(Object.keys(ends(events))).toContain('p/b[1]')
  })
})
