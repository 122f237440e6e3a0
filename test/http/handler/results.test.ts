import { describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionResult,
  type ExecutionStore,
  ParallelExecutor,
  type ToolContext,
} from '../../../src/index.ts'
import { answerLater } from '../../conformance/later-store.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { chain } from '../../support/workflows.ts'
import { handlerRig, ONE_TASK } from './handler-rig.ts'

/** Every way a task may end, and outputs of every size. */
const EVERYTHING: DAGStructure = {
  name: 'everything',
  tasks: [
    { id: 'last', tool: 'work', dependsOn: ['big'], arguments: { give: '$OUTPUT[a]' } },
    { id: 'a', tool: 'work', arguments: { give: { text: '"\\\n\u2028', n: [1, null, true] } } },
    { id: 'big', tool: 'work', arguments: { size: 100_000 } },
    { id: 'bad', tool: 'work', arguments: { fail: true } },
    { id: 'skipped', tool: 'work', dependsOn: ['bad', 'a'] },
    { id: 'null', tool: 'work', arguments: { give: null } },
    { id: 'again', tool: 'work', arguments: { fail: true }, retry: { maxAttempts: 2, initialDelayMs: 0 } },
  ],
}

/** Parents of every kind, children of children, outputs that are held and that are not. */
const NESTED: DAGStructure = {
  name: 'nested',
  tasks: [
    { id: 'items', tool: 'work', forEach: [1, 2, 3], arguments: { give: { n: '$ITEM' } } },
    { id: 'empty', tool: 'work', forEach: [], arguments: {} },
    { id: 'big', tool: 'work', forEach: [60_000, 40_000], arguments: { size: '$ITEM' } },
    { id: 'some', tool: 'work', forEach: [true, false], tolerate: 1, arguments: { fail: '$ITEM' } },
    { id: 'worst', tool: 'work', forEach: [false, true], concurrency: 1, arguments: { fail: '$ITEM' } },
    { id: 'rounds', tool: 'work', repeat: { maxTimes: 3 }, arguments: { give: '$INDEX' } },
    {
      id: 'flow',
      forEach: ['a', 'b'],
      workflow: {
        tasks: [
          { id: 'first', tool: 'work', arguments: { give: '$INPUT' } },
          { id: 'large', tool: 'work', dependsOn: ['first'], arguments: { size: 40_000 } },
          { id: 'last', tool: 'work', dependsOn: ['first'], arguments: { give: ['$INPUT'] } },
        ],
        finally: [{ id: 'end', tool: 'work', arguments: { give: '$STATUS' } }],
      },
      arguments: { of: '$ITEM' },
    },
    {
      id: 'said',
      workflow: {
        tasks: [{ id: 'only', tool: 'work', arguments: { give: 1 } }],
        output: { it: '$OUTPUT[only]' },
      },
    },
    { id: 'unneeded', tool: 'work', forEach: [1], when: 'input.n == 2' },
    { id: 'unkept', tool: 'work', arguments: { fail: true }, optional: true, default: [] },
  ],
  finally: [{ id: 'done', tool: 'work', dependsOn: [], arguments: { give: '$STATUS' } }],
  output: { items: '$OUTPUT[items]', big: '$OUTPUT[big]' },
}

function work({ give = null, size, fail }: Record<string, unknown>, { reportUsage }: ToolContext): unknown {
  reportUsage({ totalTokensIn: 2, totalTokensOut: 1 })
  if (fail === true) throw Object.assign(new Error('it fails'), { code: 'E_MINE' })
  return typeof size === 'number' ? 'é'.repeat(size) : give
}

/** What a store gives back that keeps text: nothing that the process still has. */
function textOnly(store: ExecutionStore): ExecutionStore {
  return {
    ...store,
    readBase: () => undefined,
    read: async (executionId, afterSeq, limit) =>
      (await store.read(executionId, afterSeq, limit)).map(({ seq, type, json }) => ({ seq, type, json })),
  }
}

describe('the result is the same to the letter by waiting, by asking afterwards and in process', () => {
  const kinds = {
    memory: () => createMemoryStore(),
    'memory, later': () => answerLater(createMemoryStore()),
    text: () => textOnly(createMemoryStore()),
    'text, later': () => answerLater(textOnly(createMemoryStore())),
  }

  const cases = Object.entries(kinds).flatMap(([kind, make]) => [
    [kind, make, EVERYTHING, '/executions/x1/tasks/big/output'] as const,
    [`${kind}, nested`, make, NESTED, '/executions/x1/tasks/big%5B0%5D/output'] as const,
  ])

  test.each(cases)('%s', async (_, make, workflow, place) => {
    const store = make()
    const { create, get, clock } = handlerRig({ tools: { work }, store })
    const response = await create({ workflow, input: { n: 1 } })
    const waiting = response.text()
    // The retry is due at once, but a clock that stands still has to be told; a store that answers later takes its turns.
    for (let turn = 0; turn < 100; turn++) await clock.run(0)
    const text = (await waiting).trim()
    const waited = JSON.parse(text) as ExecutionResult
    const ownClock = new FakeClock()
    const options = { clock: ownClock, createId: () => 'x1', random: () => 0.5 }
    const executing = new ParallelExecutor({ work }, options).execute(workflow, { input: { n: 1 } })
    await ownClock.run(0)
    const expected = await executing
    expect(waited).toEqual(JSON.parse(JSON.stringify(expected)))
    // The order of the fields is the same, too.
    expect(Object.keys(waited)).toEqual(Object.keys(expected))
    const shown = { executionId: 'x1', status: 'partial', result: waited }
    expect(await (await get('/executions/x1')).json()).toEqual(shown)
    // Another process on the same store has nothing at hand.
    const other = handlerRig({ tools: { work }, store })
    expect(await (await other.get('/executions/x1')).json()).toEqual(shown)
    expect(await (await other.get('/executions/x1')).text()).toBe(await (await get('/executions/x1')).text())
    const big = (await (await other.get(place)).json()) as string
    expect(big.replaceAll('é', '').length).toBe(0)
    expect(big.length).toBeGreaterThanOrEqual(60_000)
  })
})

test('the result of a parent has those of its children, without outputs that its own output holds', async () => {
  const { create } = handlerRig({ tools: { work } })
  const response = await create({ workflow: NESTED, input: { n: 1 } })
  const { results, errors, output, toleratedCount, totalTasks, ...rest } = (await response.json()) as ExecutionResult
  const outline = (list: ExecutionResult['results']): unknown[] =>
    list.map(({ taskId, status, output: own, items, tasks, optional }) => {
      const shown = typeof own === 'string' ? own.length : own
      const flags = [status === 'success' ? [] : [status], own === undefined ? [] : [shown], optional ? ['kept'] : []]
      const children = [items && { items: outline(items) }, tasks && { tasks: outline(tasks) }].filter(Boolean)
      return [taskId, ...flags.flat(), ...children]
    })
  const flow = (id: string): unknown => [
    id,
    {
      tasks: [[`${id}/first`, { of: id === 'flow[0]' ? 'a' : 'b' }], [`${id}/large`], [`${id}/last`], [`${id}/end`, 7]],
    },
  ]
  expect(outline(results.filter(({ taskId }) => taskId !== 'big' && taskId !== 'flow'))).toEqual([
    ['items', [{ n: 1 }, { n: 2 }, { n: 3 }], { items: [['items[0]'], ['items[1]'], ['items[2]']] }],
    ['empty', [], { items: [] }],
    ['some', [null, null], { items: [['some[0]', 'error'], ['some[1]']] }],
    [
      'worst',
      'error',
      {
        items: [
          ['worst[0]', null],
          ['worst[1]', 'error'],
        ],
      },
    ],
    ['rounds', 2, { items: [['rounds[0]', 0], ['rounds[1]', 1], ['rounds[2]']] }],
    ['said', { it: 1 }, { tasks: [['said/only', 1]] }],
    ['unneeded', 'skipped'],
    ['unkept', 'error', 'kept'],
    ['done', 7],
  ])
  const big = results.find(({ taskId }) => taskId === 'big')
  expect(big?.output).toEqual(['é'.repeat(60_000), 'é'.repeat(40_000)])
  const [, ...flows] = outline(results.filter(({ taskId }) => taskId === 'flow'))[0] as unknown[]
  expect(flows[1]).toEqual({ items: [flow('flow[0]'), flow('flow[1]')] })
  expect(errors.map(({ taskId, code }) => [taskId, code])).toEqual([['worst', 'ITEMS_FAILED']])
  expect(output).toEqual({ items: [{ n: 1 }, { n: 2 }, { n: 3 }], big: big?.output })
  expect([toleratedCount, totalTasks, rest.status]).toEqual([1, 34, 'partial'])
})

test('a client that waits has the headers at once, then white space, then the result', async () => {
  const { create, tool, clock } = handlerRig({ heartbeatMs: 1000 })
  const response = await create(ONE_TASK)
  expect([response.status, response.headers.get('execution-id'), response.headers.get('location')]).toEqual([
    200,
    'x1',
    '/executions/x1',
  ])
  const text = response.text()
  const call = await tool.nextCall('a')
  await clock.run(3500)
  call.succeed({ n: 1 })
  const body = await text
  expect(body.match(/^\s*/)?.[0].length).toBeGreaterThanOrEqual(3)
  expect(JSON.parse(body)).toMatchObject({ executionId: 'x1', results: [{ output: { n: 1 } }] })
  await tool.idle()
  expect(clock.timerCount).toBe(0)
})

test('a result of many large outputs comes in pieces and whole', async () => {
  const { create } = handlerRig({ tools: { work: (_, { taskId }) => taskId.repeat(20_000) } })
  const response = await create(chain(40))
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let most = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    most = Math.max(most, value.length)
    text += decoder.decode(value, { stream: true })
  }
  const { results } = JSON.parse(text) as ExecutionResult
  expect(results.map(({ output }) => (output as string).length)).toEqual(
    Array.from({ length: 40 }, (_, at) => `t${at}`.length * 20_000),
  )
  expect(most).toBeLessThan(200_000)
})

test('an execution that runs is shown without a result', async () => {
  const { begin, get, tool } = handlerRig()
  const executionId = await begin(ONE_TASK)
  await tool.nextCall('a')
  const response = await get(`/executions/${executionId}`)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toEqual({ executionId, status: 'running' })
})
