import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { MASKED } from '../../../src/tools/mask-arguments.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { handlerRig, ONE_TASK, readProblem } from './handler-rig.ts'

const at = (ms: number): string => new Date(FakeClock.START + ms).toISOString()

describe('the details of a task', () => {
  test('are what is known: arguments from the first attempt on, then the output', async () => {
    const { begin, get, tool } = handlerRig()
    const b = { of: '$OUTPUT[a].n', all: ['$OUTPUT[a]', '$INPUT'], text: 'is $OUTPUT[a].n' }
    const workflow = {
      tasks: [
        { id: 'a', tool: 'work' },
        { id: 'b', tool: 'work', arguments: b },
      ],
    }
    await begin({ workflow, input: null })
    const read = async (id: string): Promise<unknown> => (await get(`/executions/x1/tasks/${id}`)).json()
    const first = await tool.nextCall('a')
    expect(await read('b')).toEqual({ taskId: 'b', status: 'pending', attempts: [] })
    first.succeed({ n: 7 })
    const second = await tool.nextCall('b')
    const known = { taskId: 'b', tool: 'work', arguments: second.args }
    expect(await read('b')).toEqual({ ...known, status: 'running', attempts: [{ attempt: 1, startedAt: at(0) }] })
    second.succeed('done')
    await tool.idle()
    const attempts = [{ attempt: 1, startedAt: at(0), endedAt: at(0) }]
    expect(await read('b')).toEqual({ ...known, status: 'success', output: 'done', attempts })
  })

  test('name each attempt with its times and its failure', async () => {
    const { begin, get, tool, clock } = handlerRig()
    await begin({ tasks: [{ id: 'a', tool: 'work', retry: { maxAttempts: 2, initialDelayMs: 100, jitter: 0 } }] })
    const first = await tool.nextCall('a')
    await clock.run(5)
    first.fail(Object.assign(new Error('busy'), { code: 'BUSY' }))
    await clock.run(100)
    ;(await tool.nextCall('a')).fail(new Error('no'))
    await tool.idle()
    expect(await (await get('/executions/x1/tasks/a')).json()).toEqual({
      taskId: 'a',
      tool: 'work',
      status: 'error',
      arguments: {},
      attempts: [
        { attempt: 1, startedAt: at(0), endedAt: at(5), error: 'busy', code: 'BUSY' },
        { attempt: 2, startedAt: at(105), endedAt: at(105), error: 'no', code: 'TOOL_ERROR' },
      ],
    })
  })

  test('of items, rounds and nested tasks are those of their own calls', async () => {
    const { create, get } = handlerRig({ tools: { work: args => args } })
    const nested = { tasks: [{ id: 'in', tool: 'work', arguments: { n: '$INPUT.n' } }] }
    await (
      await create({
        tasks: [
          { id: 'items', forEach: ['x', 'y'], tool: 'work', arguments: { item: '$ITEM', at: '$INDEX' } },
          { id: 'sub', workflow: nested, arguments: { n: '$OUTPUT[items][1].item' } },
        ],
      })
    ).text()
    const read = async (id: string): Promise<unknown> => {
      return ((await (await get(`/executions/x1/tasks/${encodeURIComponent(id)}`)).json()) as { arguments?: unknown })
        .arguments
    }
    expect([await read('items[1]'), await read('sub/in')]).toEqual([{ item: 'y', at: 1 }, { n: 'y' }])
    expect([await read('items'), await read('sub')]).toEqual([undefined, undefined])
  })

  test('are the same after a restart, also where outputs are large and old events are evicted', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore({ clock, maxTailEvents: 10 })
    const big = { text: 'é'.repeat(50_000), n: 1 }
    const tools = { work: (args: unknown, { taskId }: { taskId: string }) => (taskId === 'a' ? big : args) }
    const tasks = [
      { id: 'a', tool: 'work' },
      ...Array.from({ length: 20 }, (_, n) => ({ id: `b${n}`, tool: 'work', arguments: { of: '$OUTPUT[a].text' } })),
    ]
    await (await handlerRig({ store, clock, tools }).create({ tasks })).text()
    const { get } = handlerRig({ store, clock, tools })
    const last = (await (await get('/executions/x1/tasks/b19')).json()) as Record<string, unknown>
    expect(last['arguments']).toEqual({ of: big.text })
    expect(last).toMatchObject({ outputBytes: 100_009, attempts: [] })
    const first = (await (await get('/executions/x1/tasks/a')).json()) as Record<string, unknown>
    expect([first['outputBytes'], first['outputPath'], first['attempts']]).toEqual([
      100_017,
      '/executions/x1/tasks/a/output',
      [],
    ])
  })

  test('give the size of arguments over 1 MiB', async () => {
    const { create, get } = handlerRig({ tools: { work: (args: { b?: 1 }) => (args.b ? 1 : 'x'.repeat(600_000)) } })
    const b = { id: 'b', tool: 'work', arguments: { b: 1, twice: ['$OUTPUT[a]', '$OUTPUT[a]'] } }
    await (await create({ tasks: [{ id: 'a', tool: 'work' }, b] })).text()
    const details = await (await get('/executions/x1/tasks/b')).json()
    expect(details).toMatchObject({ argumentsBytes: 1_200_023, output: 1 })
    expect(details).not.toHaveProperty('arguments')
  })

  test('of an unknown task get 404, of a malformed path 400', async () => {
    const { create, get } = handlerRig({ tools: { work: () => 1 } })
    await (await create(ONE_TASK)).text()
    expect((await readProblem(await get('/executions/x1/tasks/constructor'))).code).toBe('TASK_NOT_FOUND')
    expect((await readProblem(await get('/executions/x1/tasks/%ff'))).status).toBe(400)
  })
})

describe('secrets among the arguments', () => {
  const tools = {
    login: {
      inputSchema: { type: 'object', properties: { user: {}, password: { type: 'string', writeOnly: true } } },
      execute: () => 1,
    },
    faulty: {
      maskArguments: () => {
        throw new Error('no')
      },
      execute: () => 1,
    },
  }
  const tasks = [
    { id: 'a', tool: 'login', arguments: { user: 'ada', password: 'hunter2' } },
    { id: 'b', tool: 'faulty', arguments: { key: 'hunter2' } },
  ]

  test('are masked as the tool and its schema say, and shown to nobody where neither can', async () => {
    const store = createMemoryStore()
    const { create, get } = handlerRig({ tools, store })
    await (await create({ tasks })).text()
    const first = await (await get('/executions/x1/tasks/a')).json()
    expect(first).toMatchObject({ arguments: { user: 'ada', password: MASKED } })
    const second = await get('/executions/x1/tasks/b')
    expect([second.status, await second.text()]).toEqual([200, expect.not.stringContaining('hunter2')])
    const later = await handlerRig({ tools: {}, store }).get('/executions/x1/tasks/a')
    expect([later.status, await later.text()]).toEqual([200, expect.not.stringContaining('hunter2')])
  })

  test('of HTTP tools are credentials of URLs, and all but harmless headers', async () => {
    const { create, get } = handlerRig({ tools: httpTools({ allowedHosts: ['example.invalid'] }) })
    const sent = {
      url: 'http://ada:hunter2@example.invalid/a?api_key=hunter2&q=1',
      headers: { Authorization: 'Bearer hunter2', Cookie: 'a=hunter2', 'X-Key': 'hunter2', Accept: 'text/plain' },
      query: { session: 'hunter2', page: 2 },
    }
    await (await create({ tasks: [{ id: 'a', tool: 'http:get', arguments: sent, retry: { maxAttempts: 1 } }] })).text()
    const details = await (await get('/executions/x1/tasks/a')).json()
    expect(details.arguments).toEqual({
      url: `http://${MASKED}@example.invalid/a?api_key=${MASKED}&q=1`,
      headers: { Authorization: MASKED, Cookie: MASKED, 'X-Key': MASKED, Accept: 'text/plain' },
      query: { session: MASKED, page: 2 },
    })
    expect(JSON.stringify(details)).not.toContain('hunter2')
  })
})

test('the graph of an execution has its dependencies and conditions, and no arguments', async () => {
  const { begin, get } = handlerRig()
  await begin({
    tasks: [
      { id: 'a', tool: 'work', arguments: { key: 'hunter2' } },
      { id: 'b', tool: 'work', arguments: { of: '$OUTPUT[a]' }, when: 'output.a == 1', optional: true },
      { id: 'c', tool: 'work', forEach: [1, 2], dependsOn: ['a'], approve: true },
      { id: 'd', workflow: { tasks: [{ id: 'in', tool: 'work' }] }, runOn: 'failure', dependsOn: ['b'] },
    ],
    finally: [{ id: 'e', tool: 'work' }],
  })
  const response = await get('/executions/x1/graph')
  expect(await response.json()).toEqual({
    tasks: [
      { taskId: 'a', tool: 'work', dependsOn: [] },
      { taskId: 'b', tool: 'work', dependsOn: ['a'], when: 'output.a == 1', optional: true },
      { taskId: 'c', tool: 'work', dependsOn: ['a'], children: 'forEach', approve: true },
      { taskId: 'd', tool: 'workflow', dependsOn: ['b'], children: 'workflow', runOn: 'failure' },
      { taskId: 'e', tool: 'work', dependsOn: [] },
    ],
  })
})
