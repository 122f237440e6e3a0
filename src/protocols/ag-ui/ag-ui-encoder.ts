import { createState, type ExecutionState } from '../../events/execution-state.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import { applyEvent } from '../../events/state.ts'
import { answerOf } from '../answer-task.ts'
import type { ProtocolEncoder } from '../protocol-encoder.ts'
import { readText } from '../views.ts'
import { ActivityChanges, findChange } from './activity.ts'
import type { AgUiEvent, AgUiMessage, AgUiOptions } from './ag-ui-event.ts'
import { EventBatch } from './event-batch.ts'
import { formatMessageId } from './ids.ts'
import { findAnswer, restoreRun } from './restore-run.ts'
import { toAgUiInterrupt } from './run-events.ts'
import { toRunEvents } from './to-ag-ui-events.ts'

/** What a reader has of the run. */
export interface AgUiReplay {
  /** Entries up to this position are a replay: they become one snapshot of messages. 0 for the first reader. */
  readonly replayTo: number
  /** The messages of the thread before the run. */
  readonly history: readonly AgUiMessage[]
}

/**
 * The entries of an execution as frames of AG-UI. A replay becomes one snapshot: its single events would double text and
 * results in a client that has the messages. A text without any token is left out.
 */
export class AgUiEncoder implements ProtocolEncoder {
  readonly #options: AgUiOptions
  readonly #replay: AgUiReplay
  readonly #state: ExecutionState
  readonly #changes = new ActivityChanges()
  #isReplaying: boolean
  /** The start of a text without a token. */
  #unsent: AgUiEvent | undefined
  /** The text of the answer's attempt, while it may be needed for the replay. */
  #text = ''
  #hasStreamed = false
  #isOver = false

  constructor(executionId: string, options: AgUiOptions, replay: AgUiReplay) {
    this.#options = options
    this.#replay = replay
    this.#state = createState(executionId)
    this.#isReplaying = replay.replayTo > 0
  }

  get isOver(): boolean {
    return this.#isOver
  }

  encode(entries: readonly LogEntry[]): string {
    const batch = new EventBatch()
    for (let at = 0; at < entries.length && !this.#isOver; at++) this.#add(batch, entries[at] as LogEntry)
    this.#sendChanges(batch)
    return batch.write()
  }

  pause(): string {
    if (this.#isReplaying || this.#isOver) return ''
    const events = toAgUiInterrupt(this.#state, this.#options)
    const batch = new EventBatch()
    for (const event of events) this.#send(batch, event)
    this.#isOver = events.length > 0
    return batch.write()
  }

  #add(batch: EventBatch, entry: LogEntry): void {
    applyEvent(this.#state, entry, entry.seq)
    this.#followText(batch, entry)
    const isLast = entry.type === 'execution_complete' || entry.type === 'error'
    if (this.#isReplaying) {
      if (!isLast && this.#state.seq < this.#replay.replayTo) return
      // A log that has not begun holds nothing to restore.
      if (this.#state.status !== 'pending') this.#restore(batch)
      this.#isReplaying = false
      if (!isLast) return
    } else if (entry.type === 'snapshot') {
      this.#restore(batch)
      return
    }
    const change = findChange(entry, this.#state)
    if (change !== undefined) this.#changes.add(change)
    if (isLast) this.#sendChanges(batch)
    const events = toRunEvents(entry, this.#state, this.#options)
    for (let at = 0; at < events.length; at++) this.#send(batch, events[at] as AgUiEvent)
    this.#isOver = isLast
  }

  #sendChanges(batch: EventBatch): void {
    const delta = this.#changes.take(this.#state)
    if (delta !== undefined) batch.add(delta)
  }

  /** The text of the answer's current attempt, and whether there is any. */
  #followText(batch: EventBatch, entry: LogEntry): void {
    if (entry.type !== 'token' && entry.type !== 'task_start' && entry.type !== 'task_complete') return
    const { executionId, taskId } = entry.data
    if (taskId !== answerOf(this.#state, this.#options.answer)) return
    if (entry.type === 'token') {
      this.#hasStreamed = true
      if (this.#isReplaying) this.#text += entry.data.text
    } else if (entry.type === 'task_start') {
      this.#hasStreamed = false
      this.#text = ''
    } else if (!this.#hasStreamed && !this.#isReplaying && entry.data.attempts > 0) {
      const delta = entry.data.status === 'success' ? readText(entry.data.output) : undefined
      const messageId = formatMessageId(executionId, taskId, entry.data.attempts)
      if (delta !== undefined) this.#send(batch, { type: 'TEXT_MESSAGE_CONTENT', messageId, delta })
    }
  }

  #restore(batch: EventBatch): void {
    const { history } = this.#replay
    const events = restoreRun(this.#state, this.#options, { history, text: this.#text })
    const isSilent = !this.#hasStreamed && findAnswer(this.#state, this.#options)?.isOpen === true
    for (const event of events) {
      if (isSilent && event.type === 'TEXT_MESSAGE_START') this.#unsent = event
      else if (isSilent && event.type === 'MESSAGES_SNAPSHOT') {
        // The message of an answer without text is the last one.
        batch.add({ ...event, messages: event.messages.slice(0, -1) })
      } else batch.add(event)
    }
    this.#text = ''
    this.#changes.clear()
  }

  #send(batch: EventBatch, event: AgUiEvent): void {
    if (event.type === 'TEXT_MESSAGE_START') {
      this.#unsent = event
      return
    }
    if (this.#unsent !== undefined && event.type === 'TEXT_MESSAGE_END') {
      this.#unsent = undefined
      return
    }
    if (this.#unsent !== undefined && event.type === 'TEXT_MESSAGE_CONTENT') {
      batch.add(this.#unsent)
      this.#unsent = undefined
    }
    batch.add(event)
  }
}
