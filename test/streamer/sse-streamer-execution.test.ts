import { expect, test } from 'vitest'
import { connectExecution } from '../../src/streamer/connect-execution.ts'
import { SSEStreamer, sseStreamer } from '../../src/streamer/sse-streamer.ts'
import type { StreamEvent } from '../../src/streamer/stream-event.ts'
import { type SSEEvent, StreamingExecutor, type ToolContext } from '../../src/index.ts'

function collect(streamer: SSEStreamer): StreamEvent[] {
  const events: StreamEvent[] = []
  streamer.subscribe(event => void events.push(event))
  return events
}

const outline = (events: readonly StreamEvent[]): string[] =>
  events.map(({ type, data, streamId }) => {
    const { message, response } = data as { message?: string; response?: string }
    const text = type === 'custom' ? (data as SSEEvent).type : type === 'token' ? data : (message ?? response ?? '')
    return `${streamId} ${type} ${String(text)}`.trim()
  })

const write = async ({ words }: { words: string[] }, { emitToken, log }: ToolContext): Promise<string> => {
  for (const word of words) {
    emitToken(word)
    // Otherwise the tokens of one turn are joined.
    await new Promise(resolve => setImmediate(resolve))
  }
  log('info', 'written')
  return words.join('')
}

test('tokens, metrics and completion of a workflow reach a listener in three lines', async () => {
  const executor = new StreamingExecutor({ write }, { createId: () => 'x' })
  const tasks = [{ id: 'a', tool: 'write', arguments: { words: ['Hel', 'lo'] } }]
  const events: StreamEvent[] = []

  const execution = executor.stream({ tasks })
  const unsubscribe = sseStreamer.subscribe(event => void events.push(event), {
    types: ['token', 'metrics', 'complete'],
  })
  await connectExecution(execution).finally(unsubscribe)

  expect(events).toEqual([
    { type: 'token', data: 'Hel', timestamp: expect.any(Number), streamId: 'x.a' },
    { type: 'token', data: 'lo', timestamp: expect.any(Number), streamId: 'x.a' },
    {
      type: 'metrics',
      data: { ttft: expect.any(Number), tokensPerSec: expect.any(Number) },
      timestamp: expect.any(Number),
      streamId: 'x.a',
    },
    {
      type: 'complete',
      data: {
        response: 'Hello',
        metrics: {
          ttft: expect.any(Number),
          totalTime: expect.any(Number),
          tokens: 2,
          tokensPerSec: expect.any(Number),
        },
      },
      timestamp: expect.any(Number),
      streamId: 'x',
    },
  ])
})

test('everything else is a custom event with the event as its data, in order', async () => {
  const executor = new StreamingExecutor({ write, json: () => ({ n: 1 }) }, { createId: () => 'x' })
  const streamer = new SSEStreamer()
  const events = collect(streamer)
  const tasks = [
    { id: 'a', tool: 'write', arguments: { words: ['one'] } },
    { id: 'b', tool: 'write', arguments: { words: ['$OUTPUT[a]', '!'] } },
    { id: 'c', tool: 'json', dependsOn: ['a'] },
  ]
  await connectExecution(executor.stream({ tasks }, { maxConcurrency: 1 }), streamer)
  expect(outline(events)).toEqual([
    'x custom execution_start',
    'x.a custom task_start',
    'x.a token one',
    'x.a info written',
    'x.a metrics',
    'x.a custom task_complete',
    'x.b custom task_start',
    'x.b token one',
    'x.b token !',
    'x.b info written',
    'x.b metrics',
    'x.b custom task_complete',
    'x.c custom task_start',
    'x.c custom task_complete',
    'x complete one!\n\n{"n":1}',
  ])
})

test.each<[how: string, tool: () => unknown, message: string]>([
  ['failed', () => Promise.reject(new Error('no')), 'None of 1 tasks succeeded, 1 failed'],
  ['was cancelled', () => new Promise(() => {}), 'The execution was cancelled'],
])('an execution that %s ends with an error', async (how, tool, message) => {
  const executor = new StreamingExecutor({ tool }, { abortGraceMs: 0 })
  const streamer = new SSEStreamer()
  const events = collect(streamer)
  const execution = executor.stream({ tasks: [{ id: 'a', tool: 'tool' }] })
  const connected = connectExecution(execution, streamer)
  if (how === 'was cancelled') execution.cancel(message)
  await connected
  expect(events.at(-1)).toMatchObject({ type: 'error', data: { message }, streamId: execution.executionId })
  expect(events.filter(({ type }) => type === 'error' || type === 'complete')).toHaveLength(1)
})

test('a model’s answer is its text, and tokens of a void attempt are not counted', async () => {
  const model = async (_: unknown, { attempt, emitToken }: ToolContext): Promise<unknown> => {
    const words = attempt === 1 ? ['void', 'void'] : ['Six', '.', ' Yes']
    for (const word of words) emitToken(word)
    if (attempt === 1) throw new Error('no')
    return { text: 'Six. Yes', model: 'm' }
  }
  const executor = new StreamingExecutor({ model, list: () => [{ text: 'x' }] }, { createId: () => 'x' })
  const streamer = new SSEStreamer()
  const events = collect(streamer)
  const tasks = [
    { id: 'a', tool: 'model', retry: { maxAttempts: 2, initialDelayMs: 0 } },
    { id: 'b', tool: 'list' },
  ]
  await connectExecution(executor.stream({ tasks }), streamer)
  expect(events.at(-1)).toMatchObject({
    type: 'complete',
    data: { response: 'Six. Yes\n\n[{"text":"x"}]', metrics: { tokens: 3 } },
  })
})

async function* say(...events: SSEEvent[]): AsyncGenerator<SSEEvent> {
  yield* events
}

const timestamp = '2026-01-01T00:00:00.000Z'

test('events that break off, or fail, end with an error and never reject', async () => {
  const start = {
    type: 'execution_start',
    data: { executionId: 'x', timestamp, totalTasks: 1, layers: [['a']], schedule: 'layers' },
  } as const satisfies SSEEvent
  const lost: SSEEvent = { type: 'error', data: { executionId: 'x', timestamp, error: 'lost', code: 'STORE_FAILED' } }
  const fail = async function* (): AsyncGenerator<SSEEvent> {
    yield start
    throw new Error('cut')
  }
  const endOf = async (events: AsyncIterable<SSEEvent>): Promise<string[]> => {
    const streamer = new SSEStreamer()
    const passed = collect(streamer)
    await connectExecution(events, streamer)
    return outline(passed.filter(({ type }) => type === 'error'))
  }
  expect(await endOf(say(start))).toEqual(['x error The events stopped before the end of the execution'])
  expect(await endOf(say(start, lost))).toEqual(['x error lost'])
  expect(await endOf(fail())).toEqual(['x error cut'])
  expect(await endOf(say())).toEqual(['undefined error The events stopped before the end of the execution'])
})

test('the metrics of an execution are measured over the text that is not void', async () => {
  const at = (ms: number) => ({ executionId: 'x', timestamp: new Date(Date.parse(timestamp) + ms).toISOString() })
  const token = (ms: number, taskId: string, attempt = 1): SSEEvent => ({
    type: 'token',
    data: { ...at(ms), taskId, attempt, text: 'x' },
  })
  const metrics = (ms: number, taskId: string, tokenCount: number, attempt = 1): SSEEvent => ({
    type: 'metrics',
    data: { ...at(ms), taskId, attempt, ttftMs: 0, totalMs: 0, tokenCount, tokensPerSec: 0 },
  })
  const streamer = new SSEStreamer()
  const events = collect(streamer)
  await connectExecution(
    say(
      { type: 'execution_start', data: { ...at(0), totalTasks: 2, layers: [['a', 'b']], schedule: 'layers' } },
      token(100, 'a'),
      token(500, 'b'),
      metrics(600, 'a', 1),
      {
        type: 'task_retry',
        data: { ...at(600), taskId: 'a', attempt: 1, delayMs: 0, error: 'no', code: 'TOOL_ERROR' },
      },
      token(1500, 'b'),
      metrics(1500, 'b', 2),
      token(2500, 'a', 2),
      metrics(2500, 'a', 3, 2),
      {
        type: 'execution_complete',
        data: {
          ...at(3000),
          status: 'success',
          totalTasks: 2,
          successCount: 2,
          errorCount: 0,
          skippedCount: 0,
          cancelledCount: 0,
          totalExecutionTimeMs: 3000,
          speedup: 1,
          criticalPathMs: 3000,
          parallelizationLayers: 1,
        },
      },
    ),
    streamer,
  )
  expect(events.at(-1)?.data).toMatchObject({ metrics: { ttft: 500, totalTime: 3000, tokens: 5, tokensPerSec: 2 } })
})

test('to a stream of a streamer everything goes as that stream', async () => {
  const executor = new StreamingExecutor({ write })
  const streamer = new SSEStreamer()
  const events = collect(streamer)
  const tasks = [{ id: 'a', tool: 'write', arguments: { words: ['x'] } }]
  await connectExecution(executor.stream({ tasks }), streamer.forStream('chat'))
  expect(new Set(events.map(({ streamId }) => streamId))).toEqual(new Set(['chat']))
})

test('a listener that fails does not touch the execution', async () => {
  const executor = new StreamingExecutor({ write })
  const streamer = new SSEStreamer({ logger: { warn: () => {} } })
  streamer.subscribe(() => {
    throw new Error('no')
  })
  const execution = executor.stream({ tasks: [{ id: 'a', tool: 'write', arguments: { words: ['x'] } }] })
  await connectExecution(execution, streamer)
  expect(await execution.result).toMatchObject({ status: 'success' })
})

test('the response is the output of the workflow, or that of its last layer before `finally`', async () => {
  const workflow = {
    tasks: [{ id: 'each', tool: 'double', forEach: [1, 2], arguments: { n: '$ITEM' } }],
    finally: [{ id: 'end', tool: 'double', arguments: { n: 9 } }],
  }
  const responses: unknown[] = []
  for (const more of [{}, { output: 'all: $OUTPUT[each]' }]) {
    const streamer = new SSEStreamer()
    const events = collect(streamer)
    const executor = new StreamingExecutor({ double: ({ n }: { n: number }) => 2 * n }, { createId: () => 'x' })
    await connectExecution(executor.stream({ ...workflow, ...more }), streamer)
    const { response } = events.at(-1)!.data as { response: string }
    responses.push(response)
    expect(events.map(({ streamId }) => streamId)).toContain('x.each[1]')
  }
  expect(responses).toEqual(['[2,4]', 'all: [2,4]'])
})
