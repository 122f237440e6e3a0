import { assert, property } from 'fast-check'
import { expect, test } from 'vitest'
import { type SSEEvent, StreamingExecutor, type ToolContext } from '../../src/index.ts'
import { formats } from '../../src/sse/formats.ts'
import { SSE_EVENTS, type SSEEvent as JobEvent, toJobFrames } from '../../src/sse/job.ts'
import { encode } from '../../src/sse/encode.ts'
import { parse } from '../../src/sse/parse.ts'
import { anyEvent, EVERY_EVENT } from './events.ts'

const readJob = (frames: string): JobEvent[] => parse(frames).map(({ data }) => JSON.parse(data) as JobEvent)

const executionId = 'exec_1-A'
const timestamp = '2026-01-01T00:00:00.000Z'
const head = { jobId: executionId, timestamp }
const data = { executionId, timestamp }
const usage = { totalTokensIn: 12, totalTokensOut: 0, totalCost: 0.5 }

test('the vocabulary has its twelve names', () => {
  expect(SSE_EVENTS).toEqual({
    START: 'start',
    PROGRESS: 'progress',
    TOOL_USE: 'tool_use',
    COMPLETION: 'completion',
    STREAM_END: 'stream_end',
    ERROR: 'error',
    LOG: 'log',
    QUESTION: 'question',
    QUESTION_ASK: 'question_ask',
    WARNING: 'warning',
    INFORMATION: 'information',
    TOKEN_USAGE: 'token_usage',
  })
})

const EXPECTED: { readonly [Type in SSEEvent['type']]: readonly object[] } = {
  execution_start: [{ type: 'start', ...head, message: 'brief: 2 tasks', totalTasks: 2 }],
  task_start: [{ type: 'tool_use', ...head, message: 'a: http:get', taskId: 'a', tool: 'http:get', attempt: 1 }],
  task_progress: [{ type: 'progress', ...head, message: 'half', taskId: 'a', attempt: 1, progress: 0.5, total: 2 }],
  token: [
    {
      type: 'progress',
      ...head,
      taskId: 'a',
      attempt: 1,
      token: 'one\r\ntwo\rthree\nfour\u2028five\u0000 \ud800 \ud83d\ude00',
    },
  ],
  info: [{ type: 'warning', ...head, message: 'no task' }],
  metrics: [
    {
      type: 'progress',
      ...head,
      taskId: 'a',
      attempt: 1,
      metrics: { ttftMs: 1.5, totalMs: 20, tokenCount: 4, tokensPerSec: 0 },
    },
  ],
  token_usage: [{ type: 'token_usage', ...head, tokenUsage: usage, taskId: 'a', attempt: 1, taskTokenUsage: usage }],
  task_retry: [
    {
      type: 'warning',
      ...head,
      message: 'a: no; it is retried',
      taskId: 'a',
      attempt: 1,
      code: 'TOOL_ERROR',
      delayMs: 1000,
    },
  ],
  task_complete: [
    {
      type: 'progress',
      ...head,
      message: 'a: success',
      taskId: 'a',
      tool: 'http:get',
      status: 'success',
      output: { body: ['x', null, { deep: 'data: y\n\nevent: error' }] },
    },
  ],
  tasks_added: [],
  tasks_removed: [],
  plan_sealed: [],
  plan_rejected: [{ type: 'warning', ...head, message: 'Line 3 of the plan was refused: no tool', line: 3 }],
  tasks_stopping: [],
  input_required: [{ type: 'question_ask', ...head, message: 'Go on?', taskId: 'a', inputId: 'a.1' }],
  input_resolved: [
    { type: 'information', ...head, message: 'a: the question was answered', taskId: 'a', inputId: 'a.1' },
  ],
  execution_stopping: [],
  execution_handed_off: [],
  execution_resumed: [],
  execution_parked: [],
  execution_complete: [
    {
      type: 'completion',
      ...head,
      message: 'bye',
      status: 'cancelled',
      totalTasks: 2,
      successCount: 1,
      errorCount: 1,
      skippedCount: 0,
      cancelledCount: 0,
      totalExecutionTimeMs: 30,
    },
    { type: 'stream_end', ...head },
  ],
  error: [
    { type: 'error', ...head, message: 'the store is gone', code: 'STORE_FAILED' },
    { type: 'stream_end', ...head },
  ],
  snapshot: [
    { type: 'progress', ...head, message: '2 of 2 tasks ended', status: 'running', progress: 2, total: 2 },
    { type: 'token_usage', ...head, tokenUsage: usage },
  ],
}

test.each(EVERY_EVENT.map(event => [event.type, event] as const))('%s has its place in it', (type, event) => {
  expect(readJob(toJobFrames(event))).toEqual(EXPECTED[type])
})

test.each([
  ['debug', 'log'],
  ['info', 'information'],
  ['warning', 'warning'],
  ['error', 'warning'],
] as const)('a line of level %s is a %s', (level, type) => {
  const frames = toJobFrames({ type: 'info', data: { ...data, taskId: 'a', attempt: 2, level, message: 'm' } })
  expect(readJob(frames)).toEqual([{ type, ...head, message: 'm', taskId: 'a', attempt: 2 }])
})

test('a task that did not succeed is reported with its error and its code', () => {
  const task = { taskId: 'a', tool: 't', attempts: 1, executionTimeMs: 1, waitMs: 0 }
  const event: SSEEvent = { type: 'task_complete', data: { ...data, ...task, status: 'error', error: 'no', code: 'X' } }
  expect(readJob(toJobFrames(event))).toEqual([
    { type: 'progress', ...head, message: 'a: no', taskId: 'a', tool: 't', status: 'error', code: 'X' },
  ])
})

test('a large output is reported by reference, as in the default format', () => {
  const task = { taskId: 'a', tool: 't', attempts: 1, executionTimeMs: 1, waitMs: 0 }
  const output = 'x'.repeat(70_000)
  const event: SSEEvent = { type: 'task_complete', data: { ...data, ...task, status: 'success', output } }
  const [told] = readJob(toJobFrames(event))
  expect(told).not.toHaveProperty('output')
  expect(told).toMatchObject({ outputBytes: 70_002, outputPath: `/executions/${executionId}/tasks/a/output` })
})

test('a frame is an id and data, without a name', () => {
  const event: SSEEvent = {
    type: 'token',
    id: `${executionId}.3`,
    data: { ...data, taskId: 'a', attempt: 1, text: 'x' },
  }
  expect(toJobFrames(event)).toBe(
    `id: ${executionId}.3\ndata: {"type":"progress","jobId":"${executionId}","timestamp":"${timestamp}","taskId":"a","attempt":1,"token":"x"}\n\n`,
  )
})

test('of two frames the last has the id, so that nothing is lost between them', () => {
  const last = EVERY_EVENT.find(({ type }) => type === 'execution_complete') as SSEEvent
  const ids = [...toJobFrames(last).matchAll(/^(?:id: (.*)\n)?data: .*\n\n/gm)].map(match => match[1])
  expect(ids).toEqual([undefined, last.id])
})

test('an error that is not in the log has no id', () => {
  expect(toJobFrames({ type: 'error', data: { ...data, error: 'no', code: 'X' } })).not.toContain('id:')
})

test('whatever text an event holds, its frames are lines of an id and of data', () => {
  assert(
    property(anyEvent, event => {
      const lines = toJobFrames(event).split(/\r\n|\r|\n/)
      expect(lines.filter(line => line !== '' && !/^(?:id|data): /.test(line))).toEqual([])
      for (const told of readJob(toJobFrames(event))) expect(Object.values(SSE_EVENTS)).toContain(told.type)
    }),
  )
})

test('a type of a later version has no frames', () => {
  expect(toJobFrames({ type: 'later', data } as unknown as SSEEvent)).toBe('')
})

test('the formats have their names', () => {
  expect(formats).toEqual({ default: encode, job: toJobFrames })
})

test('usage is reported before a task ends, however it ends, and changes no other event', async () => {
  const run = async (isCounted: boolean): Promise<JobEvent[]> => {
    const report = ({ reportUsage }: ToolContext): void => {
      if (isCounted) reportUsage({ totalTokensIn: 10, totalTokensOut: 5, totalCost: 0.25 })
    }
    const tools = {
      good: (_: unknown, context: ToolContext) => report(context),
      bad: (_: unknown, context: ToolContext) => {
        report(context)
        throw new Error('no')
      },
    }
    const executor = new StreamingExecutor(tools, { createId: () => 'x' })
    const tasks = [
      { id: 'a', tool: 'good' },
      { id: 'b', tool: 'bad' },
    ]
    const told: JobEvent[] = []
    for await (const event of executor.stream({ tasks }, { maxConcurrency: 1 }))
      told.push(...readJob(toJobFrames(event)))
    return told
  }
  const counted = await run(true)
  expect(counted.map(({ type, message, tokenUsage }) => [type, message, tokenUsage?.totalTokensIn])).toEqual([
    ['start', '2 tasks', undefined],
    ['tool_use', 'a: good', undefined],
    ['token_usage', undefined, 10],
    ['progress', 'a: success', undefined],
    ['tool_use', 'b: bad', undefined],
    ['token_usage', undefined, 20],
    ['progress', 'b: no', undefined],
    ['completion', 'partial: 1 of 2 tasks succeeded', undefined],
    ['stream_end', undefined, undefined],
  ])
  const timeless = (events: JobEvent[]): object[] =>
    events
      .filter(({ type }) => type !== 'token_usage')
      .map(event => ({ ...event, timestamp: '', totalExecutionTimeMs: 0 }))
  expect(timeless(counted)).toEqual(timeless(await run(false)))
})
