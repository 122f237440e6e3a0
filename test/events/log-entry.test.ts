import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { LogEntry, NOT_LOGGED } from '../../src/events/log-entry.ts'
import { type LoggedData, MAX_INLINE_OUTPUT_BYTES, showOutput, wireJson } from '../../src/events/wire-json.ts'
import { parseEventId, formatEventId, SSE_EVENTS, type SSEEvent } from '../../src/index.ts'
import { rig } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

const about = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }
const counts = { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
const totals = { totalExecutionTimeMs: 1, speedup: 0, criticalPathMs: 0, parallelizationLayers: 0 }
const ended = { taskId: 'a/b ü', tool: 'w', status: 'success', attempts: 1, executionTimeMs: 2.5, waitMs: 0 } as const
const completion = (output: unknown): LoggedData<'task_complete'> => ({
  ...about,
  ...ended,
  output: JsonValue.from(output),
})

test('the JSON of an entry is one line, and equals that of its event', () => {
  const entry = new LogEntry(3, 'task_complete', completion({ text: 'two\nlines\r\u2028' }))
  expect(JSON.parse(entry.json)).toEqual({ ...about, ...ended, output: { text: 'two\nlines\r\u2028' } })
  expect(entry.json).not.toMatch(/[\r\n]/)
  const event = entry.toEvent()
  expect([event.type, event.id, event.data]).toEqual(['task_complete', 'x.3', JSON.parse(entry.json)])
  expect(JSON.parse(wireJson(event))).toEqual(JSON.parse(entry.json))
})

test('each reader of an entry has an event of its own', () => {
  const logged = { ...about, totalTasks: 1, layers: [['a']], schedule: 'layers' } as const
  for (const entry of [
    new LogEntry(1, 'execution_start', logged),
    new LogEntry(2, 'task_complete', completion({ a: [1] })),
  ]) {
    const before = JSON.stringify(entry.toEvent())
    const event = entry.toEvent() as unknown as {
      data: { layers?: unknown[]; output?: { a: unknown[] }; tool?: string }
    }
    event.data.layers?.push('x')
    event.data.output?.a.push(2)
    event.data.tool = 'changed'
    expect(JSON.stringify(entry.toEvent())).toBe(before)
  }
})

test('an output over 64 KiB is reported on the wire by size, preview and path, and in process it is the value', () => {
  const fits = 'x'.repeat(MAX_INLINE_OUTPUT_BYTES - 2)
  const large = 'ü'.repeat(MAX_INLINE_OUTPUT_BYTES / 2)
  expect(JSON.parse(new LogEntry(1, 'task_complete', completion(fits)).json)).toMatchObject({ output: fits })
  const entry = new LogEntry(1, 'task_complete', completion(large))
  expect(JSON.parse(entry.json)).toEqual({
    ...about,
    ...ended,
    outputBytes: MAX_INLINE_OUTPUT_BYTES + 2,
    outputPreview: `"${'ü'.repeat(511)}`,
    outputPath: '/executions/x/tasks/a%2Fb%20%C3%BC/output',
  })
  const event = entry.toEvent() as Extract<SSEEvent, { type: 'task_complete' }>
  expect(event.data.output).toBe(large)
  expect(JSON.parse(wireJson(event))).toEqual(JSON.parse(entry.json))
  expect(Object.keys(showOutput('x', 'a', JsonValue.from(large)))).toEqual([
    'outputBytes',
    'outputPreview',
    'outputPath',
  ])
  expect(showOutput('x', 'a', JsonValue.from({ a: 1 }))).toEqual({ output: { a: 1 } })
})

test('an entry that comes back from a store is the entry that went there', () => {
  for (const output of [null, 0, '', [1, { a: 'ü' }], JSON.parse('{"__proto__":1}') as unknown]) {
    const entry = new LogEntry(7, 'task_complete', completion(output))
    const back = LogEntry.fromJson(7, 'task_complete', entry.json)
    // In the same order, too.
    expect(Object.keys(back.toEvent().data)).toEqual(Object.keys(JSON.parse(entry.json) as object))
    expect([back.json, back.toEvent(), back.output?.text]).toEqual([entry.json, entry.toEvent(), entry.output?.text])
  }
})

test('an entry that is not in the log has no id', () => {
  const event = new LogEntry(NOT_LOGGED, 'error', {
    ...about,
    error: 'lost',
    code: 'STORE_FAILED',
  }).toEvent()
  expect(event).toEqual({ type: 'error', data: { ...about, error: 'lost', code: 'STORE_FAILED' } })
  expect('id' in event).toBe(false)
})

test('the JSON of every event of an execution equals the event', async () => {
  const document = workflow('"quoted"\\', 'b', task('c', ['b']), task('d', [], { timeoutMs: 5 }))
  const { tool, execution, clock } = rig(document, { abortGraceMs: 1 })
  const [a, b] = await tool.nextCalls('"quoted"\\', 'b', 'd')
  a.context.emitToken('"\n\ud800')
  a.context.log('warning', 'a "no"\n\u2028')
  a.context.reportUsage({ totalTokensIn: 1 })
  a.context.reportProgress({ progress: 1 })
  a.succeed({ __proto__: null, list: ['"', '\n'] })
  b.fail(Object.assign(new Error('a "no"\n'), { code: 'E' }))
  await clock.run(10)
  await execution.result
  const entries = await execution.subscribe().take(Number.POSITIVE_INFINITY)
  expect(entries.length).toBeGreaterThan(10)
  for (const entry of entries) {
    expect(entry.json).not.toMatch(/[\r\n]/)
    expect(JSON.parse(entry.json)).toEqual(JSON.parse(JSON.stringify(entry.toEvent().data)))
  }
})

test('the JSON of every event of a growing execution equals the event', async () => {
  const document = {
    tasks: [
      { id: 'each', tool: 'work', forEach: [1, 2], tolerate: 1 },
      { id: 'kept', workflow: { tasks: [{ id: 'a', tool: 'work' }] }, optional: true },
    ],
    finally: [{ id: 'end', tool: 'work' }],
    output: { all: '$OUTPUT[each]', kept: '$OUTPUT[kept]' },
  }
  const { tool, execution } = rig(document)
  const calls = await tool.nextCalls('each[0]', 'each[1]', 'kept/a')
  calls[0]?.succeed('ü"\n')
  calls[1]?.fail()
  calls[2]?.fail()
  ;(await tool.nextCall('end')).succeed()
  await execution.result
  const entries = await execution.subscribe().take(Number.POSITIVE_INFINITY)
  const texts = entries.map(({ json }) => json)
  expect(texts.map(text => JSON.parse(text) as unknown)).toEqual(
    entries.map(entry => JSON.parse(JSON.stringify(entry.toEvent().data)) as unknown),
  )
  for (const part of ['"itemCount":2', '"finallyFrom":1', '"held":true', '"optional":true', '"toleratedCount":1']) {
    expect([part, texts.some(text => text.includes(part))]).toEqual([part, true])
  }
  expect(JSON.parse(texts.at(-1) as string)).toMatchObject({ output: { all: ['ü"\n', null], kept: null } })
})

test('a large output of the workflow is reported by its path, and comes back from a store whole', () => {
  const end = { ...about, status: 'success', ...counts, ...totals } as const
  const large = 'ü'.repeat(MAX_INLINE_OUTPUT_BYTES)
  for (const [output, isInline] of [
    [{ a: 1 }, true],
    [null, true],
    [large, false],
  ] as const) {
    const entry = new LogEntry(9, 'execution_complete', { ...end, output: JsonValue.from(output) })
    const event = entry.toEvent() as Extract<SSEEvent, { type: 'execution_complete' }>
    expect([event.data.output, entry.refersToOutput]).toEqual([output, !isInline])
    expect(JSON.parse(wireJson(event))).toEqual(JSON.parse(entry.json))
    const { outputPath } = JSON.parse(entry.json) as { outputPath?: string }
    expect(outputPath).toBe(isInline ? undefined : '/executions/x/output')
    const back = LogEntry.fromJson(9, 'execution_complete', entry.json, isInline ? undefined : JSON.stringify(output))
    expect(back.toEvent()).toEqual(event)
  }
})

test('an event id is parsed to its parts, and no other text is one', () => {
  expect(parseEventId(formatEventId('a-B_9', 12))).toEqual({ executionId: 'a-B_9', seq: 12 })
  expect(parseEventId('x.0')).toEqual({ executionId: 'x', seq: 0 })
  for (const id of [
    '',
    'x',
    'x.',
    '.1',
    'x.01',
    'x.-1',
    'x.1.2',
    'x.1 ',
    ' x.1',
    'x.1\n',
    'x.1e3',
    'ä.1',
    'x.1234567890123456',
    `${'x'.repeat(129)}.1`,
  ]) {
    expect([id, parseEventId(id)]).toEqual([id, undefined])
  }
})

test('the constants are the names of the types in capitals', () => {
  expect(Object.entries(SSE_EVENTS).map(([name, type]) => name === type.toUpperCase())).toEqual(Array(23).fill(true))
  expect(Object.isFrozen(SSE_EVENTS)).toBe(true)
})

test('a damaged list of tasks in a stored event is told as damage', () => {
  const task = { taskId: 'a[0]', tool: 'work', layer: 0, dependsOn: [] }
  const added = (tasks: unknown): string => JSON.stringify({ ...about, parentId: 'a', tasks, totalTasks: 2 })
  expect(LogEntry.fromJson(2, 'tasks_added', added([task])).type).toBe('tasks_added')
  const faulty = [[null], [{ ...task, dependsOn: null }], [{ ...task, taskId: 1 }], [{ ...task, layer: '0' }]]
  for (const tasks of faulty) expect(() => LogEntry.fromJson(2, 'tasks_added', added(tasks))).toThrow('is damaged')
  for (const layers of [[null], [['a', 1]]]) {
    const start = JSON.stringify({ ...about, totalTasks: 1, layers, schedule: 'layers' })
    expect(() => LogEntry.fromJson(1, 'execution_start', start)).toThrow('is damaged')
  }
  expect(() => LogEntry.fromJson(3, 'tasks_stopping', JSON.stringify({ ...about, message: 'x' }))).toThrow('is damaged')
})
