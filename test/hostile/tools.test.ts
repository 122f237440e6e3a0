// oxlint-disable unicorn/no-thenable -- thenables are what is tested
import { expect, test } from 'vitest'
import {
  createMemoryStore,
  handleSSERequest,
  type SSEEvent,
  StreamingExecutor,
  type TaskResult,
  type ToolContext,
} from '../../src/index.ts'
import { parseMessages } from '../http/request-rig.ts'

type Work = (args: Record<string, unknown>, context: ToolContext) => unknown

interface Ran {
  readonly task: TaskResult
  readonly events: readonly SSEEvent[]
  /** What came between the start of the task and its end. */
  readonly emitted: readonly object[]
}

const ONE = { tasks: [{ id: 'a', tool: 'work' }] }

/** Runs one task in process and over the wire, and sees to it that its neighbour and every event are whole. */
async function run(work: Work): Promise<Ran> {
  const tools = { work, fine: () => 1 }
  const tasks = [...ONE.tasks, { id: 'neighbour', tool: 'fine' }]
  const execution = new StreamingExecutor(tools, { abortGraceMs: 20 }).stream({ tasks })
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  const { results } = await execution.result
  for (const event of events) expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
  const text = await (await handleSSERequest(new Request('http://localhost'), { tasks }, { tools })).text()
  const messages = parseMessages(text)
  const types = new Map<string, number>()
  for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1)
  for (const { event = '' } of messages) types.set(event, (types.get(event) ?? 0) - 1)
  expect([...types.values()].filter(difference => difference !== 0)).toEqual([])
  for (const { data } of messages) expect(JSON.parse(data)).toBeTypeOf('object')
  expect(results[1]).toMatchObject({ status: 'success', output: 1 })
  const emitted = events
    .filter(({ type }) => ['token', 'task_progress', 'info', 'token_usage'].includes(type))
    .map(({ type, data }) => ({ type, ...data, executionId: undefined, timestamp: undefined }))
  return { task: results[0] as TaskResult, events, emitted }
}

const bomb = {
  toString(): never {
    throw new Error('bomb')
  },
  valueOf(): never {
    throw new Error('bomb')
  },
}
const trap = (key: string): object =>
  Object.defineProperty({}, key, {
    enumerable: true,
    get() {
      throw new Error('bomb')
    },
  })
const cycle: Record<string, unknown> = {}
cycle['self'] = cycle

/** Every function of a context, called wrongly. */
const MISUSES: readonly [string, (context: ToolContext) => void][] = [
  ...[undefined, null, 5, 1n, Symbol('s'), {}, Object.create(null), bomb, cycle, [], () => 1].flatMap(
    (value: unknown, at): [string, (context: ToolContext) => void][] => [
      [`emitToken #${at}`, ({ emitToken }) => emitToken(value as string)],
      [`reportProgress #${at}`, ({ reportProgress }) => reportProgress(value as never)],
      [`progress #${at}`, ({ reportProgress }) => reportProgress({ progress: value as number })],
      [`total #${at}`, ({ reportProgress }) => reportProgress({ progress: 1, total: value as number })],
      [`message #${at}`, ({ reportProgress }) => reportProgress({ progress: 1, message: value as string })],
      [`level #${at}`, ({ log }) => log(value as 'info', 'text')],
      [`log #${at}`, ({ log }) => log('info', value as string)],
      [`reportUsage #${at}`, ({ reportUsage }) => reportUsage(value as never)],
      [`totalTokensIn #${at}`, ({ reportUsage }) => reportUsage({ totalTokensIn: value as number })],
    ],
  ),
  ['a log of no known level', ({ log }) => log('nope' as 'info', 5 as never)],
  ['NaN as progress', ({ reportProgress }) => reportProgress({ progress: Number.NaN, total: Infinity })],
  ['NaN as usage', ({ reportUsage }) => reportUsage({ totalTokensIn: Number.NaN, totalCost: -1 })],
  ['text as usage', ({ reportUsage }) => reportUsage('x' as never)],
  ['progress that throws', ({ reportProgress }) => reportProgress(trap('progress') as never)],
  ['usage that throws', ({ reportUsage }) => reportUsage(trap('totalTokensIn'))],
]

test.each(MISUSES)(
  'a tool that misuses its context by %s succeeds, and what goes over the wire is JSON',
  async (_, misuse) => {
    const { task } = await run((__, context) => {
      misuse(context)
      return 1
    })
    expect(task).toMatchObject({ status: 'success', output: 1 })
  },
)

test('no misuse of a context throws, whenever it comes: from a timer it would end the process', async () => {
  const contexts: ToolContext[] = []
  const thrown: string[] = []
  const misuseAll = (context: ToolContext): void => {
    for (const [name, misuse] of MISUSES) {
      try {
        misuse(context)
      } catch {
        thrown.push(name)
      }
    }
  }
  const { task } = await run(async (_, context) => {
    contexts.push(context)
    await new Promise(resolve => setImmediate(resolve))
    misuseAll(context)
    return 1
  })
  for (const context of contexts) misuseAll(context)
  expect([task.status, [...new Set(thrown)]]).toEqual(['success', []])
})

test('the level of a log is one of four, progress is a number, and usage that cannot be counted is told', async () => {
  const { emitted } = await run((_, { log, reportProgress, reportUsage }) => {
    log('nope' as 'info', 5 as never)
    reportProgress({ progress: 0.5 })
    reportProgress({} as never)
    reportUsage({ totalTokensIn: 2, totalTokensOut: Number.NaN })
  })
  const about = { taskId: 'a', attempt: 1 }
  expect(emitted).toEqual([
    { type: 'info', ...about, level: expect.stringMatching(/^(debug|info|warning|error)$/), message: '5' },
    { type: 'task_progress', ...about, progress: 0.5 },
    { type: 'info', ...about, level: 'warning', message: expect.stringContaining('rogress') },
    { type: 'info', ...about, level: 'warning', message: expect.stringContaining('totalTokensOut') },
    {
      type: 'token_usage',
      ...about,
      tokenUsage: { totalTokensIn: 2, totalTokensOut: 0 },
      executionTokenUsage: { totalTokensIn: 2, totalTokensOut: 0 },
    },
  ])
})

test.each<[string, Work, object]>([
  [
    'a thenable that calls both',
    () => ({ then: (ok: (v: number) => void, bad: () => void) => (ok(1), bad()) }),
    { output: 1 },
  ],
  [
    'a thenable that fails, then succeeds',
    () => ({ then: (ok: (v: number) => void, bad: (e: Error) => void) => (bad(new Error('x')), ok(1)) }),
    { error: 'x' },
  ],
  [
    'a promise whose own then calls twice',
    () => Object.assign(Promise.resolve(0), { then: (ok: (v: number) => void) => (ok(1), ok(2)) }),
    { output: 1 },
  ],
  [
    'a promise whose own then throws',
    () =>
      Object.assign(Promise.resolve(0), {
        then: () => {
          throw new Error('then')
        },
      }),
    { error: 'then' },
  ],
  [
    'a promise whose own then calls, then throws',
    () =>
      Object.assign(Promise.resolve(0), {
        then: (ok: (v: number) => void) => {
          ok(1)
          throw new Error('then')
        },
      }),
    { output: 1 },
  ],
  [
    'a thenable of a thenable',
    () => ({ then: (ok: (v: unknown) => void) => ok({ then: (yes: (v: number) => void) => yes(2) }) }),
    { output: 2 },
  ],
  [
    'a promise without a constructor',
    () => Object.assign(Promise.resolve(3), { constructor: undefined }),
    { output: 3 },
  ],
  ['a revoked proxy', () => revokedProxy(), { status: 'error', code: 'TOOL_ERROR' }],
  [
    'a promise of a revoked proxy',
    async () => ({ inside: revokedProxy() }),
    { status: 'error', code: 'OUTPUT_NOT_SERIALIZABLE' },
  ],
  [
    'an error with a trap for a message',
    () => {
      throw trap('message')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error with a trap for a code',
    () => {
      throw trap('code')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error with a trap for `retryable`',
    () => {
      throw trap('retryable')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'a revoked proxy as an error',
    () => {
      throw revokedProxy()
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error of 10 MB',
    () => {
      throw new Error('x'.repeat(1e7))
    },
    { error: 'x'.repeat(8192) },
  ],
  [
    'an error that is text and control characters',
    () => {
      throw new Error('\0\r\ndata: forged\n\n\u2028\ud800')
    },
    { error: '\0\r\ndata: forged\n\n\u2028\ud800' },
  ],
  [
    'its own arguments, changed',
    args => {
      args['x'] = 1
      Object.setPrototypeOf(args, null)
      return args
    },
    { output: { x: 1 } },
  ],
  ['its own context', (_, context) => context, { status: 'success' }],
])('a tool that gives %s ends its own task, and that alone', async (_, work, expected) => {
  expect((await run(work)).task).toMatchObject(expected)
})

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test('a thenable that never calls is ended by its timeout, by itself', async () => {
  const tasks = [
    { id: 'a', tool: 'never', timeoutMs: 5 },
    { id: 'b', tool: 'fine' },
  ]
  const tools = { never: () => ({ then() {} }), fine: () => 1 }
  const { results } = await new StreamingExecutor(tools, { abortGraceMs: 5 }).execute({ tasks })
  expect(results.map(({ code, status, abandoned }) => [status, code, abandoned])).toEqual([
    ['error', 'TASK_TIMEOUT', true],
    ['success', undefined, undefined],
  ])
})

test('each attempt has arguments of its own, however the one before has spoilt its', async () => {
  const seen: string[] = []
  const work: Work = (args, { attempt }) => {
    seen.push(JSON.stringify(args))
    ;(args['list'] as number[]).push(9)
    ;(args['from'] as { n: number[] }).n.push(9)
    args['more'] = 1
    if (attempt < 3) throw new Error('again')
    return args
  }
  const retry = { maxAttempts: 3, initialDelayMs: 0 }
  const { results } = await new StreamingExecutor({ work, give: () => ({ n: [1] }) }).execute({
    tasks: [
      { id: 'a', tool: 'give' },
      { id: 'b', tool: 'work', retry, arguments: { list: [1], from: '$OUTPUT[a]' } },
      { id: 'c', tool: 'work', retry, arguments: { list: [2], from: '$OUTPUT[a]' } },
    ],
  })
  expect(seen.toSorted()).toEqual([
    ...new Array<string>(3).fill('{"list":[1],"from":{"n":[1]}}'),
    ...new Array<string>(3).fill('{"list":[2],"from":{"n":[1]}}'),
  ])
  expect(results[0]?.output).toEqual({ n: [1] })
})

test.each<[string, (context: ToolContext) => void, string, number]>([
  ['tokens', ({ emitToken }) => emitToken('x'), 'token', 1_000_000],
  ['reports of progress', ({ reportProgress }) => reportProgress({ progress: 1 }), 'task_progress', 200_000],
  ['lines of log', ({ log }) => log('debug', 'x'), 'info', 200_000],
  ['reports of usage', ({ reportUsage }) => reportUsage({ totalTokensOut: 1 }), 'token_usage', 1_000_000],
])('%s in a loop without a pause are all kept, and the execution ends', async (_, emit, type, count) => {
  const execution = new StreamingExecutor(
    {
      work: (__, context) => {
        for (let i = 0; i < count; i++) emit(context)
      },
    },
    // Events that the tail in memory has let go of are read from the store.
    { store: createMemoryStore({ maxTailEvents: 1e6, maxTailBytes: 1e9 }) },
  ).stream(ONE, { buffer: { maxEvents: 1e7, maxBytes: 1e9 } })
  let seen = 0
  for await (const event of execution) {
    if (event.type !== type) continue
    if (event.type === 'token') seen += event.data.text.length
    else if (event.type === 'token_usage') seen += event.data.tokenUsage.totalTokensOut
    else seen += 1
  }
  expect([seen, (await execution.result).status]).toEqual([count, 'success'])
})
