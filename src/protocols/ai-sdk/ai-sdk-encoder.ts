import { createState, type ExecutionState } from '../../events/execution-state.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { applyEvent } from '../../events/state.ts'
import { answerOf } from '../answer-task.ts'
import type { ProtocolEncoder } from '../protocol-encoder.ts'
import { readText } from '../views.ts'
import { PartBatch } from './part-batch.ts'
import { toUIMessageParts } from './to-ui-message-parts.ts'
import type { UIMessageOptions, UIMessagePart } from './ui-message-part.ts'

/** The last frame, after the last part. */
const DONE = 'data: [DONE]\n\n'

/**
 * The entries of an execution as frames of the UI message stream. A text without any token is left out; where the answer
 * has not streamed and is a string, that is its text.
 */
export class AiSdkEncoder implements ProtocolEncoder {
  readonly #options: UIMessageOptions
  readonly #state: ExecutionState
  /** A text that has begun without a token. */
  #unsent: Extract<UIMessagePart, { readonly type: 'text-start' }> | undefined
  #isOver = false

  constructor(executionId: string, options: UIMessageOptions = {}) {
    this.#options = options
    this.#state = createState(executionId)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  encode(entries: readonly LogEntry[]): string {
    const batch = new PartBatch()
    for (let at = 0; at < entries.length && !this.#isOver; at++) this.#add(batch, entries[at] as LogEntry)
    return this.#isOver ? batch.write() + DONE : batch.write()
  }

  /** The stream stays open: clients of this protocol answer questions beside it. */
  pause(): string {
    return ''
  }

  #add(batch: PartBatch, entry: LogEntry): void {
    applyEvent(this.#state, entry, entry.seq)
    if (entry.type === 'task_complete') this.#endText(batch, entry)
    const parts = toUIMessageParts(entry, this.#state, this.#options)
    for (let at = 0; at < parts.length; at++) this.#send(batch, parts[at] as UIMessagePart)
    if (entry.type === 'execution_complete' || entry.type === 'error') this.#isOver = true
  }

  #send(batch: PartBatch, part: UIMessagePart): void {
    if (part.type === 'text-start') {
      this.#unsent = part
      return
    }
    if (this.#unsent !== undefined) {
      if (part.type === 'text-end') {
        this.#unsent = undefined
        return
      }
      if (part.type === 'text-delta') {
        batch.add(this.#unsent)
        this.#unsent = undefined
      }
    }
    batch.add(part)
  }

  /** The text of an answer that did not stream. */
  #endText(batch: PartBatch, { data }: LogEntry & { readonly type: 'task_complete' }): void {
    if (this.#unsent === undefined || data.taskId !== answerOf(this.#state, this.#options.answer)) return
    const delta = data.status === 'success' ? readText(data.output) : undefined
    if (delta !== undefined) this.#send(batch, { type: 'text-delta', id: this.#unsent.id, delta })
  }
}
