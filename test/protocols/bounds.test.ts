import { beforeEach, describe, expect, test } from 'vitest'
import { MAX_SHOWN_TASKS } from 'dagstream/ai-sdk'
import { LIMITS } from '../../src/workflow/document.ts'
import { MAX_INLINE_OUTPUT_BYTES } from '../../src/events/wire-json.ts'
import { type DAGStructure, JsonNumber, type SSEEvent } from '../../src/index.ts'
import { AgUiEncoder } from '../../src/protocols/ag-ui/ag-ui-encoder.ts'
import { toAgUiEvents } from '../../src/protocols/ag-ui/to-ag-ui-events.ts'
import { AiSdkEncoder } from '../../src/protocols/ai-sdk/ai-sdk-encoder.ts'
import { toUIMessageParts } from '../../src/protocols/ai-sdk/to-ui-message-parts.ts'
import type { UIMessagePart } from '../../src/protocols/ai-sdk/ui-message-part.ts'
import { rig } from '../support/rig.ts'
import { contentsOf, readFrames, refuseWarnings } from './ag-ui-readers.ts'
import { AI_SDK_READERS, readParts, textOf } from './ai-sdk-readers.ts'
import { toEntries, translateAll } from './fold.ts'

beforeEach(refuseWarnings)

const encodeParts = (events: readonly SSEEvent[]): string => new AiSdkEncoder('x').encode(toEntries(events))

const encodeEvents = (events: readonly SSEEvent[], replayTo = 0): string =>
  new AgUiEncoder('x', { threadId: 't1', runId: 'r1' }, { replayTo, history: [] }).encode(toEntries(events))

/** As many tasks beside one another, and an answer behind them. Task `t1` fails. */
async function runMany(count: number): Promise<readonly SSEEvent[]> {
  const many = Array.from({ length: count - 1 }, (_, index) => ({ id: `t${index}`, tool: 'work', optional: true }))
  const dependsOn = many.map(({ id }) => id)
  const { tool, execution, events } = rig({ tasks: [...many, { id: 'answer', tool: 'work', dependsOn }] })
  for (const { id } of many) {
    const call = await tool.nextCall(id)
    call.context.reportProgress({ progress: 1 })
    call.context.emitToken('other')
    call.context.log('info', 'line')
    if (id === 't1') call.fail()
    else call.succeed()
  }
  const answer = await tool.nextCall('answer')
  answer.context.emitToken('Hello')
  answer.succeed()
  await execution.result
  return events
}

const countTypes = (types: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const type of types) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

test('up to the bound each task has its part, above it only the whole, failures and the answer are shown', async () => {
  const few = await runMany(MAX_SHOWN_TASKS)
  const shown = countTypes(readParts(encodeParts(few)).map(({ type }) => type))
  expect([shown['tool-input-available'], shown['tool-output-available']]).toEqual([200, 199])
  const many = await runMany(MAX_SHOWN_TASKS + 1)
  const parts = readParts(encodeParts(many))
  expect(countTypes(parts.map(({ type }) => type))).toEqual({
    start: 1,
    'start-step': 1,
    'data-dag': 1,
    'data-task': 1,
    'message-metadata': 1,
    'text-start': 1,
    'text-delta': 1,
    'text-end': 1,
    'finish-step': 1,
    finish: 1,
  })
  expect(parts.find(({ type }) => type === 'data-task')).toMatchObject({ data: { taskId: 't1', status: 'error' } })
  const dag = parts.find(({ type }) => type === 'data-dag')
  expect(dag).toMatchObject({ data: { status: 'success', counts: { totalTasks: 201, successCount: 200 } } })
  expect(dag).not.toHaveProperty('data.layers')
  for (const { read } of AI_SDK_READERS) {
    const message = await read(encodeParts(many))
    expect(message && textOf(message)).toBe('Hello')
  }
})

test('the same holds for AG-UI', async () => {
  const many = await runMany(MAX_SHOWN_TASKS + 1)
  for (const replayTo of [0, many.length - 1]) {
    const { events, messages, activity } = await readFrames(encodeEvents(many, replayTo))
    const types = countTypes(events.map(({ type }) => type))
    expect([types['STEP_STARTED'], types['TOOL_CALL_START'], types['CUSTOM']]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(contentsOf(messages(), 'assistant')).toEqual(['Hello'])
    expect(activity()).toMatchObject({ counts: { successCount: 200 }, tasks: { t1: { status: 'error' } } })
    expect(Object.keys(activity()?.['tasks'] as object)).toEqual(['t1'])
  }
  expect(countTypes((await readFrames(encodeEvents(many))).events.map(({ type }) => type))['ACTIVITY_DELTA']).toBe(1)
})

test('an execution that grows beyond the bound keeps the parts that it has, and each of them ends', async () => {
  const { tool, execution, events } = rig({
    tasks: [{ id: 'each', tool: 'work', forEach: Array.from({ length: 300 }, (_, index) => index) }],
  })
  await tool.succeedAll('done')
  await execution.result
  const parts: UIMessagePart[] = translateAll(events, (event, state) => toUIMessageParts(event, state))
  const ids = (type: string): unknown[] =>
    parts.flatMap(part => (part.type === type && 'toolCallId' in part ? [part.toolCallId] : [])).sort()
  expect(ids('tool-input-available')).toHaveLength(MAX_SHOWN_TASKS)
  expect(ids('tool-output-available')).toEqual(ids('tool-input-available'))
  const calls = encodeEvents(events).match(/"type":"TOOL_CALL_(?:START|RESULT)"/g)
  expect(calls).toHaveLength(2 * MAX_SHOWN_TASKS)
})

test('of many failures the first ones are shown', async () => {
  const tasks = Array.from({ length: 500 }, (_, index) => ({ id: `t${index}`, tool: 'work' }))
  const { tool, execution, events } = rig({ tasks })
  for (const { id } of tasks) (await tool.nextCall(id)).fail()
  await execution.result
  const shown = readParts(encodeParts(events)).filter(({ type }) => type === 'data-task')
  expect(shown).toHaveLength(MAX_SHOWN_TASKS)
  const { activity } = await readFrames(encodeEvents(events))
  expect(Object.keys(activity()?.['tasks'] as object)).toHaveLength(MAX_SHOWN_TASKS)
})

describe('outputs', () => {
  async function runOne(output: unknown, workflow: Partial<DAGStructure> = {}): Promise<readonly SSEEvent[]> {
    const { tool, execution, events } = rig({ tasks: [{ id: 'a', tool: 'work' }], ...workflow })
    ;(await tool.nextCall('a')).succeed(output)
    await execution.result
    return events
  }

  test('over 64 KiB are shown by size, preview and path', async () => {
    const events = await runOne({ text: 'x'.repeat(MAX_INLINE_OUTPUT_BYTES) }, { output: '$OUTPUT[a]' })
    const reference = {
      outputBytes: MAX_INLINE_OUTPUT_BYTES + 11,
      outputPreview: expect.stringMatching(/^\{"text":"x+$/) as string,
      outputPath: '/executions/x/tasks/a/output',
    }
    const whole = { ...reference, outputPath: '/executions/x/output' }
    for (const parts of [
      readParts(encodeParts(events)),
      translateAll(events, (event, state) => toUIMessageParts(event, state)),
    ]) {
      expect(parts.find(({ type }) => type === 'tool-output-available')).toMatchObject({ output: reference })
      expect(parts.at(-1)).toMatchObject({ type: 'finish', messageMetadata: whole })
    }
    const { messages, events: received } = await readFrames(encodeEvents(events))
    expect(JSON.parse(contentsOf(messages(), 'tool')[0] as string)).toEqual(reference)
    expect(received.at(-1)).toMatchObject({ type: 'RUN_FINISHED', result: whole })
  })

  test('keep the digits of their numbers', async () => {
    const events = await runOne({ n: new JsonNumber('12345678901234567890') })
    expect(encodeParts(events)).toContain('"output":{"n":12345678901234567890}')
    expect(encodeEvents(events)).toContain('{\\"n\\":12345678901234567890}')
  })

  test.each([null, 0, '', false, [], 'text', { a: null }])('%j is what the clients have', async output => {
    const events = await runOne(output, { output: '$OUTPUT[a]' })
    for (const { read } of AI_SDK_READERS) {
      const message = await read(encodeParts(events))
      expect(message?.parts.find(({ type }) => type === 'dynamic-tool')?.['output']).toEqual(output)
    }
    const { messages, events: received } = await readFrames(encodeEvents(events))
    const [content] = contentsOf(messages(), 'tool')
    expect(content).toBe(typeof output === 'string' && output !== '' ? output : JSON.stringify(output))
    // The protocol does not have null.
    expect((received.at(-1) as { result?: unknown }).result).toEqual(output ?? undefined)
  })
})

test('a task with any id is shown', async () => {
  const ids = ['a/b~c', '__proto__', 'constructor', 'ä ö', '"', 'x.y#1', '0'.repeat(200)]
  const tasks = ids.map(id => ({ id, tool: 'work' }))
  const { tool, execution, events } = rig({ tasks })
  for (const id of ids) (await tool.nextCall(id)).succeed(id)
  await execution.result
  for (const { read } of AI_SDK_READERS) {
    const message = await read(encodeParts(events))
    const calls = message?.parts.filter(({ type }) => type === 'dynamic-tool')
    expect(calls?.map(({ toolCallId, output }) => [toolCallId, output])).toEqual(ids.map(id => [id, id]))
  }
  const { messages } = await readFrames(encodeEvents(events))
  expect(contentsOf(messages(), 'tool')).toEqual(ids)
})

test('single events above the bound stay few for the largest workflow, too', () => {
  const layers = [Array.from({ length: 1000 }, (_, index) => `t${index}`)]
  const data = { executionId: 'x', timestamp: '', totalTasks: 1000, layers, schedule: 'layers' } as const
  const events = translateAll([{ type: 'execution_start', data, id: 'x.1' }], (event, state) =>
    toAgUiEvents(event, state),
  )
  expect(JSON.stringify(events).length).toBeLessThan(1000)
  expect(LIMITS.maxTasks).toBeGreaterThan(1000)
})
