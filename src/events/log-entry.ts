import {
  type AddedTask,
  type EventData,
  type EventFor,
  type OutputReference,
  type SSEEvent,
  type SSEEventType,
} from './events.ts'
import { parseJson } from '../json/parse-json.ts'
import { JsonValue } from './json-value.ts'
import { isInline, type LoggedData, writeData } from './wire-json.ts'

/** The seq of an event that is not logged. */
export const NOT_LOGGED: number = -1

/** Memory of an entry without its texts, bytes: the approximate heap size of a `task_start` entry with its JSON. */
const ENTRY_WEIGHT = 384

/**
 * One event of the log: its seq, its data, and its JSON for the wire and for stores.
 *
 * The entry owns its data, which is immutable. Readers receive copies from `toEvent`.
 */
export class LogEntry {
  readonly seq: number
  readonly type: SSEEventType
  readonly data: LoggedData
  /** Approximate memory of the entry including its output, bytes; for bounds. */
  readonly weight: number
  /** Index of its task, or of the parent whose children it adds, in the writer's plan; −1 if unknown. */
  taskIndex = -1
  /** The JSON as read from a store. */
  readonly #json: string | undefined

  /** A `seq` of `NOT_LOGGED` marks an event that is not in the log and has no id. */
  constructor(seq: number, type: SSEEventType, data: LoggedData, json?: string) {
    this.seq = seq
    this.type = type
    this.data = data
    this.weight = ENTRY_WEIGHT + weighText(type, data, json)
    this.#json = json
  }

  /** Creates an entry from a store's JSON; `outputJson` is the output, if the store keeps it separately. */
  static fromJson(seq: number, type: SSEEventType, json: string, outputJson?: string): LogEntry {
    const data = parseJson(json) as EventData & OutputReference & { output?: unknown }
    if (!mayHaveOutput(type)) return new LogEntry(seq, type, data as LoggedData, json)
    if (outputJson !== undefined) {
      const { outputBytes: _, outputPreview: __, outputPath: ___, ...rest } = data
      return new LogEntry(seq, type, { ...rest, output: JsonValue.fromText(outputJson) }, json)
    }
    const isWhole = 'output' in data
    return new LogEntry(
      seq,
      type,
      isWhole ? { ...data, output: JsonValue.from(data.output) } : (data as LoggedData),
      json,
    )
  }

  /** Whether the JSON only refers to the output, which is stored separately. */
  get refersToOutput(): boolean {
    const { output, outputPath } = this.data as LoggedData & OutputReference
    return mayHaveOutput(this.type) && (output === undefined ? outputPath !== undefined : !isInline(output))
  }

  /** The data in wire form, one line of JSON. Computed on each read: caching it would cost more. */
  get json(): string {
    return this.#json ?? writeData(this.type, this.data)
  }

  /** A copy of the event, owned by the caller. */
  toEvent(): SSEEvent {
    const { type, data } = this
    if (this.seq === NOT_LOGGED) return { type, data: { ...data } } as unknown as SSEEvent
    const id = writePrefix(data.executionId) + this.seq
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
      case 'tasks_added':
        return {
          type,
          data: { ...data, tasks: copyAdded(data) },
          id,
        } as unknown as SSEEvent
      case 'execution_complete':
        return { type, data: this.#readOutput(), id } as unknown as SSEEvent
      case 'snapshot':
        // `structuredClone` would turn each `JsonNumber` into a plain object.
        return { type, data: parseJson(this.json), id } as unknown as SSEEvent
      default:
        // The other types hold nested objects, and are rare.
        return { type, data: structuredClone(data), id } as unknown as SSEEvent
    }
  }

  /** A copy of the data with its output as a plain value. */
  #readOutput(): object {
    const { output, ...data } = this.data
    return { ...structuredClone(data), ...(output && { output: output.read() }) }
  }
}

function mayHaveOutput(type: SSEEventType): boolean {
  return type === 'task_complete' || type === 'execution_complete'
}

/** Memory of an added task without its texts, bytes. */
const ADDED_WEIGHT = 96

function weighAdded({ tasks = [] }: Partial<EventFor<'tasks_added'>['data']>): number {
  let weight = 0
  for (const { taskId, tool, dependsOn } of tasks) {
    weight += ADDED_WEIGHT + taskId.length + tool.length
    for (let at = 0; at < dependsOn.length; at++) weight += (dependsOn[at] as string).length
  }
  return weight
}

function copyAdded({ tasks = [] }: Partial<EventFor<'tasks_added'>['data']>): AddedTask[] {
  return tasks.map(task => ({ ...task, dependsOn: [...task.dependsOn] }))
}

/** Cache of the last id prefix and its execution: events arrive in bursts of one execution. */
let lastId = ''
let lastPrefix = ''

/** The part of an event id before the seq, as in `formatEventId`. */
function writePrefix(executionId: string): string {
  if (executionId !== lastId) {
    lastId = executionId
    lastPrefix = `${executionId}.`
  }
  return lastPrefix
}

/** Memory of the texts of an entry, which grow with the content of tools and documents. */
function weighText(type: SSEEventType, data: LoggedData, json: string | undefined): number {
  switch (type) {
    case 'task_start':
    case 'token_usage':
    case 'metrics':
      return 0
    case 'task_complete':
      return (data.output?.weight ?? 0) + ((data as { error?: string }).error?.length ?? 0)
    case 'tasks_added':
      return weighAdded(data)
    case 'execution_complete':
      return (data.output?.weight ?? 0) + 256
    case 'token':
      return (data as { text?: string }).text?.length ?? 0
    case 'info':
    case 'task_progress':
      return (data as { message?: string }).message?.length ?? 0
    default:
      return json?.length ?? JSON.stringify(data).length
  }
}
