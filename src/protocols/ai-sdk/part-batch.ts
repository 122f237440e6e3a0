import { JsonValue } from '../../events/json-value.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { UIMessagePart } from './ui-message-part.ts'

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
  if (part.type === 'text-delta') {
    return `{"type":"text-delta","id":${JSON.stringify(part.id)},"delta":${JSON.stringify(text)}}`
  }
  return JSON.stringify({ ...part, data: { ...part.data, text } })
}

/** The parts of tasks are assembled by hand: the JSON of an output is inserted as it is. */
function writePart(part: UIMessagePart): string {
  switch (part.type) {
    case 'tool-input-available': {
      const { toolCallId, toolName, input } = part
      const call = `"toolCallId":${JSON.stringify(toolCallId)},"toolName":${JSON.stringify(toolName)}`
      return `{"type":"tool-input-available",${call},"input":${writeValue(input)}${OF_TOOL}`
    }
    case 'tool-output-available': {
      const { toolCallId, output } = part
      const call = `"toolCallId":${JSON.stringify(toolCallId)}`
      return `{"type":"tool-output-available",${call},"output":${writeValue(output)}${OF_TOOL}`
    }
    default:
      return stringifyJson(part)
  }
}

const OF_TOOL = ',"dynamic":true,"providerExecuted":true}'

function writeValue(value: unknown): string {
  return value instanceof JsonValue ? value.text : stringifyJson(value)
}
