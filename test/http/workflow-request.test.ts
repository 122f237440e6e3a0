import { expect, test } from 'vitest'
import {
  compileWorkflow,
  type DAGStructure,
  handleSSERequest,
  handleWorkflowRequest,
  humanAskTool,
  JsonNumber,
  ParallelExecutor,
  type WorkflowRequestOptions,
} from '../../src/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { diamond } from '../support/workflows.ts'
import { ONE_TASK, request } from './request-rig.ts'

const STREAM = 'text/event-stream; charset=utf-8'
const JSON_TYPE = 'application/json'
const PROBLEM = 'application/problem+json'

/** Tools that count their calls. */
function counting(): { readonly tools: { work(): number }; readonly calls: () => number } {
  let calls = 0
  return {
    tools: {
      work() {
        calls += 1
        return calls
      },
    },
    calls: () => calls,
  }
}

async function nextTurn(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

test.each<[string | undefined, number, string]>([
  [undefined, 200, JSON_TYPE],
  ['', 200, JSON_TYPE],
  ['*/*', 200, JSON_TYPE],
  ['application/json', 200, JSON_TYPE],
  ['application/*', 200, JSON_TYPE],
  ['text/event-stream', 200, STREAM],
  ['TEXT/Event-Stream', 200, STREAM],
  ['text/*', 200, STREAM],
  ['application/json, text/event-stream', 200, STREAM],
  ['text/event-stream, application/json', 200, STREAM],
  ['application/json, text/event-stream;q=0.9', 200, JSON_TYPE],
  ['application/json;q=0.1, text/event-stream;q=0.2', 200, STREAM],
  ['text/event-stream, */*', 200, STREAM],
  ['text/event-stream;q=0, */*', 200, JSON_TYPE],
  ['text/html, */*;q=0.8', 200, JSON_TYPE],
  ['text/html', 406, PROBLEM],
  ['application/json;q=0', 406, PROBLEM],
  ['text/event-stream;q=0', 406, PROBLEM],
  ['image/png, text/plain', 406, PROBLEM],
])('Accept %j is answered with %i, %s, and says that it varies', async (accept, status, type) => {
  const { tools, calls } = counting()
  const response = await handleWorkflowRequest(request(accept), ONE_TASK, { tools })
  const { headers } = response
  await response.text()
  expect([response.status, headers.get('Content-Type'), headers.get('Vary'), calls()]).toEqual([
    status,
    type,
    'Accept',
    status === 200 ? 1 : 0,
  ])
})

test('the headers of a stream are these and no others: none is hop-by-hop, nothing is buffered or cached', async () => {
  const { tools } = counting()
  const response = await handleSSERequest(request(), ONE_TASK, { tools, createId: () => 'x' })
  expect(Object.fromEntries(response.headers)).toEqual({
    'cache-control': 'no-cache, no-transform',
    'content-type': STREAM,
    'execution-id': 'x',
    vary: 'Accept',
    'x-accel-buffering': 'no',
  })
  await response.body?.cancel()
})

test('the JSON result is that of `execute`', async () => {
  const workflow = diamond('a', ['b', 'c'], 'd')
  const tools = {
    work: (_: unknown, { taskId }: { taskId: string }): unknown => {
      if (taskId === 'c') throw new Error('no')
      return { taskId, text: 'ü\u2028' }
    },
  }
  const options = { clock: new FakeClock(), createId: () => 'x' }
  const response = await handleWorkflowRequest(request(), workflow, { tools, ...options })
  expect([response.status, response.headers.get('Execution-Id')]).toEqual([200, 'x'])
  expect(await response.json()).toEqual(await new ParallelExecutor(tools, options).execute(workflow))
})

test('a plan and an input are served like a document', async () => {
  const echo = { echo: (args: object) => args }
  const workflow: DAGStructure = { tasks: [{ id: 'a', tool: 'echo', arguments: { x: '$INPUT.topic' } }] }
  const plan = compileWorkflow(workflow, echo)
  for (let time = 0; time < 2; time++) {
    const response = await handleWorkflowRequest(request(), plan, { tools: echo, input: { topic: 'tides' } })
    expect(await response.json()).toMatchObject({ results: [{ output: { x: 'tides' } }] })
  }
})

test.each([
  ['GET', 200],
  ['POST', 200],
  ['HEAD', 405],
  ['OPTIONS', 405],
  ['PUT', 405],
  ['DELETE', 405],
])('%s is answered with %i; nothing but GET and POST runs a workflow', async (method, status) => {
  const { tools, calls } = counting()
  for (const handle of [handleWorkflowRequest, handleSSERequest]) {
    const response = await handle(request(undefined, { method }), ONE_TASK, { tools })
    await response.text()
    expect([response.status, response.headers.get('Allow')]).toEqual([status, status === 405 ? 'GET, POST' : null])
  }
  expect(calls()).toBe(status === 405 ? 0 : 2)
})

test('a reconnect runs nothing again: 204, which stops an EventSource', async () => {
  const { tools, calls } = counting()
  for (const id of ['x.3', 'of-another.1', 'malformed', '0']) {
    for (const accept of ['text/event-stream', 'application/json', undefined, 'text/html']) {
      const again = request(accept, { headers: { 'Last-Event-ID': id } })
      for (const handle of [handleWorkflowRequest, handleSSERequest]) {
        const response = await handle(again, ONE_TASK, { tools })
        expect([response.status, response.body, response.headers.get('Vary')]).toEqual([204, null, 'Accept'])
      }
    }
  }
  await nextTurn()
  expect(calls()).toBe(0)
})

test('406 names the available types', async () => {
  const { tools } = counting()
  const response = await handleWorkflowRequest(request('text/html'), ONE_TASK, { tools })
  expect(await response.json()).toEqual({
    title: 'Not acceptable',
    detail: 'Accept `text/event-stream` for the stream or `application/json` for the result',
    status: 406,
  })
})

test.each(['application/json', 'text/event-stream'])(
  'an invalid workflow is answered with 422 and every issue before anything starts, for %s too',
  async accept => {
    const { tools, calls } = counting()
    const workflow = { tasks: [{ id: 'a', tool: 'work' }, { id: 'a', tool: 'wrok' }, { id: 5 }] }
    const response = await handleWorkflowRequest(request(accept), workflow as unknown as DAGStructure, { tools })
    const { issues, issueCount, detail, ...rest } = (await response.json()) as Record<string, unknown>
    expect([response.status, response.headers.get('Content-Type'), response.headers.get('Vary')]).toEqual([
      422,
      PROBLEM,
      'Accept',
    ])
    expect(rest).toEqual({ title: 'Invalid workflow', code: 'INVALID_WORKFLOW', status: 422 })
    expect((issues as { code: string; pointer: string }[]).map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'INVALID_SHAPE /tasks/2/id',
      'INVALID_SHAPE /tasks/2',
      'DUPLICATE_TASK_ID /tasks/1/id',
      'UNKNOWN_TOOL /tasks/1/tool',
    ])
    expect([issueCount, typeof detail, calls()]).toEqual([4, 'string', 0])
  },
)

test('an input that lacks a referenced value is answered with 422', async () => {
  const { tools, calls } = counting()
  const workflow = { tasks: [{ id: 'a', tool: 'work', arguments: { x: '$INPUT.topic' } }] }
  for (const input of [undefined, {}, { topics: 1 }]) {
    const response = await handleWorkflowRequest(request(), workflow, { tools, input })
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { issueCount: 1, issues: [{ code: 'UNKNOWN_REFERENCE', pointer: '/tasks/0/arguments/x' }] },
    ])
  }
  expect(calls()).toBe(0)
})

test.each<[unknown]>([
  [{ heartbeatMs: 0 }],
  [{ heartbeatMs: -1 }],
  [{ heartbeatMs: Number.NaN }],
  [{ heartbeatMs: '5' }],
  [{ heartbeatMs: null }],
  [{ onDisconnect: 'never' }],
  [{ onDisconnect: null }],
  [{ onDisconnect: {} }],
  [{ onDisconnect: { graceMs: -1 } }],
  [{ onDisconnect: { graceMs: Number.NaN } }],
  [{ onDisconnect: { graceMs: '5' } }],
  [{ timeoutMs: -1 }],
  [{ schedule: 'fast' }],
  [{ maxConcurency: 5 }],
  [{ tools: null }],
  [{ input: 1n }],
])('wrong options reject before anything starts: %o', async wrong => {
  const { tools, calls } = counting()
  const options = { tools, ...(wrong as object) } as WorkflowRequestOptions
  for (const handle of [handleWorkflowRequest, handleSSERequest]) {
    const answered = await handle(request(), ONE_TASK, options).then(
      ({ status }) => status,
      ({ code }: { code?: string }) => code,
    )
    expect(answered).toBe('INVALID_OPTION')
  }
  await nextTurn()
  expect(calls()).toBe(0)
})

test('a result as JSON has the digits of its numbers', async () => {
  const big = new JsonNumber('9007199254740993')
  const workflow = { tasks: [{ id: 'a', tool: 'make' }] }
  const response = await handleWorkflowRequest(request('application/json'), workflow, { tools: { make: () => [big] } })
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.text()).toContain('"output":[9007199254740993]')
})

test('a question that nobody can answer expires at once', async () => {
  const options = { tools: { 'human:ask': humanAskTool } }
  const workflow = { tasks: [{ id: 'a', tool: 'human:ask', arguments: { message: 'Go?' } }] }
  const asked = new Request('http://server.test/', { method: 'POST', headers: { Accept: 'application/json' } })
  const response = await handleWorkflowRequest(asked, workflow, options)
  expect(await response.json()).toMatchObject({ results: [{ code: 'INPUT_EXPIRED' }] })
})
