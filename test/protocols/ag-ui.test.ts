import { EventSchema } from '@ag-ui/core/schemas'
import { beforeEach, expect, test, vi } from 'vitest'
import { type AgUiEvent, type AgUiOptions, toAgUiEvents } from 'dagstream/ag-ui'
import { createState } from '../../src/events/execution-state.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { applyEvent } from '../../src/events/state.ts'
import type { SSEEvent } from '../../src/index.ts'
import { AgUiEncoder, type AgUiReplay } from '../../src/protocols/ag-ui/ag-ui-encoder.ts'
import { rig } from '../support/rig.ts'
import { contentsOf, readFrames, refuseWarnings } from './ag-ui-readers.ts'
import { runAll, SEARCH_AND_ANSWER } from './executions.ts'
import { toEntries, translateAll } from './fold.ts'

beforeEach(refuseWarnings)

const RUN: AgUiOptions = { threadId: 't1', runId: 'r1' }

const toEvents = (events: readonly SSEEvent[], options: AgUiOptions = RUN): AgUiEvent[] =>
  translateAll(events, (event, state) => toAgUiEvents(event, state, options))

const toFrames = (events: readonly AgUiEvent[]): string =>
  events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')

const encodeAll = (events: readonly SSEEvent[], replay: Partial<AgUiReplay> = {}): string =>
  new AgUiEncoder('x', RUN, { replayTo: 0, history: [], ...replay }).encode(toEntries(events))

const typesOf = (frames: string): string[] =>
  [...frames.matchAll(/^data: \{"type":"(\w+)"/gm)].map(([, type]) => type as string)

test('each event has the events of the table, every one by the schema of the protocol', async () => {
  const events = toEvents(await runAll(), { ...RUN, argumentsOf: taskId => ({ of: taskId }) })
  for (const event of events) expect(EventSchema.safeParse(event).error).toBeUndefined()
  const call = (taskId: string, tool: string): unknown[] => [
    { type: 'STEP_STARTED', stepName: taskId },
    { type: 'TOOL_CALL_START', toolCallId: `x.${taskId}`, toolCallName: tool, parentMessageId: 'x.tasks' },
    { type: 'TOOL_CALL_ARGS', toolCallId: `x.${taskId}`, delta: JSON.stringify({ of: taskId }) },
    { type: 'TOOL_CALL_END', toolCallId: `x.${taskId}` },
  ]
  const result = (taskId: string, content: string): unknown[] => [
    {
      type: 'TOOL_CALL_RESULT',
      messageId: `x.${taskId}.result`,
      toolCallId: `x.${taskId}`,
      content,
      role: 'tool',
    },
  ]
  const step = (taskId: string): unknown => ({ type: 'STEP_FINISHED', stepName: taskId })
  const start = (messageId: string): unknown => ({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' })
  expect(events.filter(({ type }) => type !== 'ACTIVITY_DELTA')).toEqual([
    { type: 'RUN_STARTED', threadId: 't1', runId: 'r1', protocolVersion: '1.0', metadata: { executionId: 'x' } },
    expect.objectContaining({ type: 'ACTIVITY_SNAPSHOT', messageId: 'x.dag' }),
    ...call('search', 'search'),
    ...call('notes', 'note'),
    { type: 'CUSTOM', name: 'token', value: { taskId: 'search', attempt: 1, text: 'seen' } },
    ...result('search', '{"hits":["a","b"]}'),
    step('search'),
    ...result('notes', '{"status":"error","error":"no notes","code":"TOOL_ERROR"}'),
    step('notes'),
    ...call('answer', 'model'),
    start('x.answer#1'),
    { type: 'TEXT_MESSAGE_CONTENT', messageId: 'x.answer#1', delta: 'void' },
    { type: 'TEXT_MESSAGE_END', messageId: 'x.answer#1' },
    start('x.answer#2'),
    { type: 'TEXT_MESSAGE_CONTENT', messageId: 'x.answer#2', delta: 'Hello' },
    { type: 'TEXT_MESSAGE_CONTENT', messageId: 'x.answer#2', delta: ' world' },
    ...result('answer', '{"text":"Hello world"}'),
    { type: 'TEXT_MESSAGE_END', messageId: 'x.answer#2' },
    step('answer'),
    {
      type: 'RUN_FINISHED',
      threadId: 't1',
      runId: 'r1',
      outcome: { type: 'success' },
      usage: [{ inputTokens: 3, outputTokens: 2 }],
    },
  ])
})

test('the client folds single events and joined ones to the same messages and activity', async () => {
  const events = await runAll()
  const single = await readFrames(toFrames(toEvents(events)))
  const joined = await readFrames(encodeAll(events))
  expect(joined.messages()).toEqual(single.messages())
  expect(contentsOf(joined.messages(), 'assistant')).toEqual([undefined, 'void', 'Hello world'])
  expect(joined.activity()).toMatchObject({
    name: 'chat',
    status: 'success',
    counts: { successCount: 2, errorCount: 1 },
    tasks: { search: { status: 'success' }, notes: { status: 'error' }, answer: { status: 'success', attempts: 2 } },
  })
})

test('each frame is the event of the pure function: none is lost where frames are joined or written by hand', async () => {
  const events = await runAll()
  const read = (frames: string): AgUiEvent[] =>
    [...frames.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json as string) as AgUiEvent)
  // One entry a chunk: nothing is joined but the changes of one event.
  const encoder = new AgUiEncoder('x', RUN, { replayTo: 0, history: [] })
  const single = toEntries(events).map(entry => encoder.encode([entry]))
  const isChange = ({ type }: AgUiEvent): boolean => type === 'ACTIVITY_DELTA'
  const [found, expected] = [read(single.join('')), JSON.parse(JSON.stringify(toEvents(events))) as AgUiEvent[]]
  // The start of a text waits for its first token.
  expect(found.filter(isChange)).toEqual(expected.filter(isChange))
  expect(found.filter(event => !isChange(event))).toEqual(expected.filter(event => !isChange(event)))
})

test('frames have LF alone, and no `[DONE]`, which the client takes for JSON', async () => {
  const frames = encodeAll(await runAll())
  expect([frames.includes('\r'), frames.includes('[DONE]')]).toEqual([false, false])
  vi.spyOn(console, 'error').mockImplementation(() => {})
  await expect(readFrames(`${frames}data: [DONE]\n\n`)).rejects.toThrow()
  // The client finds no frame: the whole body is one, and not JSON.
  await expect(readFrames(frames.replaceAll('\n', '\r\n'))).rejects.toThrow()
})

test('a replay ends with a snapshot of messages, and doubles nothing in a client that has them', async () => {
  const events = await runAll()
  const history = [{ id: 'u1', role: 'user', content: 'Hi' }] as const
  // The client has seen everything up to the middle of the text.
  const seen = events.findIndex(({ type, data }) => type === 'token' && 'text' in data && data.text === 'Hello') + 1
  for (const replayTo of [seen, events.length]) {
    const before = await readFrames(encodeAll(events, {})).then(({ messages }) => [...history, ...messages()])
    const frames = encodeAll(events, { replayTo, history })
    const types = typesOf(frames)
    expect(types.filter(type => type === 'MESSAGES_SNAPSHOT')).toHaveLength(1)
    const after = await readFrames(frames, before)
    expect(contentsOf(after.messages(), 'user')).toEqual(['Hi'])
    // The text of the void attempt is gone.
    expect(contentsOf(after.messages(), 'assistant')).toEqual([undefined, 'Hello world'])
    expect(contentsOf(after.messages(), 'tool')).toHaveLength(3)
    const ids = after.messages().map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)])
    expect(after.activity()).toMatchObject({ status: 'success' })
  }
  // Single events would double it.
  const seenOnce = await readFrames(toFrames(toEvents(events)))
  const seenTwice = await readFrames(toFrames(toEvents(events)), seenOnce.messages())
  expect(contentsOf(seenTwice.messages(), 'assistant')).toContain('Hello worldHello world')
})

test('a replay that ends at any moment continues as if nothing had happened', async () => {
  const events = await runAll()
  for (let replayTo = 1; replayTo <= events.length; replayTo++) {
    const { messages } = await readFrames(encodeAll(events, { replayTo }))
    expect(contentsOf(messages(), 'assistant').at(-1)).toBe('Hello world')
    expect(contentsOf(messages(), 'tool')).toHaveLength(3)
  }
})

test('a snapshot begins the run anew, at any moment', async () => {
  const events = await runAll()
  for (let at = 1; at < events.length; at++) {
    const state = createState('x')
    for (const [index, event] of events.slice(0, at).entries()) applyEvent(state, event, index + 1)
    const data = toSnapshot(state, '2026-01-01T00:00:00.000Z', (_, output) => ({ output }))
    const rest = [{ type: 'snapshot', data, id: `x.${at}` } as SSEEvent, ...events.slice(at)]
    const { messages } = await readFrames(toFrames(toEvents(rest)))
    expect(contentsOf(messages(), 'tool')).toHaveLength(3)
    await expect(readFrames(encodeAll(rest))).resolves.toBeDefined()
  }
})

test('two runs of one thread have messages of their own', async () => {
  const first = await readFrames(encodeAll(await runAll()))
  const { tool, execution, events } = rig(SEARCH_AND_ANSWER)
  for (const call of await tool.nextCalls('search', 'notes')) call.succeed()
  const answer = await tool.nextCall('answer')
  answer.context.emitToken('Second')
  answer.succeed()
  await execution.result
  // The rig names every execution `x`; a server names each its own.
  const second = encodeAll(events).replaceAll('"x.', '"y.')
  const { messages } = await readFrames(second, first.messages())
  expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'void', 'Hello world', undefined, 'Second'])
})

test('a cancelled run closes all that is open, and its outcome says so', async () => {
  const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work' }] })
  const call = await tool.nextCall('a')
  call.context.emitToken('half')
  await tool.idle()
  execution.cancel()
  call.fail()
  await execution.result
  const { events: received, messages } = await readFrames(encodeAll(events))
  expect(received.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } })
  expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'half'])
})

test('only an execution with the status `error` is a failed run', async () => {
  const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work' }] })
  ;(await tool.nextCall('a')).fail()
  await execution.result
  const { events: received } = await readFrames(encodeAll(events))
  expect(received.at(-1)).toMatchObject({ type: 'RUN_ERROR', message: '1 of 1 tasks failed', code: 'EXECUTION_FAILED' })
})

test('an `error` event may be the first one of a stream', async () => {
  const error = {
    type: 'error',
    data: { executionId: 'x', timestamp: '', error: 'parked', code: 'CRASH_LIMIT' },
  } as const
  const { events } = await readFrames(encodeAll([error], { replayTo: 1 }))
  expect(events).toMatchObject([{ type: 'RUN_ERROR', message: 'parked', code: 'CRASH_LIMIT' }])
})

test('an answer that does not stream is the text of its output', async () => {
  const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work' }] })
  ;(await tool.nextCall('a')).succeed('Hello')
  await execution.result
  for (const replayTo of [0, 2, events.length]) {
    const { messages } = await readFrames(encodeAll(events, { replayTo }))
    expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'Hello'])
  }
})
