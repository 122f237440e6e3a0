import type { AddedTask, EventFor, SSEEvent, SSEEventType } from './events.ts'
import { parseJson } from '../json/parse-json.ts'
import { JsonValue } from './json-value.ts'
import { parseStored } from './parse-stored.ts'
import { isInline, type LoggedData, type LoggedEvent, writeData } from './wire-json.ts'

/** The seq of an event that is not logged. */
export const NOT_LOGGED: number = -1

/** Memory of an entry without its texts, bytes: the approximate heap size of a `task_start` entry with its JSON. */
const ENTRY_WEIGHT = 384

/**
 * One event of the log: its seq, its data, and its JSON for the wire and for stores. Its `type` decides its `data`.
 *
 * The entry owns its data, which is immutable. Readers receive copies from `toEvent`.
 */
export type LogEntry = { readonly [Type in SSEEventType]: Entry<Type> }[SSEEventType]

class Entry<Type extends SSEEventType> {
  readonly seq: number
  readonly type: Type
  readonly data: LoggedData<Type>
  /** Approximate memory of the entry including its output, bytes; for bounds. */
  readonly weight: number
  /** Index of its task, or of the parent whose children it adds, in the writer's plan; −1 if unknown. */
  taskIndex = -1
  /** The JSON as read from a store. */
  readonly #json: string | undefined

  /** A `seq` of `NOT_LOGGED` marks an event that is not in the log and has no id. */
  constructor(seq: number, type: Type, data: LoggedData<Type>, json?: string) {
    this.seq = seq
    this.type = type
    this.data = data
    this.weight = ENTRY_WEIGHT + weighText(this.#event, json)
    this.#json = json
  }

  /**
   * Creates an entry from a store's JSON.
   * @param outputJson the output, if the store keeps it separately
   * @throws `RECORD_UNUSABLE`
   */
  static fromJson(seq: number, type: SSEEventType, json: string, outputJson?: string): LogEntry {
    const event = parseStored(seq, type, json)
    if (event.type !== 'task_complete' && event.type !== 'execution_complete') {
      return new LogEntry(seq, type, event.data, json)
    }
    return new LogEntry(seq, type, readOutput(event.data, outputJson), json)
  }

  /** The output, if the entry is the end of a task or of the execution and holds one. */
  get output(): JsonValue | undefined {
    const { type, data } = this.#event
    return type === 'task_complete' || type === 'execution_complete' ? data.output : undefined
  }

  /** Whether the JSON only refers to the output, which is stored separately. */
  get refersToOutput(): boolean {
    const { type, data } = this.#event
    if (type !== 'task_complete' && type !== 'execution_complete') return false
    return data.output === undefined ? data.outputPath !== undefined : !isInline(data.output)
  }

  /** The data as stores keep it, one line of JSON: in wire form with what the engine needs beside it. Computed on each read: caching it would cost more. */
  get json(): string {
    return this.#json ?? writeData(this.#event)
  }

  /** The data in wire form, one line of JSON: without definitions of added tasks and estimates. */
  get wireJson(): string {
    const { type, data } = this.#event
    if (type === 'execution_start' && data.estimatesMs !== undefined) {
      return writeData({ type, data: withoutEstimates(data) })
    }
    if (type !== 'tasks_added' || !holdsDefinitions(data)) return this.json
    return writeData({ type, data: withoutDefinitions(data) })
  }

  /** A copy of the event, owned by the caller, in wire form. */
  toEvent(): SSEEvent {
    const { type, data } = this.#event
    if (this.seq === NOT_LOGGED) return { type, data: { ...data } } as SSEEvent
    const id = writePrefix(data.executionId) + this.seq
    switch (type) {
      case 'task_complete':
        return { type, data: copyCompletion(data), id }
      case 'task_start':
      case 'token':
      case 'info':
      case 'task_progress':
      case 'metrics':
      case 'task_retry':
        return { type, data: { ...data }, id } as SSEEvent
      case 'tasks_added': {
        return { type, data: withoutDefinitions(data), id }
      }
      case 'execution_complete':
        return { type, data: copyEnd(data), id }
      case 'execution_start':
        // `structuredClone` takes ten times as long, and a workflow may have 100,000 layers.
        return { type, data: { ...withoutEstimates(data), layers: data.layers.map(ids => ids.slice()) }, id }
      case 'snapshot':
      case 'input_required':
      case 'input_resolved':
        // `structuredClone` would turn each `JsonNumber` into a plain object.
        return { type, data: parseJson(this.json), id } as SSEEvent
      default:
        // The other types hold nested objects, and are rare.
        return { type, data: structuredClone(data), id } as SSEEvent
    }
  }

  /** The entry as a union, of which `type` selects the member. */
  get #event(): LoggedEvent {
    return this as LoggedEvent
  }
}

/** The data of an end with its output as a `JsonValue`. @param outputJson the output, if the store keeps it separately */
function readOutput(
  data: EventFor<'task_complete' | 'execution_complete'>['data'],
  outputJson: string | undefined,
): LoggedData<'task_complete' | 'execution_complete'> {
  const { output, ...rest } = data
  if (outputJson !== undefined) {
    const { outputBytes: _, outputPreview: __, outputPath: ___, ...own } = rest
    return { ...own, output: JsonValue.fromText(outputJson) }
  }
  // The fields keep their order.
  return 'output' in data ? { ...data, output: JsonValue.from(output) } : rest
}

function copyCompletion(data: LoggedData<'task_complete'>): EventFor<'task_complete'>['data'] {
  const { output, reusedFrom } = data
  if (output === undefined) return { ...data }
  if (reusedFrom === undefined) return { ...data, output: output.read() }
  return { ...data, output: output.read(), reusedFrom: { ...reusedFrom } }
}

function copyEnd({ output, ...data }: LoggedData<'execution_complete'>): EventFor<'execution_complete'>['data'] {
  return { ...structuredClone(data), ...(output && { output: output.read() }) }
}

/** Creates entries, each as the member of the union that its type selects. */
interface LogEntryConstructor {
  new <Type extends SSEEventType>(
    seq: number,
    type: Type,
    data: LoggedData<Type>,
    json?: string,
  ): LogEntry & { readonly type: Type }
  fromJson: (typeof Entry)['fromJson']
}

export const LogEntry: LogEntryConstructor = Entry as LogEntryConstructor

/** Whether some added task is whole. All tasks of an event that joins tasks to the document are. */
function holdsDefinitions({ tasks }: EventFor<'tasks_added'>['data']): boolean {
  return tasks[0]?.definition !== undefined
}

/** A copy in wire form. */
function withoutEstimates(whole: EventFor<'execution_start'>['data']): EventFor<'execution_start'>['data'] {
  const { estimatesMs: _, ...data } = whole
  return data
}

/** A copy in wire form. */
function withoutDefinitions(whole: EventFor<'tasks_added'>['data']): EventFor<'tasks_added'>['data'] {
  const { tasks, workflows: _, ...data } = whole
  return {
    ...data,
    tasks: tasks.map(({ definition: __, ...task }) => ({ ...task, dependsOn: [...task.dependsOn] })),
  }
}

/** Memory of an added task without its texts, bytes. */
const ADDED_WEIGHT = 96

function weighAdded(tasks: readonly AddedTask[]): number {
  let weight = 0
  for (const { taskId, tool, dependsOn, definition } of tasks) {
    weight += ADDED_WEIGHT + taskId.length + tool.length
    if (definition instanceof JsonValue) weight += definition.weight
    for (let at = 0; at < dependsOn.length; at++) weight += (dependsOn[at] as string).length
  }
  return weight
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
function weighText({ type, data }: LoggedEvent, json: string | undefined): number {
  switch (type) {
    case 'task_start':
    case 'token_usage':
    case 'metrics':
      return 0
    case 'task_complete':
      return (data.output?.weight ?? 0) + (data.error?.length ?? 0)
    case 'tasks_added':
      return weighAdded(data.tasks)
    case 'token':
      return data.text.length
    case 'info':
    case 'task_progress':
      return data.message?.length ?? 0
    case 'execution_start':
      return weighLayers(data.layers) + (data.estimatesMs?.length ?? 0) * 8
    case 'execution_complete':
      return (data.output?.weight ?? 0) + (data.reason?.message.length ?? 0)
    default:
      return json?.length ?? JSON.stringify(data).length
  }
}

/** Length of the ids of all tasks as JSON. */
function weighLayers(layers: readonly (readonly string[])[]): number {
  let length = 0
  for (const ids of layers) for (let at = 0; at < ids.length; at++) length += (ids[at] as string).length + 3
  return length
}
