import { type EventData, type OutputReference, type SSEEvent, type SSEEventType } from './events.ts'
import { parseJson } from '../json/parse-json.ts'
import { JsonValue } from './json-value.ts'
import { isInline, type LoggedData, writeData } from './wire-json.ts'

/** The seq of an event that is not in the log. */
export const NOT_LOGGED: number = -1

/** What an entry takes beside its texts, bytes: about the heap of a `task_start` entry with its JSON. */
const ENTRY_WEIGHT = 384

/**
 * One thing that happened: its place in the log, its data, and the JSON that goes over the wire and into stores.
 *
 * The entry owns its data; nobody changes it. Readers get events of their own by `toEvent`.
 */
export class LogEntry {
  readonly seq: number
  readonly type: SSEEventType
  readonly data: LoggedData
  /** About how much memory the entry takes, bytes, its output included; for bounds. */
  readonly weight: number
  /** The index of its task, where the writer has it at hand; else −1. */
  taskIndex = -1
  /** As a store handed it back. */
  readonly #json: string | undefined

  /** `NOT_LOGGED` as `seq` stands for an event that is not in the log and has no id. */
  constructor(seq: number, type: SSEEventType, data: LoggedData, json?: string) {
    this.seq = seq
    this.type = type
    this.data = data
    this.weight = ENTRY_WEIGHT + weighText(type, data, json)
    this.#json = json
  }

  /** An entry as a store hands it back; `outputJson` where the store keeps the output beside it. */
  static fromJson(seq: number, type: SSEEventType, json: string, outputJson?: string): LogEntry {
    const data = parseJson(json) as EventData & OutputReference & { output?: unknown }
    if (type !== 'task_complete') return new LogEntry(seq, type, data as LoggedData, json)
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

  /** Whether the JSON only refers to the output, which is kept beside it. */
  get refersToOutput(): boolean {
    const { output, outputPath } = this.data as LoggedData & OutputReference
    return this.type === 'task_complete' && (output === undefined ? outputPath !== undefined : !isInline(output))
  }

  /** The data as it goes over the wire, one line of JSON. Made anew for each who asks: to keep it would cost more than that. */
  get json(): string {
    return this.#json ?? writeData(this.type, this.data)
  }

  /** The event for one reader, who may do with it what they like. */
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
      case 'snapshot':
        // `structuredClone` would make plain objects of numbers that keep their digits.
        return { type, data: parseJson(this.json), id } as unknown as SSEEvent
      default:
        // The rest holds objects inside, and is rare.
        return { type, data: structuredClone(data), id } as unknown as SSEEvent
    }
  }
}

/** The last prefix of event ids, and of which execution: events come in bursts of one. */
let lastId = ''
let lastPrefix = ''

/** An event's id up to its seq, as `formatEventId` makes it. */
function writePrefix(executionId: string): string {
  if (executionId !== lastId) {
    lastId = executionId
    lastPrefix = `${executionId}.`
  }
  return lastPrefix
}

/** The part of an entry's memory that grows with what tools and people wrote. */
function weighText(type: SSEEventType, data: LoggedData, json: string | undefined): number {
  switch (type) {
    case 'task_start':
    case 'token_usage':
    case 'metrics':
      return 0
    case 'task_complete':
      return (data.output?.weight ?? 0) + ((data as { error?: string }).error?.length ?? 0)
    case 'token':
      return (data as { text?: string }).text?.length ?? 0
    case 'info':
    case 'task_progress':
      return (data as { message?: string }).message?.length ?? 0
    default:
      return json?.length ?? JSON.stringify(data).length
  }
}
