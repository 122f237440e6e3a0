import { describe, expect, test } from 'vitest'
import { toUIMessageParts } from 'dagstream/ai-sdk'
import { AiSdkEncoder } from '../../src/protocols/ai-sdk/ai-sdk-encoder.ts'
import type { UIMessageOptions, UIMessagePart } from '../../src/protocols/ai-sdk/ui-message-part.ts'
import { createState } from '../../src/events/execution-state.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { applyEvent } from '../../src/events/state.ts'
import type { SSEEvent } from '../../src/index.ts'
import { rig } from '../support/rig.ts'
import { AI_SDK_READERS, readParts, textOf, toFrames } from './ai-sdk-readers.ts'
import { runAll } from './executions.ts'
import { toEntries, translateAll } from './fold.ts'

const toParts = (events: readonly SSEEvent[], options?: UIMessageOptions): UIMessagePart[] =>
  translateAll(events, (event, state) => toUIMessageParts(event, state, options))

const encodeAll = (events: readonly SSEEvent[], options?: UIMessageOptions): string =>
  new AiSdkEncoder('x', options).encode(toEntries(events))

test('each event has the parts of the table', async () => {
  const events = await runAll()
  const of = (taskId: string) => ({ toolCallId: taskId, dynamic: true, providerExecuted: true })
  const counts = {
    totalTasks: 3,
    successCount: 2,
    errorCount: 1,
    skippedCount: 0,
    cancelledCount: 0,
    toleratedCount: 1,
  }
  const layers = [['search', 'notes'], ['answer']]
  const text = (id: string) => ({ type: 'text-start', id, providerMetadata: { dagstream: { textId: id } } })
  const parts = toParts(events, { argumentsOf: taskId => ({ of: taskId }) })
  expect(parts.filter(({ type }) => type !== 'message-metadata')).toEqual([
    { type: 'start', messageId: 'x', messageMetadata: { executionId: 'x' } },
    { type: 'start-step' },
    expect.objectContaining({ type: 'data-dag', id: 'x', data: expect.objectContaining({ name: 'chat', layers }) }),
    { type: 'tool-input-available', ...of('search'), toolName: 'search', input: { of: 'search' } },
    { type: 'tool-input-available', ...of('notes'), toolName: 'note', input: { of: 'notes' } },
    {
      type: 'data-progress',
      data: { taskId: 'search', attempt: 1, progress: 1, total: 2, message: 'half' },
      transient: true,
    },
    { type: 'data-token', data: { taskId: 'search', attempt: 1, text: 'seen' }, transient: true },
    { type: 'tool-output-available', ...of('search'), output: { hits: ['a', 'b'] } },
    { type: 'tool-output-error', ...of('notes'), errorText: 'no notes' },
    { type: 'tool-input-available', ...of('answer'), toolName: 'model', input: { of: 'answer' } },
    text('answer#1'),
    { type: 'text-delta', id: 'answer#1', delta: 'void' },
    { type: 'text-end', id: 'answer#1' },
    {
      type: 'data-task',
      id: 'answer',
      data: {
        taskId: 'answer',
        status: 'retrying',
        voids: 'answer#1',
        attempt: 1,
        error: 'again',
        code: 'TOOL_ERROR',
        delayMs: 0,
      },
    },
    text('answer#2'),
    { type: 'text-delta', id: 'answer#2', delta: 'Hello' },
    { type: 'text-delta', id: 'answer#2', delta: ' world' },
    { type: 'text-end', id: 'answer#2' },
    { type: 'tool-output-available', ...of('answer'), output: { text: 'Hello world' } },
    { type: 'data-dag', id: 'x', data: { executionId: 'x', name: 'chat', status: 'success', counts, layers } },
    { type: 'finish-step' },
    {
      type: 'finish',
      finishReason: 'stop',
      messageMetadata: { status: 'success', tokenUsage: { totalTokensIn: 3, totalTokensOut: 2 } },
    },
  ])
  const metadata = parts.filter(part => part.type === 'message-metadata').map(part => part.messageMetadata)
  expect(metadata).toContainEqual({ tokenUsage: { totalTokensIn: 3, totalTokensOut: 2 } })
  expect(metadata.flatMap(({ metrics = {} }) => Object.keys(metrics))).toEqual(['search', 'answer', 'answer'])
})

test('each frame is the part of the pure function: none is lost where frames are joined or written by hand', async () => {
  const events = await runAll()
  const encoder = new AiSdkEncoder('x')
  // One entry a chunk: nothing is joined.
  const single = toEntries(events).map(entry => encoder.encode([entry]))
  expect(readParts(single.join(''))).toEqual(JSON.parse(JSON.stringify(toParts(events))))
})

describe.each(AI_SDK_READERS)('ai $version', ({ read, version }) => {
  test('folds single parts and joined ones to one message, which holds every task and the answer', async () => {
    const events = await runAll()
    const single = await read(toFrames(toParts(events)))
    const joined = await read(encodeAll(events))
    expect(joined).toEqual(single)
    if (joined === undefined) throw new Error('Expected a message')
    expect([joined.id, textOf(joined)]).toEqual(['x', 'Hello world'])
    const tools = joined.parts.filter(({ type }) => type === 'dynamic-tool')
    expect(tools.map(({ toolCallId, state }) => [toolCallId, state])).toEqual([
      ['search', 'output-available'],
      ['notes', 'output-error'],
      ['answer', 'output-available'],
    ])
    expect(joined.metadata).toMatchObject({ executionId: 'x', status: 'success', tokenUsage: { totalTokensIn: 3 } })
  })

  test('an unknown part would end the stream, so that unknown events have none', async () => {
    const later = { type: 'task_later', data: { executionId: 'x', taskId: 'a' } } as unknown as SSEEvent
    expect(toParts([later])).toEqual([])
    await expect(read(toFrames([{ type: 'task-later' } as unknown as UIMessagePart]))).rejects.toThrow()
  })

  test('a text that is open when another task ends stays open: there is one step', async () => {
    const tasks = [
      { id: 'slow', tool: 'work' },
      { id: 'answer', tool: 'work' },
    ]
    const { tool, execution, events } = rig({ tasks, output: '$OUTPUT[answer]' })
    const [slow, answer] = await tool.nextCalls('slow', 'answer')
    answer.context.emitToken('one ')
    await tool.idle()
    slow.succeed()
    await tool.idle()
    answer.context.emitToken('two')
    answer.succeed('one two')
    await execution.result
    const parts = toParts(events, { answer: 'answer' })
    expect(parts.filter(({ type }) => type === 'start-step' || type === 'finish-step')).toHaveLength(2)
    const message = await read(toFrames(parts))
    expect(message && textOf(message)).toBe('one two')
    // Versions 5 and 6 end where a step ends with an open text.
    if (version > 6) return
    const at = parts.findIndex(({ type }) => type === 'tool-output-available')
    await expect(read(toFrames(parts.toSpliced(at, 0, { type: 'finish-step' })))).rejects.toThrow()
  })

  test('`error` drops all that follows, so that a failed task is an error of its call', async () => {
    const events = await runAll()
    expect(toParts(events).map(({ type }) => type)).not.toContain('error')
    await expect(read(toFrames([{ type: 'error', errorText: 'no' }, ...toParts(events)]))).rejects.toThrow('no')
  })

  test('an approval is a request of its call from version 6 on, and a question before', async () => {
    const { tool, execution, events } = rig({ tasks: [{ id: 'pay', tool: 'work', approve: 'Pay?' }] })
    await tool.idle()
    const asked = toParts(events, { version, toolOf: () => 'work' })
    const types = asked.map(({ type }) => type).filter(type => !type.startsWith('start') && type !== 'data-dag')
    expect(types).toEqual(version > 5 ? ['tool-input-available', 'tool-approval-request'] : ['data-question'])
    const open = await read(toFrames(asked))
    const part = open?.parts.at(-1)
    if (version > 5) {
      expect(part).toMatchObject({ toolCallId: 'pay', state: 'approval-requested', approval: { id: 'pay.0' } })
    } else expect(part).toMatchObject({ type: 'data-question', id: 'pay.0', data: { message: 'Pay?' } })
    await execution.answer('pay.0', true)
    ;(await tool.nextCall('pay')).succeed('paid')
    await execution.result
    const message = await read(encodeAll(events, { version }))
    const call = message?.parts.find(({ type }) => type === 'dynamic-tool')
    expect(call).toMatchObject({ toolCallId: 'pay', state: 'output-available', output: 'paid' })
    expect(message && textOf(message)).toBe('paid')
  })

  test('a declined approval is a denied call', async () => {
    const { tool, execution, events } = rig({ tasks: [{ id: 'pay', tool: 'work', approve: true }] })
    await tool.idle()
    await execution.decline('pay.0')
    await execution.result
    const message = await read(encodeAll(events, { version }))
    if (version > 5) expect(message?.parts.find(({ type }) => type === 'dynamic-tool')?.['state']).toBe('output-denied')
    else {
      expect(message?.parts.find(({ type }) => type === 'data-question')?.['data']).toMatchObject({
        outcome: 'declined',
      })
      expect(message?.parts.find(({ type }) => type === 'data-task')?.['data']).toMatchObject({
        code: 'INPUT_DECLINED',
      })
    }
  })

  test('a question is a part that its end replaces, without the answer', async () => {
    const { tool, execution, events } = rig({ tasks: [{ id: 'ask', tool: 'work' }] })
    const call = await tool.nextCall('ask')
    const asking = call.context.ask({ message: 'Which?', schema: { type: 'string' } })
    await tool.idle()
    await execution.answer('ask.1', 'this one')
    call.succeed(await asking)
    await execution.result
    const message = await read(encodeAll(events, { version }))
    const questions = message?.parts.filter(({ type }) => type === 'data-question')
    expect(questions?.map(({ data }) => data)).toEqual([
      expect.objectContaining({ inputId: 'ask.1', message: 'Which?', outcome: 'answered' }),
    ])
    expect(JSON.stringify(questions)).not.toContain('this one')
  })

  test('a task that never started has a part of its own', async () => {
    const tasks = [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work', dependsOn: ['a'] },
    ]
    const { tool, execution, events } = rig({ tasks })
    ;(await tool.nextCall('a')).fail()
    await execution.result
    const message = await read(encodeAll(events))
    const part = message?.parts.find(({ type }) => type === 'data-task')
    expect(part).toMatchObject({ id: 'b', data: { taskId: 'b', status: 'skipped', causedBy: 'a' } })
  })

  test('a cancelled execution ends its texts, is aborted and finishes', async () => {
    const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work' }] })
    const call = await tool.nextCall('a')
    call.context.emitToken('half')
    await tool.idle()
    execution.cancel()
    call.fail()
    await execution.result
    const frames = encodeAll(events)
    const types = readParts(frames).map(({ type }) => type)
    expect(types.slice(types.indexOf('text-end'))).toEqual(['text-end', 'tool-output-error', 'abort', 'finish'])
    const message = await read(frames)
    expect(message?.parts.find(({ type }) => type === 'text')).toMatchObject({ text: 'half', state: 'done' })
  })

  test('a task that is cancelled in the delay of a retry does not end its text twice', async () => {
    const retry = { maxAttempts: 2, initialDelayMs: 1000 }
    const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work', retry }] })
    const call = await tool.nextCall('a')
    call.context.emitToken('half')
    call.fail()
    await tool.idle()
    execution.cancel()
    await execution.result
    const parts = toParts(events)
    expect(parts.filter(({ type }) => type === 'text-end')).toHaveLength(1)
    await expect(read(toFrames(parts))).resolves.toMatchObject({ id: 'x' })
  })

  test('a snapshot begins the message anew, at any moment', async () => {
    const events = await runAll()
    for (let at = 1; at < events.length; at++) {
      const state = createState('x')
      for (const [index, event] of events.slice(0, at).entries()) applyEvent(state, event, index + 1)
      const data = toSnapshot(state, '2026-01-01T00:00:00.000Z', (_, output) => ({ output }))
      const snapshot = { type: 'snapshot', data, id: `x.${at}` } as SSEEvent
      const rest = [snapshot, ...events.slice(at)]
      const message = await read(toFrames(toParts(rest)))
      expect(message?.parts.filter(({ type }) => type === 'dynamic-tool')).toHaveLength(3)
      await expect(read(encodeAll(rest))).resolves.toMatchObject({ id: 'x' })
    }
  })
})
