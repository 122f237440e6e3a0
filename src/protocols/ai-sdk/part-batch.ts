import { JsonValue } from '../../events/json-value.ts'
import { quote } from '../../events/wire-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ProgressView, UIMessagePart } from './ui-message-part.ts'

type PartOf<Type extends UIMessagePart['type']> = Extract<UIMessagePart, { readonly type: Type }>

/** A part whose text may grow. */
interface TextEntry {
  readonly part: PartOf<'text-delta'> | PartOf<'data-token'>
  text: string
}

/**
 * The parts of one chunk. Clients copy the message at each part, so that parts are joined as far as the message allows: the
 * pieces of a text, the pieces of the token usage, and of each progress and of the whole only the last state.
 */
export class PartBatch {
  readonly #parts: (UIMessagePart | TextEntry)[] = []
  /** Index of the part that a later one of the same key joins. */
  readonly #places = new Map<string, number>()

  add(part: UIMessagePart): void {
    switch (part.type) {
      case 'text-delta':
        return this.#join(`text ${part.id}`, part, part.delta)
      case 'data-token': {
        const { taskId, attempt, text } = part.data
        return this.#join(`token ${attempt} ${taskId}`, part, text)
      }
      case 'data-progress': {
        const { taskId = '' } = part.data
        return this.#replace(`${'level' in part.data ? 'line' : 'progress'} ${taskId}`, part)
      }
      case 'data-dag':
        return this.#replace('dag', part)
      case 'message-metadata':
        return this.#replace('metadata', this.#merge(part))
      default:
        this.#parts.push(part)
    }
  }

  /** One frame per part. */
  write(): string {
    let frames = ''
    for (const entry of this.#parts) frames += `data: ${'part' in entry ? writeText(entry) : writePart(entry)}\n\n`
    return frames
  }

  #join(key: string, part: TextEntry['part'], text: string): void {
    const place = this.#places.get(key)
    if (place === undefined) {
      this.#places.set(key, this.#parts.length)
      this.#parts.push({ part, text })
    } else (this.#parts[place] as TextEntry).text += text
  }

  #replace(key: string, part: UIMessagePart): void {
    const place = this.#places.get(key)
    if (place === undefined) {
      this.#places.set(key, this.#parts.length)
      this.#parts.push(part)
    } else this.#parts[place] = part
  }

  #merge(part: PartOf<'message-metadata'>): UIMessagePart {
    const place = this.#places.get('metadata')
    if (place === undefined) return part
    const { messageMetadata: before } = this.#parts[place] as PartOf<'message-metadata'>
    const { messageMetadata: later } = part
    const metrics = { ...before.metrics, ...later.metrics }
    return { type: 'message-metadata', messageMetadata: { ...before, ...later, metrics } }
  }
}

function writeText({ part, text }: TextEntry): string {
  if (part.type === 'text-delta') return `{"type":"text-delta","id":${quote(part.id)},"delta":${quote(text)}}`
  const { taskId, attempt } = part.data
  const data = `{"taskId":${quote(taskId)},"attempt":${attempt},"text":${quote(text)}}`
  return `{"type":"data-token","data":${data},"transient":true}`
}

/** Frequent parts are assembled by hand, as in `writeData`: the JSON of an output is inserted as it is. */
function writePart(part: UIMessagePart): string {
  switch (part.type) {
    case 'tool-input-available': {
      const call = `"toolCallId":${quote(part.toolCallId)},"toolName":${quote(part.toolName)}`
      return `{"type":"tool-input-available",${call},"input":${writeValue(part.input)}${OF_TOOL}`
    }
    case 'tool-output-available': {
      const call = `"toolCallId":${quote(part.toolCallId)}`
      return `{"type":"tool-output-available",${call},"output":${writeValue(part.output)}${OF_TOOL}`
    }
    case 'data-progress':
      return `{"type":"data-progress","data":${writeProgress(part.data)},"transient":true}`
    default:
      return stringifyJson(part)
  }
}

const OF_TOOL = ',"dynamic":true,"providerExecuted":true}'

function writeProgress(view: ProgressView): string {
  const task = view.taskId === undefined ? '' : `"taskId":${quote(view.taskId)},"attempt":${view.attempt},`
  if ('level' in view) return `{${task}"level":"${view.level}","message":${quote(view.message)}}`
  const { progress, total, message } = view
  const of = total === undefined ? '' : `,"total":${total}`
  return `{${task}"progress":${progress}${of}${message === undefined ? '' : `,"message":${quote(message)}`}}`
}

function writeValue(value: unknown): string {
  if (value instanceof JsonValue) return value.text
  return typeof value === 'object' && value !== null && isEmpty(value) ? '{}' : stringifyJson(value)
}

/** Most calls show no arguments. */
function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return !Array.isArray(value) && !('toJSON' in value)
}
