import { expect, test } from 'vitest'
import {
  type DAGStructure,
  type EventFor,
  type ExecutionResult,
  JsonNumber,
  parseJson,
  type SSEEvent,
  stringifyJson,
  StreamingExecutor,
  type ToolSource,
} from '../../src/index.ts'
import { encode } from '../../src/sse/encode.ts'

const big = new JsonNumber('9007199254740993')
const huge = new JsonNumber('1e999')

interface Run {
  readonly result: ExecutionResult
  readonly events: readonly SSEEvent[]
  /** The messages of warnings, by task. */
  readonly warnings: readonly (readonly [taskId: string | undefined, message: string])[]
}

async function run(workflow: DAGStructure, tools: ToolSource, input?: unknown): Promise<Run> {
  const execution = new StreamingExecutor(tools).stream(workflow, { input })
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  const warnings = events
    .filter((event): event is EventFor<'info'> => event.type === 'info' && event.data.level === 'warning')
    .map(({ data }) => [data.taskId, data.message] as const)
  return { result: await execution.result, events, warnings }
}

const pass = { exactNumbers: true, execute: (args: unknown) => args }

test('references, text and literals keep the digits, and so do result, events and the wire', async () => {
  const tasks = [
    { id: 'a', tool: 'make' },
    {
      id: 'b',
      tool: 'pass',
      arguments: {
        one: '$OUTPUT[a].body.id',
        text: 'id=${OUTPUT[a].body.id}',
        part: '$OUTPUT[a].body',
        json: 'it is ${OUTPUT[a].body}',
        whole: '$OUTPUT[a]',
        given: '$INPUT.n',
        literal: { deep: [huge] },
      },
    },
  ]
  const make = { execute: (): unknown => ({ body: { id: big, ids: [huge] } }) }
  const { result, events, warnings } = await run({ tasks }, { make, pass }, { n: new JsonNumber('-1e400') })
  const output = {
    one: big,
    text: 'id=9007199254740993',
    part: { id: big, ids: [huge] },
    json: 'it is {"id":9007199254740993,"ids":[1e999]}',
    whole: { body: { id: big, ids: [huge] } },
    given: new JsonNumber('-1e400'),
    literal: { deep: [huge] },
  }
  expect(result.results.map(each => each.output)).toEqual([{ body: { id: big, ids: [huge] } }, output])
  const completed = events.filter((event): event is EventFor<'task_complete'> => event.type === 'task_complete')
  expect(completed.at(-1)?.data.output).toEqual(output)
  expect(encode(completed.at(-1) as SSEEvent)).toContain(`"output":${stringifyJson(output)}`)
  expect(warnings).toEqual([])
})

test('a scalar output keeps its digits', async () => {
  const tools = { make: { execute: (): unknown => big }, pass }
  const tasks = [
    { id: 'a', tool: 'make' },
    { id: 'b', tool: 'pass', arguments: { v: '$OUTPUT[a]' } },
  ]
  const { result } = await run({ tasks }, tools)
  expect(result.results.map(each => each.output)).toEqual([big, { v: big }])
})

test('a tool that asks for nothing else gets doubles, and a warning names the places', async () => {
  const seen: unknown[] = []
  const plain = (args: unknown): null => {
    seen.push(args)
    return null
  }
  const input = parseJson('{"id":9007199254740993,"list":[1,1e999,-1e999,1e-400],"__proto__":{"a/b":9007199254740995}}')
  const tasks = [
    { id: 'a', tool: 'plain', arguments: { body: '$INPUT', own: 1 } },
    { id: 'b', tool: 'plain', arguments: { id: '$INPUT.list[0]' } },
  ]
  const { warnings } = await run({ tasks }, { plain }, input)
  const [first, second] = seen as [{ body: Record<string, unknown> }, unknown]
  expect(Object.entries(first.body)).toEqual([
    ['id', 9007199254740992],
    ['list', [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]],
    ['__proto__', { 'a/b': 9007199254740996 }],
  ])
  expect(second).toEqual({ id: 1 })
  expect(warnings).toEqual([
    [
      'a',
      'Numbers among the arguments lost digits at `/body/id`, `/body/list/1`, `/body/list/2`, `/body/list/3`, ' +
        '`/body/__proto__/a~1b`: the tool gets the nearest JavaScript numbers; `exactNumbers` keeps the digits',
    ],
  ])
})

test('a warning names five places and counts the rest', async () => {
  const input = new Array(2000).fill(big)
  const tasks = [{ id: 'a', tool: 'plain', arguments: { n: '$INPUT' } }]
  const { warnings } = await run({ tasks }, { plain: () => null }, input)
  expect(warnings.map(([, message]) => message)).toEqual([
    'Numbers among the arguments lost digits at `/n/0`, `/n/1`, `/n/2`, `/n/3`, `/n/4` and 1995 more: the tool gets the ' +
      'nearest JavaScript numbers; `exactNumbers` keeps the digits',
  ])
})

test('a number that JSON has no form for is null in an output, and a warning names its place', async () => {
  const tools = {
    inside: () => ({ 'a/b': [1, Number.NaN], c: { d: Number.NEGATIVE_INFINITY } }),
    alone: () => Number.POSITIVE_INFINITY,
    later: async () => [Number.NaN],
    fine: () => ({ a: null, b: 1 }),
  }
  const tasks = Object.keys(tools).map(tool => ({ id: tool, tool }))
  const { result, warnings } = await run({ tasks }, tools)
  expect(result.results.map(({ output }) => output)).toEqual([
    { 'a/b': [1, null], c: { d: null } },
    null,
    [null],
    { a: null, b: 1 },
  ])
  const what = 'NaN and the infinities are not JSON: the output has null in their place'
  expect(new Map(warnings)).toEqual(
    new Map([
      ['inside', `${what} at \`/a~1b/1\`, \`/c/d\``],
      ['alone', what],
      ['later', `${what} at \`/0\``],
    ]),
  )
})

const schema = {
  type: 'object',
  properties: { id: { type: 'integer', minimum: 1 }, n: { type: 'number', maximum: 1e6 }, o: { type: 'object' } },
}

test.each([
  [{ id: big }, []],
  [{ id: huge }, []],
  [{ id: new JsonNumber('-1e400') }, ['/tasks/0/arguments/id']],
  [{ n: big }, ['/tasks/0/arguments/n']],
  [{ n: huge }, ['/tasks/0/arguments/n']],
  [{ o: big }, ['/tasks/0/arguments/o']],
])('a JSON Schema sees %j as a number', async (args, pointers) => {
  const { validateWorkflow } = await import('../../src/index.ts')
  const tools = { pass: { ...pass, inputSchema: schema } }
  const { issues } = validateWorkflow({ tasks: [{ id: 'a', tool: 'pass', arguments: args }] }, tools)
  expect(issues.map(({ pointer }) => pointer)).toEqual(pointers)
  if (pointers.length > 0) return
  const { result } = await run({ tasks: [{ id: 'a', tool: 'pass', arguments: args }] }, tools)
  expect(result.results[0]?.output).toEqual(args)
})

test('a number is not an object: nothing is inside, and nothing stands in its place', async () => {
  const { validateWorkflow } = await import('../../src/index.ts')
  const tools = { pass }
  const messages = (document: unknown): string[] =>
    validateWorkflow(document, tools, { input: { n: big } }).issues.map(({ message }) => message)
  expect(messages(big)).toEqual(['Expected the workflow to be an object, got `9007199254740993` (number)'])
  expect(messages({ tasks: [{ id: 'a', tool: 'pass', arguments: huge }] })).toEqual([
    'Expected `arguments` to be an object, got `1e999` (number)',
  ])
  expect(messages({ tasks: [{ id: 'a', tool: 'pass', timeoutMs: huge }] })).toEqual([
    'Expected `timeoutMs` to be a finite number ≥ 0, got `1e999` (number)',
  ])
  expect(messages({ tasks: [{ id: 'a', tool: 'pass', arguments: { v: '$INPUT.n.text' } }] })).toEqual([
    '`$INPUT.n.text` has no `text`: there is a number, which has no members',
  ])
})

test('`exactNumbers` is a boolean', () => {
  const tools = { t: { execute: () => 1, exactNumbers: 'yes' as unknown as boolean } }
  expect(() => new StreamingExecutor(tools)).toThrow('expected `exactNumbers` to be a boolean, got `"yes"` (string)')
})
