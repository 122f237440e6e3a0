import { quote } from '../../events/wire-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { AgUiEvent, AgUiPatch } from './ag-ui-event.ts'

type EventOf<Type extends AgUiEvent['type']> = Extract<AgUiEvent, { readonly type: Type }>

/** The pieces of a text. */
interface Joined {
  readonly first: EventOf<'TEXT_MESSAGE_CONTENT'> | EventOf<'CUSTOM'>
  text: string
}

/** The events of one chunk. Clients copy all messages at each event, so that the pieces of a text are joined. */
export class EventBatch {
  readonly #events: (AgUiEvent | Joined)[] = []
  readonly #joined = new Map<string, Joined>()

  add(event: AgUiEvent): void {
    if (event.type === 'TEXT_MESSAGE_CONTENT') this.#join(event.messageId, event, event.delta)
    else if (event.type === 'CUSTOM') {
      const { taskId, attempt, text } = event.value
      this.#join(`${attempt} ${taskId}`, event, text)
    } else this.#events.push(event)
  }

  /** One frame per event. The end of a line is LF alone: clients do not split frames at CR LF. */
  write(): string {
    let frames = ''
    for (const each of this.#events) frames += `data: ${'first' in each ? writeText(each) : writeEvent(each)}\n\n`
    return frames
  }

  #join(key: string, first: Joined['first'], text: string): void {
    const joined = this.#joined.get(key)
    if (joined !== undefined) {
      joined.text += text
      return
    }
    const begun = { first, text }
    this.#joined.set(key, begun)
    this.#events.push(begun)
  }
}

function writeText({ first, text }: Joined): string {
  if (first.type === 'CUSTOM') return JSON.stringify({ ...first, value: { ...first.value, text } })
  return `{"type":"TEXT_MESSAGE_CONTENT","messageId":${quote(first.messageId)},"delta":${quote(text)}}`
}

/** The frequent events are assembled by hand, as in `writeData`. */
function writeEvent(event: AgUiEvent): string {
  switch (event.type) {
    case 'STEP_STARTED':
    case 'STEP_FINISHED':
      return `{"type":"${event.type}","stepName":${quote(event.stepName)}}`
    case 'TOOL_CALL_START': {
      const { toolCallId, toolCallName, parentMessageId } = event
      const call = `"toolCallId":${quote(toolCallId)},"toolCallName":${quote(toolCallName)}`
      return `{"type":"TOOL_CALL_START",${call},"parentMessageId":${quote(parentMessageId)}}`
    }
    case 'TOOL_CALL_ARGS': {
      // Most calls show no arguments.
      const delta = event.delta === '{}' ? '"{}"' : JSON.stringify(event.delta)
      return `{"type":"TOOL_CALL_ARGS","toolCallId":${quote(event.toolCallId)},"delta":${delta}}`
    }
    case 'TOOL_CALL_END':
      return `{"type":"TOOL_CALL_END","toolCallId":${quote(event.toolCallId)}}`
    case 'TOOL_CALL_RESULT': {
      const { messageId, toolCallId, content } = event
      const call = `"messageId":${quote(messageId)},"toolCallId":${quote(toolCallId)}`
      return `{"type":"TOOL_CALL_RESULT",${call},"content":${JSON.stringify(content)},"role":"tool"}`
    }
    case 'ACTIVITY_DELTA':
      return writeDelta(event)
    default:
      return stringifyJson(event)
  }
}

function writeDelta({ messageId, patch }: EventOf<'ACTIVITY_DELTA'>): string {
  let operations = ''
  for (let at = 0; at < patch.length; at++) {
    const { path, value } = patch[at] as AgUiPatch
    operations += `${at === 0 ? '' : ','}{"op":"add","path":${quote(path)},"value":${JSON.stringify(value)}}`
  }
  return `{"type":"ACTIVITY_DELTA","messageId":${quote(messageId)},"activityType":"dagstream","patch":[${operations}]}`
}
