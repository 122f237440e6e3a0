import { expect, test } from 'vitest'
import {
  createMemoryStore,
  DagstreamError,
  type ExecutionStore,
  handleSSERequest,
  handleWorkflowRequest,
  type SSEEvent,
  StreamingExecutor,
  type ToolContext,
} from '../../src/index.ts'
import { collectGarbage } from '../support/collect-garbage.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { diamond } from '../support/workflows.ts'
import { ONE_TASK, parseData, parseMessages, request, requestRig } from './request-rig.ts'

test('the bytes on the wire are the events of `stream`, as another parser reads them', async () => {
  const tools = {
    work: (_: unknown, { taskId, ...context }: ToolContext): unknown => {
      if (taskId === 'c') throw new Error('two\r\nlines: \u2028 \u0085')
      return { taskId, text: 'data: x\n\nid: forged\r\nevent: e', lone: '\ud800', emoji: '👍', ...context }
    },
  }
  const options = { createId: () => 'x', clock: new FakeClock() }
  const workflow = diamond('a', ['b', 'c'], 'd')
  const response = await handleSSERequest(request(), workflow, { tools, ...options })
  const messages = parseMessages(await response.text())
  const events: SSEEvent[] = []
  for await (const event of new StreamingExecutor(tools, options).stream(workflow)) events.push(event)
  expect(messages.map(({ id, event, data }) => ({ id, type: event, data: JSON.parse(data) as unknown }))).toEqual(
    events.map(({ id, type, data }) => ({ id, type, data })),
  )
})

test('an output over 64 KiB is reported by size, preview and path, and the JSON result has it whole', async () => {
  const output = 'ü'.repeat(40_000)
  const options = { tools: { work: () => output }, createId: () => 'x' }
  const text = await (await handleSSERequest(request(), ONE_TASK, options)).text()
  const complete = parseData(text)[2] as Record<string, unknown>
  expect([complete['output'], complete['outputBytes'], complete['outputPath']]).toEqual([
    undefined,
    80_002,
    '/executions/x/tasks/a/output',
  ])
  expect(JSON.stringify(output).startsWith(complete['outputPreview'] as string)).toBe(true)
  const result = await (await handleWorkflowRequest(request(), ONE_TASK, options)).json()
  expect(result).toMatchObject({ results: [{ output }] })
})

test('another format makes the frames, of events as they are in process', async () => {
  const response = await handleSSERequest(request(), ONE_TASK, {
    tools: { work: () => ({ n: [1] }) },
    format: ({ id, type, data }) => {
      const output = type === 'task_complete' ? ` ${JSON.stringify(data.output)}` : ''
      return type === 'task_start' ? '' : `data: ${id?.split('.')[1]} ${type}${output}\n\n`
    },
  })
  expect(parseMessages(await response.text()).map(({ data }) => data)).toEqual([
    '1 execution_start',
    '3 task_complete {"n":[1]}',
    '4 execution_complete',
  ])
})

test('the first bytes are there before anything has happened, and silence is broken by comments', async () => {
  const { tool, clock, options } = requestRig({ heartbeatMs: 500 })
  const response = await handleSSERequest(request(), ONE_TASK, options)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const read = async (): Promise<string | undefined> => (await reader?.read())?.value
  expect(await read()).toBe(':\n\n')
  const call = await tool.nextCall('a')
  expect(parseMessages((await read()) ?? '').map(({ event }) => event)).toEqual(['execution_start', 'task_start'])
  for (let beat = 0; beat < 3; beat++) {
    const next = read()
    await clock.run(500)
    expect(await next).toBe(':\n\n')
  }
  call.succeed()
  let rest = ''
  for (let text = await read(); text !== undefined; text = await read()) rest += text
  expect(parseMessages(rest).map(({ event }) => event)).toEqual(['task_complete', 'execution_complete'])
  expect(clock.timerCount).toBe(0)
})

test('a reader that does not read slows nothing and costs little, and then gets a snapshot and the tail', async () => {
  const events = 100_000
  let release!: () => void
  let tellDone!: () => void
  const held = new Promise<void>(resolve => (release = resolve))
  const done = new Promise<void>(resolve => (tellDone = resolve))
  const work = async (_: unknown, { reportProgress }: ToolContext): Promise<string> => {
    for (let progress = 1; progress <= events; progress++) {
      // 800 MB in all, if anybody kept them.
      reportProgress({ progress, message: `${progress}`.padEnd(8000, '.') })
      if (progress % 500 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    tellDone()
    await held
    return 'done'
  }
  const heapBefore = collectGarbage()
  const response = await handleSSERequest(request(), ONE_TASK, {
    tools: { work },
    createId: () => 'x',
    taskTimeoutMs: 0,
  })
  await done
  await new Promise(resolve => setImmediate(resolve))
  expect(collectGarbage() - heapBefore).toBeLessThan(40 * 1024 * 1024)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ((await reader?.read())?.value ?? '') + ((await reader?.read())?.value ?? '')
  release()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) text += read.value
  const messages = parseMessages(text)
  expect(messages.map(({ id, event }) => `${event} ${id}`)).toEqual([
    `snapshot x.${events + 2}`,
    `task_complete x.${events + 3}`,
    `execution_complete x.${events + 4}`,
  ])
  expect(JSON.parse(messages[0]?.data ?? '')).toMatchObject({
    seq: events + 2,
    status: 'running',
    tasks: [{ taskId: 'a', status: 'running', attempts: 1 }],
    counts: { totalTasks: 1, successCount: 0 },
  })
})

test('a reader that comes after the end of a hundred thousand events gets how it ended', async () => {
  const work = async (_: unknown, { reportProgress }: ToolContext): Promise<void> => {
    for (let progress = 1; progress <= 100_000; progress++) {
      reportProgress({ progress })
      if (progress % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }
  const store = createMemoryStore({ maxTailEvents: 10 })
  const response = await handleSSERequest(request(), ONE_TASK, { tools: { work }, createId: () => 'x', store })
  while ((await store.get('x'))?.status === 'running') await new Promise(resolve => setImmediate(resolve))
  const [snapshot, ...rest] = parseMessages(await response.text())
  expect([snapshot?.event, JSON.parse(snapshot?.data ?? ''), rest]).toMatchObject([
    'snapshot',
    { status: 'running', counts: { successCount: 1 } },
    [{ event: 'execution_complete' }],
  ])
})

/** A store that fails at `method` for the `nth` time. */
function failingStore(method: 'create' | 'claim' | 'append', nth: number, error: Error): ExecutionStore {
  const store = createMemoryStore()
  let calls = 0
  return Object.assign(Object.create(store) as ExecutionStore, {
    ...store,
    [method]: (...args: never[]) => {
      calls += 1
      if (calls === nth) throw error
      return (store[method] as (...all: never[]) => unknown)(...args)
    },
  })
}

test.each<['create' | 'claim' | 'append', number, Error, string]>([
  ['create', 1, new Error('secret'), 'STORE_FAILED'],
  ['claim', 1, new TypeError('secret'), 'STORE_FAILED'],
  ['append', 1, new Error('secret'), 'STORE_FAILED'],
  ['append', 2, Object.assign(new Error('secret'), { code: 'secret' }), 'STORE_FAILED'],
  ['append', 2, new DagstreamError('FENCED', 'secret'), 'FENCED'],
])(
  'a store whose %s fails, call %i, ends both answers without the text of its error',
  async (method, nth, error, code) => {
    const tools = { work: () => 1 }
    const logged: Record<string, unknown>[] = []
    const logger = { debug() {}, warn: (_: string, fields = {}) => void logged.push(fields) }
    const batchStore = failingStore(method, nth, error)
    const batch = await handleWorkflowRequest(request(), ONE_TASK, { tools, store: batchStore, logger })
    const reference = batch.headers.get('Execution-Id')
    expect(logged).toMatchObject([{ reference, error: expect.stringContaining('secret') as string }])
    expect([batch.status, batch.headers.get('Content-Type'), await batch.json()]).toEqual([
      500,
      'application/problem+json',
      { title: 'The execution could not be completed', code, reference, status: 500 },
    ])
    const stream = await handleSSERequest(request(), ONE_TASK, { tools, store: failingStore(method, nth, error) })
    const text = await stream.text()
    const last = parseMessages(text).at(-1)
    expect([stream.status, last?.event, last?.id, JSON.parse(last?.data ?? '')]).toMatchObject([
      200,
      'error',
      undefined,
      { code },
    ])
    expect(text).not.toContain('secret')
  },
)

test("of a tool's error only the message and the code are reported", async () => {
  const work = (): never => {
    throw Object.assign(new Error('quota used up', { cause: new Error('secret cause') }), {
      code: 'QUOTA',
      stack: 'secret stack',
      key: 'secret key',
    })
  }
  for (const accept of ['text/event-stream', 'application/json']) {
    const text = await (await handleWorkflowRequest(request(accept), ONE_TASK, { tools: { work } })).text()
    expect([text.includes('quota used up'), text.includes('"QUOTA"'), text.includes('secret')]).toEqual([
      true,
      true,
      false,
    ])
  }
})

test('a format that throws ends the stream, and its text stays here', async () => {
  const warnings: string[] = []
  const response = await handleSSERequest(request(), ONE_TASK, {
    tools: { work: () => 1 },
    logger: { debug() {}, warn: message => void warnings.push(message) },
    format() {
      throw new Error('secret')
    },
  })
  const text = await response.text().catch((error: unknown) => String(error))
  expect([text.includes('secret'), warnings]).toEqual([false, ['The event stream failed']])
})

test('a logger that throws is the fault of neither the stream nor the execution', async () => {
  const logger = {
    debug() {
      throw new Error('secret')
    },
    warn() {
      throw new Error('secret')
    },
  }
  const work = (_: unknown, { reportUsage }: ToolContext): number => {
    reportUsage({ totalTokensIn: 1 })
    return 1
  }
  const options = { tools: { work }, logger }
  const good = parseMessages(await (await handleSSERequest(request(), ONE_TASK, options)).text())
  expect(good.at(-1)?.event).toBe('execution_complete')
  const format = (): string => {
    throw new Error('secret')
  }
  const bad = await handleSSERequest(request(), ONE_TASK, { ...options, format })
  const last = parseMessages(await bad.text()).at(-1)
  expect([last?.event, last?.data.includes('secret')]).toEqual(['error', false])
})
