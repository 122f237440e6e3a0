import { expect, test } from 'vitest'
import {
  DagstreamError,
  type DAGStructure,
  type ExecuteOptions,
  ParallelExecutor,
  type SinkOptions,
  type SSEEvent,
  StreamingExecutor,
  type ToolSource,
} from '../../src/index.ts'
import { FakeClock } from '../support/fake-clock.ts'

const ONE: DAGStructure = { tasks: [{ id: 'a', tool: 'work' }] }

/** The code that `options` are refused with by every way in, with no task started. */
async function refusals(options: object): Promise<unknown[]> {
  let calls = 0
  const executor = new StreamingExecutor({ work: () => void (calls += 1) })
  const codeOf = async (call: () => unknown): Promise<unknown> => {
    try {
      await call()
      return 'accepted'
    } catch (error) {
      return error instanceof DagstreamError ? error.code : String(error)
    }
  }
  const codes = [
    await codeOf(() => executor.execute(ONE, options)),
    await codeOf(() => executor.stream(ONE, options).executionId),
    await codeOf(() => executor.executeWithStreaming(ONE, new WritableStream<SSEEvent>(), options)),
  ]
  await new Promise(resolve => setImmediate(resolve))
  expect(calls).toBe(0)
  return [...new Set(codes)]
}

const NOT_NUMBERS = [Number.NaN, -1, '5', null, [], {}, true, 5n, Symbol('s')]

test.each(['maxConcurrency', 'timeoutMs', 'taskTimeoutMs', 'abortGraceMs', 'maxTokens', 'maxCost'])(
  'whatever is not a number that makes sense as `%s` is refused before anything starts',
  async name => {
    for (const value of NOT_NUMBERS) expect(await refusals({ [name]: value })).toEqual(['INVALID_OPTION'])
  },
)

test.each(['schedule', 'onTaskError', 'signal', 'clock', 'createId', 'random', 'logger', 'store', 'nonsense'])(
  'whatever is not what `%s` must be is refused before anything starts',
  async name => {
    for (const value of [5, 'x', true, {}, [], 5n, Symbol('s')]) {
      // A function is what some of them want.
      expect([name, value, await refusals({ [name]: value })]).toEqual([name, value, ['INVALID_OPTION']])
    }
  },
)

test.each([5, Symbol('s'), null, undefined, ['abc'], {}])('an id that is not a string is refused: %o', async id => {
  expect(await refusals({ createId: () => id })).toEqual(['INVALID_OPTION'])
})

test('the bounds of a sink are numbers that make sense', async () => {
  let calls = 0
  const executor = new StreamingExecutor({ work: () => void (calls += 1) })
  const run = (options: object): Promise<unknown> =>
    executor.executeWithStreaming(ONE, new WritableStream(), options as SinkOptions).catch((error: unknown) => error)
  for (const value of NOT_NUMBERS) {
    expect(await run({ flushMs: value })).toMatchObject({ code: 'INVALID_OPTION' })
    for (const name of ['maxEvents', 'maxBytes', 'stallTimeoutMs', 'policy']) {
      expect(await run({ buffer: { [name]: value } })).toMatchObject({ code: 'INVALID_OPTION' })
    }
  }
  expect(calls).toBe(0)
})

test.each<[string, unknown]>([
  ['null', null],
  ['a number', 5],
  ['text', 'tools'],
  ['a list of null', [null]],
  ['a list of functions without a name', [() => 1]],
  ['a tool that is a number', { a: 5 }],
  ['an execute that is text', { a: { execute: 'x' } }],
  ['no execute', { a: {} }],
  ['a NaN timeout', { a: { execute() {}, timeoutMs: Number.NaN } }],
  ['a limit of 0', { a: { execute() {}, limit: 0 } }],
  ['endless retries', { a: { execute() {}, retry: { maxAttempts: Infinity } } }],
  ['a schema that is a number', { a: { execute() {}, inputSchema: 5 } }],
  ['an empty name', { '': () => 1 }],
  ['a name with a line break', { 'a\n': () => 1 }],
  [
    'one name twice',
    [
      { name: 'a', execute() {} },
      { name: 'a', execute() {} },
    ],
  ],
  ['a prototype', JSON.parse('{"__proto__": 5}')],
])('tools that are %s are refused when the executor is made', (_, tools) => {
  expect(() => new ParallelExecutor(tools as ToolSource)).toThrow(DagstreamError)
})

test('times beyond the range of a timer last as long as stated', async () => {
  const clock = new FakeClock()
  const executor = new StreamingExecutor({ work: () => new Promise(resolve => setTimeout(resolve, 20, 1)) })
  for (const ms of [2 ** 31, 2 ** 53, Number.MAX_VALUE]) {
    const options: ExecuteOptions = { timeoutMs: ms, taskTimeoutMs: ms, abortGraceMs: ms }
    expect((await executor.execute(ONE, options)).status).toBe('success')
  }
  const held = new StreamingExecutor({ work: () => new Promise(() => {}) }, { clock, abortGraceMs: 0 })
  const execution = held.stream(ONE, { timeoutMs: 2 ** 31, taskTimeoutMs: 0 })
  await clock.run(2 ** 31 - 1)
  expect(execution.subscribe().done).toBe(false)
  await clock.run(1)
  expect((await execution.result).reason?.code).toBe('EXECUTION_TIMEOUT')
})

test('a concurrency of a billion is no more than the tasks there are', async () => {
  const tasks = Array.from({ length: 1000 }, (_, i) => ({ id: `t${i}`, tool: 'work' }))
  let running = 0
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  const executor = new ParallelExecutor({
    async work() {
      running += 1
      if (running === tasks.length) open()
      await opened
    },
  })
  // It ends only if all of them run at once.
  const result = await executor.execute({ tasks }, { maxConcurrency: 1e9, maxTokens: Infinity, maxCost: Infinity })
  expect(result.successCount).toBe(1000)
})

test('a jitter that is not a number never reaches the wire', async () => {
  for (const value of [Number.NaN, Infinity, -5, 'x', undefined]) {
    const executor = new StreamingExecutor(
      {
        work() {
          throw new Error('no')
        },
      },
      { random: () => value as number },
    )
    const retry = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 2, jitter: 1 }
    const delays: unknown[] = []
    for await (const event of executor.stream({ tasks: [{ id: 'a', tool: 'work', retry }] })) {
      if (event.type === 'task_retry') delays.push(Number.isFinite(event.data.delayMs) && event.data.delayMs >= 0)
    }
    expect([value, delays]).toEqual([value, [true]])
  }
})

test('a logger that throws changes nothing', async () => {
  const logger = {
    debug(): never {
      throw new Error('logger')
    },
    warn(): never {
      throw new Error('logger')
    },
  }
  const executor = new StreamingExecutor(
    {
      async work(_, { reportUsage, signal }) {
        reportUsage({ totalTokensIn: 1 })
        if (!signal.aborted) await new Promise(() => {})
      },
      async fine(_, { reportUsage, emitToken }) {
        reportUsage({ totalTokensIn: 1 })
        setImmediate(() => emitToken('too late'))
      },
    },
    { logger, abortGraceMs: 1, taskTimeoutMs: 5 },
  )
  const tasks = [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'fine' },
  ]
  const execution = executor.stream({ tasks }, { buffer: { maxEvents: 1 } })
  let count = 0
  for await (const _ of execution) count += 1
  const result = await execution.result
  expect([result.results.map(({ status }) => status), result.tokenUsage?.totalTokensIn, count > 5]).toEqual([
    ['error', 'success'],
    2,
    true,
  ])
})

test('a place in the log that is invalid is refused, in process too', async () => {
  const execution = new StreamingExecutor({ work: () => 1 }).stream(ONE)
  await execution.result
  for (const place of [Number.NaN, 1.5, -1, '2', null, Infinity, {}]) {
    expect(() => execution.subscribe(place as number)).toThrow(expect.objectContaining({ code: 'INVALID_EVENT_ID' }))
  }
  const ahead = execution.subscribe(1_000_000)
  expect([await ahead.take(1000), ahead.done]).toMatchObject([[{ type: 'snapshot', seq: 4 }], true])
})
