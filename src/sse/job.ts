/** `dagstream/job`: the events of an execution in the flat vocabulary of jobs, and that vocabulary's types. */
import type {
  EventData,
  EventFor,
  InfoLevel,
  SSEEvent as ExecutionEvent,
  SSEEventType as ExecutionEventType,
} from '../events/events.ts'
import { wireJson } from '../events/wire-json.ts'
import { parseJson } from '../json/parse-json.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { encodeMessage } from './encode.ts'
import type { ProgressEvent, SSEEvent, SSEEventType } from './job-events.ts'

export * from './job-events.ts'
export type { TokenUsage } from '../events/token-usage.ts'

/**
 * An event as frames of the flat vocabulary: `id:` if it has one, and `data:` with one line of JSON, no `event:`.
 *
 * Where an event yields two frames, the last one has the id: a reader cut off between them receives both again.
 * @throws DagstreamError `INVALID_EVENT` for an id that a receiver would misread
 */
export function toJobFrames(event: ExecutionEvent): string {
  const events = toJobEvents(event)
  const last = events.length - 1
  return events
    .map((each, index) => {
      const data = stringifyJson(each)
      return encodeMessage(index === last && event.id !== undefined ? { id: event.id, data } : { data })
    })
    .join('')
}

/** An event in the flat vocabulary: one event, or two for the final event and for a snapshot. */
export function toJobEvents(event: ExecutionEvent): SSEEvent[] {
  // The table has a member for each type, but the compiler cannot correlate the union.
  const translate = TRANSLATIONS[event.type] as ((event: ExecutionEvent) => SSEEvent[]) | undefined
  // Later versions may add types.
  return translate?.(event) ?? []
}

const TRANSLATIONS: { readonly [Type in ExecutionEventType]: (event: EventFor<Type>) => SSEEvent[] } = {
  execution_start: ({ data }) => {
    const { totalTasks, name } = data
    const message = `${name === undefined ? '' : `${name}: `}${countTasks(totalTasks)}`
    return [{ type: 'start', ...headOf(data), message, totalTasks }]
  },
  task_start: ({ data }) => {
    const { taskId, tool, attempt } = data
    return [{ type: 'tool_use', ...headOf(data), message: `${taskId}: ${tool}`, taskId, tool, attempt }]
  },
  task_progress: ({ data }) => [{ type: 'progress', ...headOf(data), ...withoutHead(data) }],
  token: ({ data }) => {
    const { taskId, attempt, text } = data
    return [{ type: 'progress', ...headOf(data), taskId, attempt, token: text }]
  },
  metrics: ({ data }) => {
    const { taskId, attempt, ...metrics } = withoutHead(data)
    return [{ type: 'progress', ...headOf(data), taskId, attempt, metrics }]
  },
  info: ({ data }) => {
    const { level, ...rest } = withoutHead(data)
    return [{ type: LINE_TYPES[level], ...headOf(data), ...rest }]
  },
  task_complete: event => [toTaskProgress(event)],
  task_retry: ({ data }) => {
    const { taskId, attempt, error, code, delayMs } = data
    const message = `${taskId}: ${error}; it is retried`
    return [{ type: 'warning', ...headOf(data), message, taskId, attempt, code, delayMs }]
  },
  token_usage: ({ data }) => {
    const { taskId, attempt, tokenUsage: taskTokenUsage, executionTokenUsage: tokenUsage } = data
    return [{ type: 'token_usage', ...headOf(data), tokenUsage, taskId, attempt, taskTokenUsage }]
  },
  // The flat vocabulary has no events for handoff between processes, nor for added tasks.
  tasks_added: () => [],
  tasks_removed: () => [],
  plan_sealed: () => [],
  plan_rejected: ({ data }) => {
    const { line, issues } = data
    const message = `Line ${line} of the plan was refused: ${issues[0]?.message ?? 'it has a problem'}`
    return [{ type: 'warning', ...headOf(data), message, line }]
  },
  tasks_stopping: () => [],
  input_required: ({ data }) => {
    const { taskId, message, inputId } = data
    return [{ type: 'question_ask', ...headOf(data), message, taskId, inputId }]
  },
  input_resolved: ({ data }) => {
    const { taskId, inputId, outcome } = data
    return [
      { type: 'information', ...headOf(data), message: `${taskId}: the question was ${outcome}`, taskId, inputId },
    ]
  },
  execution_stopping: () => [],
  execution_handed_off: () => [],
  execution_resumed: () => [],
  execution_parked: () => [],
  execution_complete: ({ data }) => {
    const { status, reason, totalTasks, successCount, errorCount, skippedCount, cancelledCount } = data
    const message = reason?.message ?? `${status}: ${successCount} of ${countTasks(totalTasks)} succeeded`
    const counts = { totalTasks, successCount, errorCount, skippedCount, cancelledCount }
    const { totalExecutionTimeMs } = data
    return [
      { type: 'completion', ...headOf(data), message, status, ...counts, totalExecutionTimeMs },
      { type: 'stream_end', ...headOf(data) },
    ]
  },
  error: ({ data }) => {
    const { error, code, taskId } = data
    return [
      { type: 'error', ...headOf(data), message: error, ...(taskId !== undefined && { taskId }), code },
      { type: 'stream_end', ...headOf(data) },
    ]
  },
  snapshot: ({ data }) => {
    const { status, counts, tokenUsage } = data
    const { totalTasks: total, successCount, errorCount, skippedCount, cancelledCount } = counts
    const progress = successCount + errorCount + skippedCount + cancelledCount
    const message = `${progress} of ${countTasks(total)} ended`
    const stands: ProgressEvent = { type: 'progress', ...headOf(data), message, status, progress, total }
    return tokenUsage === undefined ? [stands] : [stands, { type: 'token_usage', ...headOf(data), tokenUsage }]
  },
}

/** A log line of level `error` becomes a warning: an `error` event would end the job for its clients. */
const LINE_TYPES = {
  debug: 'log',
  info: 'information',
  warning: 'warning',
  error: 'warning',
} as const satisfies Record<InfoLevel, SSEEventType>

function toTaskProgress(event: EventFor<'task_complete'>): ProgressEvent {
  // A large output is replaced by a reference, as everywhere on the wire.
  const data = parseJson(wireJson(event)) as EventFor<'task_complete'>['data']
  const { taskId, tool, status, error, code } = data
  const { output, outputBytes, outputPreview, outputPath } = data
  return {
    type: 'progress',
    ...headOf(data),
    message: `${taskId}: ${error ?? status}`,
    taskId,
    tool,
    status,
    ...(code !== undefined && { code }),
    ...(output !== undefined && { output }),
    ...(outputBytes !== undefined && { outputBytes }),
    ...(outputPreview !== undefined && { outputPreview }),
    ...(outputPath !== undefined && { outputPath }),
  }
}

function headOf({ executionId: jobId, timestamp }: EventData): { jobId: string; timestamp: string } {
  return { jobId, timestamp }
}

function withoutHead<Data extends EventData>(data: Data): Omit<Data, keyof EventData> {
  const { executionId: _, timestamp: __, ...rest } = data
  return rest
}

function countTasks(count: number): string {
  return count === 1 ? '1 task' : `${count} tasks`
}
