import { type EventData, formatEventId, type SSEEvent, type SSEEventType, type TaskResult } from './events.ts'
import { cutUtf8, JsonValue } from './json-value.ts'

/** An output whose JSON is larger is told by size, preview and path on the wire, bytes. */
export const MAX_INLINE_OUTPUT_BYTES: number = 64 * 1024

/** How much of such an output the preview shows, bytes. */
const PREVIEW_BYTES = 1024

/** What an entry takes beside its texts, bytes; measured as heap per `task_start` entry. */
const ENTRY_WEIGHT = 256

/** The data of an event as the log holds it: like `SSEEvent['data']`, but an output is a `JsonValue`. */
export type LoggedData = EventData & { readonly output?: JsonValue; readonly taskId?: string }

/**
 * One thing that happened: its place in the log, its data, and the JSON that goes over the wire and into stores, made once.
 *
 * The entry owns its data; nobody changes it. Readers get events of their own by `toEvent`.
 */
export class LogEntry {
  readonly seq: number
  readonly type: SSEEventType
  readonly data: LoggedData
  #json: string | undefined

  constructor(seq: number, type: SSEEventType, data: LoggedData, json?: string) {
    this.seq = seq
    this.type = type
    this.data = data
    this.#json = json
  }

  /** An entry as a store hands it back. */
  static fromJson(seq: number, type: SSEEventType, json: string): LogEntry {
    const data = JSON.parse(json) as EventData & { output?: unknown }
    const isWhole = type === 'task_complete' && 'output' in data
    return new LogEntry(seq, type, isWhole ? { ...data, output: JsonValue.from(data.output) } : (data as LoggedData), json)
  }

  /** The data as it goes over the wire, one line of JSON. */
  get json(): string {
    return (this.#json ??= this.type === 'task_complete' ? outputJson(this.data) : JSON.stringify(this.data))
  }

  /** About how much memory the entry takes, bytes; cheap, for bounds. */
  get weight(): number {
    const { output, text, message, error } = this.data as LoggedData & Record<'text' | 'message' | 'error', unknown>
    let weight = ENTRY_WEIGHT + (this.#json?.length ?? 0)
    if (output !== undefined) weight += output.weight
    for (const part of [text, message, error]) if (typeof part === 'string') weight += part.length
    return weight
  }

  /** The event for one reader, who may do with it what they like. */
  toEvent(): SSEEvent {
    const { type, data } = this
    const id = formatEventId(data.executionId, this.seq)
    switch (type) {
      case 'task_complete':
        return { type, data: data.output ? { ...data, output: data.output.read() } : { ...data }, id } as SSEEvent
      case 'task_start':
      case 'token':
      case 'info':
      case 'task_progress':
      case 'metrics':
      case 'task_retry':
        return { type, data: { ...data }, id } as SSEEvent
      default:
        // The rest holds objects inside, and is rare.
        return { type, data: structuredClone(data), id } as unknown as SSEEvent
    }
  }
}

/** The wire JSON of an event's data, whoever made the event: a large output is replaced by its size, preview and path. */
export function wireJson(event: SSEEvent): string {
  if (event.type !== 'task_complete' || event.data.output === undefined) return JSON.stringify(event.data)
  return outputJson({ ...event.data, output: JsonValue.from(event.data.output) })
}

function outputJson(data: LoggedData): string {
  const { output, ...rest } = data
  if (output === undefined) return JSON.stringify(rest)
  // The output is JSON text already: it is set in, not made again.
  const head = JSON.stringify(rest).slice(0, -1)
  if (output.weight * 3 <= MAX_INLINE_OUTPUT_BYTES || output.byteLength <= MAX_INLINE_OUTPUT_BYTES) {
    return `${head},"output":${output.text}}`
  }
  const { executionId, taskId = '' } = rest as EventData & Partial<TaskResult>
  const preview = JSON.stringify(cutUtf8(output.text, PREVIEW_BYTES))
  const path = JSON.stringify(`/executions/${executionId}/tasks/${encodeURIComponent(taskId)}/output`)
  return `${head},"outputBytes":${output.byteLength},"outputPreview":${preview},"outputPath":${path}}`
}
