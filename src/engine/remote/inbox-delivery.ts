import type { CommandMessage, Inbox, InboxMessage } from '../../cluster/inbox.ts'
import { DagstreamError } from '../../errors.ts'
import type { Reason } from '../../events/events.ts'
import type { InputDesk } from '../inputs/input-desk.ts'
import type { Recorder } from '../recorder.ts'
import type { PendingRound } from './pending-round.ts'
import type { RemoteRunner, RemoteSink } from './remote-runner.ts'

/** Messages of one delivery. */
const PAGE = 500

/** The parts of the delivery of messages. */
export interface DeliveryParts {
  readonly inbox: Pick<Inbox, 'read'>
  readonly recorder: Recorder
  readonly pending: PendingRound
  readonly runner: RemoteRunner
  readonly cancel: (reason: Reason, requestId?: string) => void
  /** Where questions are answered. */
  readonly desk: () => InputDesk
}

/**
 * Delivers the messages of an execution, a page at a time. What follows from a message and its consumption are one commit, and
 * the next page is read after that: a crash neither loses nor repeats a message.
 */
export class InboxDelivery {
  readonly #parts: DeliveryParts
  /** Commands whose outcome is not recorded yet. */
  readonly #obeying = new Set<string>()
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Delivers all messages that the inbox has now. Rejects with what the store throws; a later call delivers them. */
  deliver(): Promise<void> {
    // A delivery that runs may have read the inbox before the message came.
    this.#next ??= this.#last.then(() => {
      this.#next = undefined
      const delivered = this.#deliverAll()
      this.#last = delivered.catch(() => {})
      return delivered
    })
    return this.#next
  }

  async #deliverAll(): Promise<void> {
    const { inbox, recorder, pending } = this.#parts
    const { executionId } = recorder
    let isFull = true
    // Messages that come after the last page have a hint of their own.
    while (isFull && !recorder.isClosed) {
      const messages = (await inbox.read([executionId], PAGE)).get(executionId) ?? []
      if (recorder.isClosed) return
      isFull = messages.length >= PAGE
      const consumed = this.#receive(messages)
      if (consumed.length === 0) return
      pending.consume(consumed)
      recorder.wake()
      await pending.settled
    }
  }

  /** @returns the ids of those that are done with */
  #receive(messages: readonly InboxMessage[]): string[] {
    const streaming = new Set<RemoteSink>()
    const consumed: string[] = []
    for (const { id, message } of messages) {
      if ('commandId' in message) this.#obey(id, message)
      else {
        const received = this.#parts.runner.receive(message, this.#deliverAgain)
        if (received === 'early') continue
        consumed.push(id)
        if (received !== undefined) streaming.add(received)
      }
    }
    for (const sink of streaming) sink.flush()
    return consumed
  }

  readonly #deliverAgain = (): void => {
    // After an error the messages stay, and the next call delivers them.
    this.deliver().catch(() => {})
  }

  #obey(id: string, { commandId, news }: CommandMessage): void {
    if (this.#obeying.has(id)) return
    const { recorder, pending, cancel, desk } = this.#parts
    const reply = (error?: DagstreamError): void => {
      pending.reply({ commandId, ...(error && { error: describeFailure(error) }) })
      pending.consume([id])
      recorder.wake()
    }
    if (news.type === 'cancel') {
      cancel(news.reason, news.requestId)
      return reply()
    }
    if (news.type !== 'answer') return reply(new DagstreamError('STORE_FAILED', 'The command in the store is damaged'))
    this.#obeying.add(id)
    const { inputId, answer, by } = news
    let isRecorded = false
    // The answer and its reply are one commit.
    const onRecorded = (): void => {
      isRecorded = true
      reply()
    }
    const answered =
      'decline' in answer
        ? desk().decline(inputId, by, onRecorded)
        : desk().answer(inputId, answer.response, by, onRecorded)
    answered
      .catch((error: unknown) => {
        // The store may have failed to keep a secret: the command stays, and is obeyed again.
        if (!isRecorded && error instanceof DagstreamError) reply(error)
      })
      .finally(() => this.#obeying.delete(id))
  }
}

function describeFailure({ code, message, details }: DagstreamError): {
  readonly code: string
  readonly message: string
  readonly details: unknown
} {
  return { code, message, details }
}
