import { type Arbitrary, array, constantFrom, integer, jsonValue, oneof, record } from 'fast-check'
import { formatEventId, type SSEEvent, type SSEEventType } from '../../src/events/events.ts'

const executionId = 'exec_1-A'
const timestamp = '2026-01-01T00:00:00.000Z'
const usage = { totalTokensIn: 12, totalTokensOut: 0, totalCost: 0.5 }
const counts = { totalTasks: 2, successCount: 1, errorCount: 1, skippedCount: 0, cancelledCount: 0 }

type DataOf = { [K in SSEEventType]: Omit<Extract<SSEEvent, { type: K }>['data'], 'executionId' | 'timestamp'> }

const DATA: DataOf = {
  execution_start: { totalTasks: 2, layers: [['a'], ['b']], schedule: 'layers', name: 'brief' },
  task_start: { taskId: 'a', tool: 'http:get', layer: 0, attempt: 1 },
  task_progress: { taskId: 'a', attempt: 1, progress: 0.5, total: 2, message: 'half' },
  token: { taskId: 'a', attempt: 1, text: 'one\r\ntwo\rthree\nfour\u2028five\u0000 \ud800 \ud83d\ude00' },
  info: { level: 'warning', message: 'no task' },
  metrics: { taskId: 'a', attempt: 1, ttftMs: 1.5, totalMs: 20, tokenCount: 4, tokensPerSec: 0 },
  token_usage: { taskId: 'a', attempt: 1, tokenUsage: usage, executionTokenUsage: usage },
  task_retry: { taskId: 'a', attempt: 1, delayMs: 1000, error: 'no', code: 'TOOL_ERROR' },
  task_complete: {
    taskId: 'a',
    tool: 'http:get',
    status: 'success',
    output: { body: ['x', null, { deep: 'data: y\n\nevent: error' }] },
    attempts: 2,
    executionTimeMs: 10,
    waitMs: 0,
  },
  tasks_stopping: { phase: 'tasks', parentId: 'a', message: 'Timed out' },
  tasks_added: {
    parentId: 'a',
    tasks: [{ taskId: 'a[0]', tool: 'http:get', layer: 0, dependsOn: [], index: 0 }],
    totalTasks: 3,
  },
  tasks_removed: { taskIds: ['b'], totalTasks: 2 },
  plan_sealed: { totalTasks: 2 },
  plan_rejected: { line: 3, issues: [{ code: 'UNKNOWN_TOOL', pointer: '/tool', message: 'no tool' }] },
  input_required: {
    taskId: 'a',
    inputId: 'a.1',
    message: 'Go on?',
    kind: 'question',
    responseSchema: { type: 'boolean' },
  },
  input_resolved: { taskId: 'a', inputId: 'a.1', outcome: 'answered', response: true, by: 'ada' },
  execution_stopping: { reason: { code: 'CANCELLED', message: 'bye' }, message: 'bye' },
  execution_handed_off: {},
  execution_resumed: { cause: 'crash', executionTimeMs: 12.5 },
  execution_parked: { code: 'CRASH_LIMIT', message: 'three times', tasks: ['a'] },
  execution_complete: {
    ...counts,
    status: 'cancelled',
    reason: { code: 'SHUTDOWN', message: 'bye' },
    totalExecutionTimeMs: 30,
    speedup: 1,
    criticalPathMs: 30,
    parallelizationLayers: 2,
    tokenUsage: usage,
  },
  error: { error: 'the store is gone', code: 'STORE_FAILED' },
  snapshot: {
    seq: 7,
    status: 'running',
    tasks: [{ taskId: 'a', tool: 'http:get', status: 'success', layer: 0, attempts: 1, output: null }],
    counts,
    tokenUsage: usage,
  },
}

/** One event of every member of the union; all but `error`, which is not in the log, with an id. */
export const EVERY_EVENT: readonly SSEEvent[] = Object.entries(DATA).map(([type, data], index) => {
  const event = { type, data: { executionId, timestamp, ...data } }
  return (type === 'error' ? event : { ...event, id: formatEventId(executionId, index + 1) }) as unknown as SSEEvent
})

/** Any text: control characters, every kind of line end, surrogates that stand alone. */
export const anyText: Arbitrary<string> = array(
  oneof(
    integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit)),
    constantFrom('\r', '\n', '\r\n', '\u2028', '\u2029', '\0', '\ufeff', ':', ' ', 'data: ', '\ud800', '\udc00', '😀'),
  ),
  { maxLength: 40 },
).map(parts => parts.join(''))

/** Any event, its data with any text in it and members that nobody knows. */
export const anyEvent: Arbitrary<SSEEvent> = record({
  event: constantFrom(...EVERY_EVENT),
  text: anyText,
  output: jsonValue(),
}).map(({ event, text, output }) => {
  // What JSON does not keep, a negative zero, is gone before the comparison.
  const data: unknown = JSON.parse(JSON.stringify({ ...event.data, text, message: text, output }))
  return { ...event, data } as unknown as SSEEvent
})
