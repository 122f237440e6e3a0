import type { EventData, EventFor, OutputReference, SSEEvent, SSEEventType, TaskResult } from './events.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { JsonValue } from './json-value.ts'
import { cutUtf8 } from '../text.ts'

/** Maximum size of an output's JSON on the wire, bytes. A larger output is replaced by its size, preview and path. */
export const MAX_INLINE_OUTPUT_BYTES: number = 64 * 1024

/** In place of a task's id: the output is that of the execution. No task has this id. */
export const WHOLE_EXECUTION = ''

/** Maximum size of a preview, bytes. */
const PREVIEW_BYTES = 1024

/** The data of an event in the log: `SSEEvent['data']`, but an output is a `JsonValue`. */
export type LoggedData = EventData & { readonly output?: JsonValue; readonly taskId?: string }

/** The wire JSON of the data of any event. A large output is replaced by its size, preview and path. */
export function wireJson(event: SSEEvent): string {
  const hasOutput = event.type === 'task_complete' || event.type === 'execution_complete'
  if (!hasOutput || event.data.output === undefined) return stringifyJson(event.data)
  const { output, ...rest } = event.data
  const value = JsonValue.from(output)
  if (isInline(value)) return stringifyJson(event.data)
  const taskId = 'taskId' in rest ? rest.taskId : WHOLE_EXECUTION
  return JSON.stringify({ ...rest, ...referTo(rest.executionId, taskId, value) })
}

/**
 * The wire JSON of the data of a log entry.
 *
 * Frequent types are assembled by hand, which saves about a tenth of the total time of a streamed execution
 * (docs/decisions/0006). Invariant: the text equals that of `JSON.stringify` for the same data.
 */
export function writeData(type: SSEEventType, data: LoggedData): string {
  if (type === 'task_start') {
    const { taskId, tool, layer, attempt, itemCount } = data as EventFor<'task_start'>['data']
    const items = itemCount === undefined ? '' : `,"itemCount":${itemCount}`
    return `${writeHead(data)}${quote(taskId)},"tool":${quote(tool)},"layer":${layer},"attempt":${attempt}${items}}`
  }
  if (type === 'token') {
    const { taskId, attempt, text } = data as EventFor<'token'>['data']
    return `${writeHead(data)}${quote(taskId)},"attempt":${attempt},"text":${quote(text)}}`
  }
  if (type === 'info') {
    const { taskId, attempt, level, message } = data as EventFor<'info'>['data']
    const place = taskId === undefined || attempt === undefined ? undefined : `${quote(taskId)},"attempt":${attempt}`
    if (place) return `${writeHead(data)}${place},"level":"${level}","message":${quote(message)}}`
  }
  if (type === 'execution_complete') return writeEnd(data)
  if (type !== 'task_complete' || data.output === undefined) return JSON.stringify(data)
  const { taskId, tool, attempts, executionTimeMs, waitMs } = data as LoggedData & TaskResult
  const known = `${writeHead(data)}${quote(taskId)},"tool":${quote(tool)},"status":"success",`
  const times = `"executionTimeMs":${executionTimeMs},"waitMs":${waitMs}}`
  // The output is JSON text already and is inserted as it is.
  if (isInline(data.output)) return `${known}"output":${data.output.text},"attempts":${attempts},${times}`
  const reference = JSON.stringify(referTo(data.executionId, taskId, data.output)).slice(1, -1)
  return `${known}${reference},"attempts":${attempts},${times}`
}

/** The JSON of `execution_complete`, which may have an output. */
function writeEnd({ output, ...data }: LoggedData): string {
  if (output === undefined) return JSON.stringify(data)
  if (!isInline(output)) return JSON.stringify({ ...data, ...referTo(data.executionId, WHOLE_EXECUTION, output) })
  return `${JSON.stringify(data).slice(0, -1)},"output":${output.text}}`
}

/** Cache of the last head and its inputs: events arrive in bursts of one execution and one millisecond. */
let lastId = ''
let lastTimestamp = ''
let lastHead = ''

/** The JSON up to the task id. */
function writeHead({ executionId, timestamp }: EventData): string {
  if (timestamp !== lastTimestamp || executionId !== lastId) {
    lastHead = `{"executionId":${JSON.stringify(executionId)},"timestamp":${JSON.stringify(timestamp)},"taskId":`
    lastId = executionId
    lastTimestamp = timestamp
  }
  return lastHead
}

/** A string as JSON. Most strings need no escape, and testing for that is cheaper than escaping. */
function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

const PLAIN = /^[\w .:,/+-]*$/

/** The fields for an output: the whole output, or its size, preview and path if it exceeds 64 KiB or `maxBytes`. */
export function showOutput(
  executionId: string,
  taskId: string,
  output: JsonValue,
  maxBytes: number = MAX_INLINE_OUTPUT_BYTES,
): { output: unknown } | OutputReference {
  const isShown = isInline(output) && output.weight <= maxBytes
  return isShown ? { output: output.read() } : referTo(executionId, taskId, output)
}

/** Whether the wire JSON holds the output itself. */
export function isInline(output: JsonValue): boolean {
  return output.weight * 3 <= MAX_INLINE_OUTPUT_BYTES || output.byteLength <= MAX_INLINE_OUTPUT_BYTES
}

function referTo(executionId: string, taskId: string, output: JsonValue): Required<OutputReference> {
  return {
    outputBytes: output.byteLength,
    outputPreview: cutUtf8(output.text, PREVIEW_BYTES),
    outputPath:
      taskId === WHOLE_EXECUTION
        ? `/executions/${executionId}/output`
        : `/executions/${executionId}/tasks/${encodeURIComponent(taskId)}/output`,
  }
}
