import { expect, test } from 'vitest'
import { createOtelObserver } from 'dagstream/otel'
import { createChatTool } from 'dagstream/tools/llm'
import { createMemoryStore, ParallelExecutor, type Tool, type ToolContext } from '../../src/index.ts'
import { handlerRig, ONE_TASK } from '../http/handler/handler-rig.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { otelRig } from './otel-rig.ts'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const tool = (execute: Tool['execute']): Tool => ({ name: 'work', execute })

test('an execution is a span, each attempt a child of it with its tool, task and number', async () => {
  const { observer, receiver, flush } = await otelRig()
  const seen: (string | undefined)[] = []
  const work = tool((_, { attempt, traceparent }) => {
    seen.push(traceparent)
    if (attempt === 1) throw Object.assign(new Error('not yet'), { code: 'BUSY' })
    return 1
  })
  const executor = new ParallelExecutor([work], { observers: [observer], createId: () => 'x1' })
  await executor.execute({
    name: 'two tries',
    tasks: [{ id: 'a', tool: 'work', retry: { maxAttempts: 2, initialDelayMs: 0 } }],
  })
  await flush()
  const root = receiver.find('invoke_workflow two tries')
  expect([root.attributes, root.parentSpanId, root.scope]).toEqual([
    {
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.agent.name': 'two tries',
      'dagstream.execution.id': 'x1',
      'dagstream.execution.outcome': 'success',
    },
    '',
    { name: 'dagstream', schemaUrl: 'https://opentelemetry.io/schemas/gen-ai/0.1.0' },
  ])
  const attempts = receiver.spans.filter(({ name }) => name === 'execute_tool work')
  expect(attempts.map(({ attributes, status, parentSpanId }) => [attributes, status.message, parentSpanId])).toEqual([
    [
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'work',
        'dagstream.task.id': 'a',
        'dagstream.task.attempt': 1,
        'error.type': 'BUSY',
      },
      'not yet',
      root.spanId,
    ],
    [
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'work',
        'dagstream.task.id': 'a',
        'dagstream.task.attempt': 2,
      },
      undefined,
      root.spanId,
    ],
  ])
  expect(seen).toEqual(attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`))
})

test('an attempt has a link to each of its dependencies', async () => {
  const { observer, receiver, flush } = await otelRig()
  const executor = new ParallelExecutor({ a: () => 1, b: () => 2, join: () => 3 }, { observers: [observer] })
  await executor.execute({
    tasks: [
      { id: 'a', tool: 'a' },
      { id: 'b', tool: 'b' },
      { id: 'join', tool: 'join', arguments: { a: '$OUTPUT[a]' }, dependsOn: ['b'] },
    ],
  })
  await flush()
  const linked = ['a', 'b'].map(name => receiver.find(`execute_tool ${name}`).spanId)
  const { links, traceId } = receiver.find('execute_tool join')
  expect(links.map(link => [link.traceId, link.kind])).toEqual([
    [traceId, 'dependency'],
    [traceId, 'dependency'],
  ])
  expect(new Set(links.map(({ spanId }) => spanId))).toEqual(new Set(linked))
})

test('the items of a fan-out are children of its span', async () => {
  const { observer, receiver, flush } = await otelRig()
  const executor = new ParallelExecutor({ work: () => 1 }, { observers: [observer] })
  await executor.execute({ tasks: [{ id: 'each', tool: 'work', forEach: [1, 2], arguments: { n: '$ITEM' } }] })
  await flush()
  const spans = receiver.spans.filter(({ name }) => name === 'execute_tool work')
  const parent = spans.find(({ attributes }) => attributes['dagstream.task.id'] === 'each')
  const items = spans.filter(span => span !== parent)
  expect(parent?.attributes['dagstream.task.items']).toBe(2)
  expect(items.map(({ attributes, parentSpanId }) => [attributes['dagstream.task.id'], parentSpanId])).toEqual([
    ['each[0]', parent?.spanId],
    ['each[1]', parent?.spanId],
  ])
})

test('a model call is a span inside its attempt, with its model and its usage', async () => {
  const { observer, receiver, flush } = await otelRig()
  let sent: string | undefined
  const chat = createChatTool({
    generate: () => Promise.reject(new Error('not called')),
    async *generateStream(_, params = {}) {
      sent = params.traceparent
      params.onFinish?.({ model: 'm-1' })
      yield {
        eventId: 1,
        type: 'usage' as const,
        data: { promptTokens: 7, completionTokens: 5, totalTokens: 12, model: 'm-1' },
      }
      yield { eventId: 2, type: 'done' as const }
    },
  })
  await new ParallelExecutor([chat], { observers: [observer] }).execute({
    tasks: [{ id: 'ask', tool: 'llm:chat', arguments: { prompt: 'Hello' } }],
  })
  await flush()
  const attempt = receiver.find('execute_tool llm:chat')
  const call = receiver.find('chat m-1')
  expect([call.parentSpanId, call.kind, sent]).toEqual([
    attempt.spanId,
    3,
    `00-${attempt.traceId}-${attempt.spanId}-01`,
  ])
  expect(call.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.response.model': 'm-1',
    'gen_ai.usage.input_tokens': 7,
    'gen_ai.usage.output_tokens': 5,
  })
})

test('beyond its limit of spans an execution counts attempts, whose tools get the context of the execution', async () => {
  const { observer, receiver, flush } = await otelRig({ maxSpans: 10 })
  const contexts: (string | undefined)[] = []
  const work = tool((_, { traceparent }) => void contexts.push(traceparent))
  const tasks = Array.from({ length: 30 }, (_, at) => ({ id: `t${at}`, tool: 'work' }))
  await new ParallelExecutor([work], { observers: [observer] }).execute({ tasks })
  await flush()
  const root = receiver.find('invoke_workflow')
  expect([receiver.spans.length, root.attributes['dagstream.spans.dropped']]).toEqual([10, 21])
  expect(contexts.filter(each => each === `00-${root.traceId}-${root.spanId}-01`)).toHaveLength(21)
})

test('the `traceparent` of a POST is the parent of the trace, whose id is in the answer', async () => {
  const { observer, receiver, flush } = await otelRig()
  const rig = handlerRig({ observers: [observer] })
  const following = rig.create(ONE_TASK, { Accept: 'application/json', traceparent: PARENT })
  ;(await rig.tool.nextCall('a')).succeed(1)
  const response = await following
  await response.text()
  await flush()
  const root = receiver.find('invoke_workflow')
  expect([response.headers.get('trace-id'), root.traceId, root.parentSpanId]).toEqual([
    '0af7651916cd43dd8448eb211c80319c',
    '0af7651916cd43dd8448eb211c80319c',
    'b7ad6b7169203331',
  ])
})

test('a malformed `traceparent` is ignored', async () => {
  const { observer } = await otelRig()
  const rig = handlerRig({ observers: [observer] })
  const response = await rig.create(ONE_TASK, { Prefer: 'respond-async', traceparent: '00-x-y-01' })
  expect(response.headers.get('trace-id')).toMatch(/^[0-9a-f]{32}$/)
})

test('an execution that resumes in another process is a new trace, linked to the old one', async () => {
  const { observer, receiver, flush } = await otelRig()
  const first = handlerRig({ observers: [observer] })
  const begun = await first.create(ONE_TASK, { Prefer: 'respond-async' })
  const oldTrace = begun.headers.get('trace-id')
  await first.tool.nextCall('a')
  const store = await leaveAfter(await readKept(first.store, 'x1'), 2)
  const head = await store.get('x1')
  const rig = handlerRig({
    store: { ...store, interrupted: () => (head === undefined ? [] : [head]) },
    observers: [observer],
  })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.tool.idle()
  await flush()
  const root = receiver.find('invoke_workflow')
  expect(root.links.map(({ traceId, kind }) => [traceId, kind])).toEqual([[oldTrace, 'resumes']])
  expect(root.traceId).not.toBe(oldTrace)
})

test('an executor resumes an execution as a new trace, too', async () => {
  const { observer, receiver, flush } = await otelRig()
  const store = createMemoryStore()
  const context: ToolContext[] = []
  const hanging = new ParallelExecutor([tool((_, given) => new Promise(() => context.push(given)))], {
    store,
    observers: [observer],
    createId: () => 'x1',
  })
  void hanging.execute(ONE_TASK)
  await expect.poll(() => context.length).toBe(1)
  const kept = await leaveAfter(await readKept(store, 'x1'), 2)
  const executor = new ParallelExecutor({ work: () => 1 }, { store: kept, observers: [observer] })
  await (await executor.resume('x1')).result
  await flush()
  const [, oldTrace] = context[0]?.traceparent?.split('-') ?? []
  expect(receiver.find('invoke_workflow').links.map(({ traceId }) => traceId)).toEqual([oldTrace])
})

test('without an SDK nothing is recorded, and no tool gets a trace context', async () => {
  const contexts: (string | undefined)[] = []
  const observers = [await createOtelObserver()]
  const work = tool((_, { traceparent }) => void contexts.push(traceparent))
  const { status } = await new ParallelExecutor([work], { observers }).execute(ONE_TASK)
  expect([status, contexts]).toEqual(['success', [undefined]])
})

test.each([
  [{ maxSpans: 0 }, /Expected `maxSpans`/],
  [{ tracerProvider: {} }, /`tracerProvider/],
  [{ spans: 1 }, /Expected `spans` to be absent/],
])('the options %j are refused', async (options, message) => {
  await expect(createOtelObserver(options as never)).rejects.toThrow(message)
})
