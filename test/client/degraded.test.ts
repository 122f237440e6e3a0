import { expect, test } from 'vitest'
import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import { idle } from '../support/fake-clock.ts'
import { clientRig, collect, collectUntilFailure, ONE_TASK } from './client-rig.ts'
import { type Answer, json, problem, refused, RESULT, SHOWN } from './fake-server.ts'

const RUNNING = json({ executionId: 'x', status: 'running' })

/** A response as runtimes have it whose bodies cannot be read while they arrive. */
function whole(answer: Answer, body: unknown): Answer {
  return async request => {
    const response = await answer(request)
    const text = response.text.bind(response)
    return Object.defineProperties(response, { body: { value: body }, text: { value: text } })
  }
}

function endless(type: string, body: unknown = null): Answer {
  return whole(() => new Response('', { headers: { 'Content-Type': type, 'Execution-Id': 'x' } }), body)
}

test.each([
  ['no body', null],
  ['a body without a reader', {}],
  ['a body that is not there', undefined],
])('a stream with %s is followed by asking for the result', async (_, body) => {
  const answers = [
    endless('text/event-stream', body),
    RUNNING,
    RUNNING,
    RUNNING,
    RUNNING,
    RUNNING,
    RUNNING,
    json(SHOWN),
  ]
  const { client, server, clock } = clientRig([...answers, json(SHOWN)])
  const run = client.stream(ONE_TASK)
  const reading = collect(run)
  const polls: number[] = []
  for (const pause of [0, 500, 1000, 2000, 4000, 5000, 5000]) {
    await clock.run(pause)
    polls.push(server.requests.length - 1)
  }
  expect(polls).toEqual([1, 2, 3, 4, 5, 6, 7])
  const events = await reading
  const head = { executionId: 'x', timestamp: '2026-01-01T00:00:17.500Z' }
  const { errors: _errors, results, executionTimeMs, ...figures } = RESULT
  expect(events).toEqual([
    { type: 'task_complete', data: { ...head, ...results[0] }, degraded: true },
    {
      type: 'execution_complete',
      data: { ...head, ...figures, totalExecutionTimeMs: executionTimeMs },
      degraded: true,
    },
  ])
  expect(run.degraded).toBe(true)
  expect(await run.result).toEqual(RESULT)
  expect(clock.timerCount).toBe(0)
})

test('a result is asked for too where its body cannot be read while it arrives', async () => {
  const { client, server, clock } = clientRig([
    endless('application/json'),
    refused(),
    RUNNING,
    whole(json(SHOWN), null),
  ])
  const executing = client.execute(ONE_TASK)
  await clock.run(1500)
  expect(await executing).toEqual(RESULT)
  expect(server.lines).toEqual(['POST /executions', ...new Array<string>(3).fill('GET /executions/x')])
  expect(clock.timerCount).toBe(0)
})

test('errors are reported without readable bodies too', async () => {
  const refusal = whole(problem(422, { title: 'Invalid workflow', code: 'INVALID_WORKFLOW' }), null)
  const { client } = clientRig([refusal])
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject({ status: 422, details: { code: 'INVALID_WORKFLOW' } })
})

test('transient failures are retried, and a missing execution is reported', async () => {
  const stream = endless('text/event-stream')
  const { client, clock } = clientRig([
    stream,
    refused(),
    endless('text/event-stream'),
    problem(404, { title: 'Gone' }),
  ])
  const run = client.stream(ONE_TASK)
  const reading = collectUntilFailure(run)
  await clock.run(1000)
  expect(await reading).toMatchObject({ items: [], error: { status: 404 } })
  expect(clock.timerCount).toBe(0)
})

test('leaving ends the asking', async () => {
  const { client, server, clock } = clientRig([endless('text/event-stream'), RUNNING])
  const events = client.stream(ONE_TASK)[Symbol.asyncIterator]()
  const next = events.next()
  await idle()
  expect(clock.timerCount).toBe(1)
  await events.return?.()
  expect([await next, clock.timerCount]).toEqual([{ done: true, value: undefined }, 0])
  await clock.run(60_000)
  expect(server.requests).toHaveLength(2)
})

test('every task ends as it did, in document order', async () => {
  const result = {
    ...RESULT,
    status: 'partial',
    reason: { code: 'CANCELLED', message: 'no' },
    results: [
      {
        taskId: 'a',
        tool: 'work',
        status: 'error',
        error: 'no',
        code: 'TOOL_ERROR',
        attempts: 1,
        executionTimeMs: 1,
        waitMs: 0,
      },
      {
        taskId: 'b',
        tool: 'work',
        status: 'skipped',
        error: 'a failed',
        code: 'DEPENDENCY_FAILED',
        causedBy: 'a',
        attempts: 0,
        executionTimeMs: 0,
        waitMs: 0,
      },
    ],
    tokenUsage: { totalTokensIn: 1, totalTokensOut: 0 },
  } as unknown as ExecutionResult
  const { client } = clientRig([endless('text/event-stream'), json({ executionId: 'x', result })])
  const events = await collect(client.stream(ONE_TASK))
  expect(events.map(({ data }) => data)).toMatchObject([
    ...result.results,
    { status: 'partial', reason: result.reason, tokenUsage: result.tokenUsage, totalTasks: 1 },
  ])
  expect(Object.keys(events.at(-1)?.data ?? {})).not.toContain('results')
})

test('the ends of children come before that of their parent, and the output of the workflow with the last event', async () => {
  const task = { tool: 'w', status: 'success' as const, attempts: 1, executionTimeMs: 1, waitMs: 0 }
  const result: ExecutionResult = {
    ...RESULT,
    results: [
      {
        ...task,
        taskId: 'each',
        output: [{ a: 1 }],
        items: [{ ...task, taskId: 'each[0]', tasks: [{ ...task, taskId: 'each[0]/a' }] }],
      },
    ],
    output: { all: 1 },
    toleratedCount: 0,
  }
  const shown = json({ executionId: 'x', status: 'success', result })
  const { client, clock } = clientRig([endless('text/event-stream'), shown, shown])
  const reading = collect(client.stream(ONE_TASK))
  await clock.run(0)
  const events = await reading
  const ids = events.map(({ data }) => ('taskId' in data ? data.taskId : data))
  expect(ids).toEqual([
    'each[0]/a',
    'each[0]',
    'each',
    expect.objectContaining({ output: { all: 1 }, toleratedCount: 0 }),
  ])
  expect(events[2]?.data).not.toHaveProperty('items')
})
