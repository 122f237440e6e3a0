import { stringifyJson } from '../../json/stringify-json.ts'
import type { AgUiEvent, AgUiPatch } from './ag-ui-event.ts'

type EventOf<Type extends AgUiEvent['type']> = Extract<AgUiEvent, { readonly type: Type }>

/** The pieces of a text, or the changes of the activity. */
interface Joined {
  readonly first: EventOf<'TEXT_MESSAGE_CONTENT'> | EventOf<'CUSTOM'> | EventOf<'ACTIVITY_DELTA'>
  text: string
  readonly patch: Map<string, AgUiPatch>
}

/**
 * The events of one chunk. Clients copy all messages at each event, so that the pieces of a text are joined, and of each
 * member of the activity only the last value is sent.
 */
export class EventBatch {
  readonly #events: (AgUiEvent | Joined)[] = []
  readonly #joined = new Map<string, Joined>()

  add(event: AgUiEvent): void {
    switch (event.type) {
      case 'TEXT_MESSAGE_CONTENT':
        this.#join(event.messageId, event).text += event.delta
        return
      case 'ACTIVITY_DELTA': {
        const { patch } = this.#join('activity', event)
        for (const each of event.patch) patch.set(each.path, each)
        return
      }
      case 'CUSTOM': {
        const { taskId, attempt, text } = event.value as { taskId: string; attempt: number; text: string }
        this.#join(`token ${attempt} ${taskId}`, event).text += text
        return
      }
      case 'ACTIVITY_SNAPSHOT':
        // Later changes are of this one.
        this.#joined.delete('activity')
        this.#events.push(event)
        return
      default:
        this.#events.push(event)
    }
  }

  /** One frame per event. The end of a line is LF alone: clients do not split frames at CR LF. */
  write(): string {
    let frames = ''
    for (const each of this.#events) frames += `data: ${stringifyJson('first' in each ? toEvent(each) : each)}\n\n`
    return frames
  }

  #join(key: string, first: Joined['first']): Joined {
    let joined = this.#joined.get(key)
    if (joined === undefined) {
      joined = { first, text: '', patch: new Map() }
      this.#joined.set(key, joined)
      this.#events.push(joined)
    }
    return joined
  }
}

function toEvent({ first, text, patch }: Joined): AgUiEvent {
  if (first.type === 'TEXT_MESSAGE_CONTENT') return { ...first, delta: text }
  if (first.type === 'ACTIVITY_DELTA') return { ...first, patch: [...patch.values()] }
  return { ...first, value: { ...(first.value as object), text } }
}
