import type { EventData, EventFor, OutputReference, SSEEvent, SSEEventType } from './events.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import { JsonValue } from './json-value.ts'
import { cutUtf8 } from '../text.ts'

/** Maximum size of an output's JSON on the wire, bytes. A larger output is replaced by its size, preview and path. */
export const MAX_INLINE_OUTPUT_BYTES: number = 64 * 1024

/** In place of a task's id: the output is that of the execution. No task has this id. */
export const WHOLE_EXECUTION = ''

/** Maximum size of a preview, bytes. */
const PREVIEW_BYTES = 1024

/** The data of an event of this type in the log: as in `SSEEvent`, but an output is a `JsonValue`. */
export type LoggedData<Type extends SSEEventType = SSEEventType> = Type extends 'task_complete' | 'execution_complete'
  ? Omit<EventFor<Type>['data'], 'output'> & { readonly output?: JsonValue }
  : EventFor<Type>['data']

/** Type and data of an event in the log; the type decides the data. */
export type LoggedEvent = {
  readonly [Type in SSEEventType]: { readonly type: Type; readonly data: LoggedData<Type> }
}[SSEEventType]

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
export function writeData({ type, data }: LoggedEvent): string {
  switch (type) {
    case 'task_start': {
      const { taskId, tool, layer, attempt, itemCount, eager } = data
      const items = itemCount === undefined ? '' : `,"itemCount":${itemCount}`
      const plan = eager === undefined ? '' : `,"eager":"${eager}"`
      return `${writeHead(data)}${quote(taskId)},"tool":${quote(tool)},"layer":${layer},"attempt":${attempt}${items}${plan}}`
    }
    case 'token': {
      const { taskId, attempt, text } = data
      return `${writeHead(data)}${quote(taskId)},"attempt":${attempt},"text":${quote(text)}}`
    }
    case 'info': {
      const { taskId, attempt, level, message } = data
      if (taskId === undefined || attempt === undefined) return JSON.stringify(data)
      const place = `${quote(taskId)},"attempt":${attempt}`
      return `${writeHead(data)}${place},"level":"${level}","message":${quote(message)}}`
    }
    case 'task_complete':
      return data.output === undefined ? JSON.stringify(data) : writeCompletion(data, data.output)
    case 'input_required':
    case 'input_resolved':
      return stringifyJson(data)
    case 'tasks_added':
      return stringifyJson(data)
    case 'execution_complete':
      return data.output === undefined ? JSON.stringify(data) : writeEnd(data, data.output)
    default:
      return JSON.stringify(data)
  }
}

function writeCompletion(data: LoggedData<'task_complete'>, output: JsonValue): string {
  const { executionId, taskId, tool, attempts, executionTimeMs, waitMs, reusedFrom, toolVersion } = data
  const known = `${writeHead(data)}${quote(taskId)},"tool":${quote(tool)},"status":"success",`
  const reused = reusedFrom === undefined ? '' : `,"reusedFrom":${JSON.stringify(reusedFrom)}`
  const version = toolVersion === undefined ? '' : `,"toolVersion":${JSON.stringify(toolVersion)}`
  const times = `"executionTimeMs":${executionTimeMs},"waitMs":${waitMs}${reused}${version}}`
  // The output is JSON text already and is inserted as it is.
  if (isInline(output)) return `${known}"output":${output.text},"attempts":${attempts},${times}`
  const reference = JSON.stringify(referTo(executionId, taskId, output)).slice(1, -1)
  return `${known}${reference},"attempts":${attempts},${times}`
}

function writeEnd(end: LoggedData<'execution_complete'>, output: JsonValue): string {
  const { output: _, ...data } = end
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
export function quote(text: string): string {
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
