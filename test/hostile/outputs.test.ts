import { expect, test } from 'vitest'
import {
  handleSSERequest,
  handleWorkflowRequest,
  LIMITS,
  ParallelExecutor,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { parseData } from '../http/request-rig.ts'
import { endings } from '../support/outline.ts'

const TWO = {
  tasks: [
    { id: 'a', tool: 'give' },
    { id: 'b', tool: 'echo', arguments: { whole: '$OUTPUT[a]', text: 'is $OUTPUT[a]' } },
  ],
}
const echo = (args: unknown): unknown => args

test.each<[string, unknown, unknown]>([
  ['negative zero', -0, 0],
  ['negative zero inside', { a: [-0] }, { a: [0] }],
  ['the largest number', Number.MAX_VALUE, Number.MAX_VALUE],
  ['the smallest number', Number.MIN_VALUE, Number.MIN_VALUE],
  ['an integer that is not safe', 2 ** 53 + 2, 2 ** 53 + 2],
  ['a lone surrogate', '\ud800', '\ud800'],
  ['a lone surrogate as a key', { '\udc00': '\ud800' }, { '\udc00': '\ud800' }],
  ['line separators', 'a\u2028b\u2029c\u0085d', 'a\u2028b\u2029c\u0085d'],
  ['every control character', CONTROLS(), CONTROLS()],
  ['a forged message', 'x\n\nevent: error\r\ndata: {}\r\rid: 5', 'x\n\nevent: error\r\ndata: {}\r\rid: 5'],
  ['a byte order mark', '\ufeff', '\ufeff'],
  ['a reference as text', '$OUTPUT[a] $INPUT ${INPUT}', '$OUTPUT[a] $INPUT ${INPUT}'],
  ['holes', [, 1], [null, 1]], // oxlint-disable-line no-sparse-arrays
  ['keys of every kind', { '': 1, ' ': 2, '/~': 3, '"': 4, '\n': 5 }, { '': 1, ' ': 2, '/~': 3, '"': 4, '\n': 5 }],
])('%s is the same in process, on the wire, in the result and to a dependent', async (_, output, expected) => {
  const tools = { give: () => output, echo }
  const { results } = await new ParallelExecutor(tools).execute(TWO)
  expect(results[0]?.output).toStrictEqual(expected)
  const text = typeof expected === 'string' ? expected : JSON.stringify(expected)
  expect(results[1]?.output).toStrictEqual({ whole: expected, text: `is ${text}` })
  const batch = (await (await handleWorkflowRequest(new Request('http://localhost'), TWO, { tools })).json()) as {
    results: { output: unknown }[]
  }
  expect(batch.results[0]?.output).toEqual(expected)
  const wire = await (await handleSSERequest(new Request('http://localhost'), TWO, { tools })).text()
  const told = parseData(wire).filter(data => data['taskId'] === 'a' && data['status'] === 'success')
  expect(told.map(data => data['output'])).toEqual([expected])
})

function CONTROLS(): string {
  return Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('')
}

test.each([100, 1000, 3000, 10_000, 100_000])(
  'an output nested %i deep is whole for every reader, or refused',
  async depth => {
    let value: unknown = 1
    for (let i = 0; i < depth; i++) value = [value]
    const tools = { give: () => value, echo: () => 1 }
    const execution = new StreamingExecutor(tools).stream(TWO)
    const events: SSEEvent[] = []
    for await (const event of execution) events.push(JSON.parse(JSON.stringify(event)) as SSEEvent)
    const { status } = (await execution.result).results[0] as { status: string }
    if (depth <= 1000) expect(status).toBe('success')
    if (depth >= 100_000) expect(status).toBe('error')
    const batch = await handleWorkflowRequest(new Request('http://localhost'), TWO, { tools })
    const stream = await handleSSERequest(new Request('http://localhost'), TWO, { tools })
    const last = parseData(await stream.text()).at(-1)
    expect([batch.status, last?.['totalTasks'], events.at(-1)?.type]).toEqual([200, 2, 'execution_complete'])
  },
)

test('an array of nothing but its length is no way to use up memory', async () => {
  const vast: unknown[] = []
  vast.length = 2 ** 32 - 1
  const large: unknown[] = []
  large.length = 3_000_000
  const tools = { vast: () => vast, large: () => large }
  const result = await new ParallelExecutor(tools).execute({
    tasks: [
      { id: 'a', tool: 'vast' },
      { id: 'b', tool: 'large' },
    ],
  })
  expect(endings(result)).toEqual(['a error OUTPUT_NOT_SERIALIZABLE', 'b error OUTPUT_TOO_LARGE'])
})

test('outputs may be 10 MiB each, to the byte, and 256 MiB together', async () => {
  const fits = 'x'.repeat(LIMITS.maxOutputBytes - 2)
  const tools = { fits: () => fits, over: () => `${fits}x`, small: () => 1 }
  const tasks = [
    { id: 'over', tool: 'over' },
    ...Array.from({ length: 26 }, (_, i) => ({ id: `t${i}`, tool: 'fits' })),
    { id: 'small', tool: 'small' },
  ]
  const result = await new ParallelExecutor(tools).execute({ tasks }, { maxConcurrency: 1 })
  // 25 of them are 250 MiB: the 26th does not fit, what is small still does.
  expect(endings(result)).toEqual([
    'over error OUTPUT_TOO_LARGE',
    ...Array.from({ length: 25 }, (_, i) => `t${i} success`),
    't25 error OUTPUT_TOO_LARGE',
    'small success',
  ])
})

test('a small document cannot multiply a large output without bound', async () => {
  const tasks = [
    { id: 'a', tool: 'give' },
    { id: 'b', tool: 'echo', arguments: { x: '$OUTPUT[a]'.repeat(1000) } },
    { id: 'c', tool: 'echo', arguments: { x: Array.from({ length: 1000 }, () => '$OUTPUT[a]') } },
  ]
  const tools = { give: () => 'x'.repeat(1_000_000), echo: () => 1 }
  const result = await new ParallelExecutor(tools).execute({ tasks })
  expect(endings(result)).toEqual(['a success', 'b error INVALID_ARGUMENTS', 'c error INVALID_ARGUMENTS'])
})
