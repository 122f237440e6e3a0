import type {
  AttemptMessage,
  CommandMessage,
  CommandNews,
  Inbox,
  InboxMessage,
  OrderMessage,
  Reply,
} from '../../cluster/inbox.ts'
import { DagstreamError } from '../../errors.ts'
import type { Reason } from '../../events/events.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { PatchedPlan, PlanPatch } from '../growth/patch-shape.ts'
import type { PlannerReceiver } from '../growth/planner-receiver.ts'
import type { InputDesk } from '../inputs/input-desk.ts'
import type { Recorder } from '../recorder.ts'
import type { PendingRound } from './pending-round.ts'
import type { RemoteRunner, RemoteSink } from './remote-runner.ts'

/** Messages of one delivery. */
const PAGE = 500

/** A store cuts a page of much text short. One of less text, characters, has all messages that were there. */
const SMALL_PAGE = 64 * 1024

/** The commands that change the document. */
export interface GrowthCommands {
  /** `undefined` where nobody takes the steps of planners, or not yet: the steps stay. */
  readonly planners: PlannerReceiver | undefined
  /** As `patchExecution`. */
  patch(patch: PlanPatch, onRecorded: (patched: PatchedPlan) => void): Promise<PatchedPlan>
}

/** The parts of the delivery of messages. */
export interface DeliveryParts {
  readonly inbox: Pick<Inbox, 'read'>
  readonly recorder: Recorder
  readonly pending: PendingRound
  readonly runner: RemoteRunner
  readonly cancel: (reason: Reason, requestId?: string) => void
  /** Where questions are answered. */
  readonly desk: () => InputDesk
  readonly growth: GrowthCommands
}

/**
 * Delivers the messages of an execution, a page at a time. What follows from a message and its consumption are one commit, and
 * the next page is read after that: a crash neither loses nor repeats a message.
 */
export class InboxDelivery {
  readonly #parts: DeliveryParts
  /** Messages of commands that are obeyed, until a commit has consumed them. */
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
      // Their commit may end before the answer comes that has them still.
      const obeying = new Set(this.#obeying)
      const messages = (await inbox.read([executionId], PAGE)).get(executionId) ?? []
      if (recorder.isClosed) return
      isFull = messages.length >= PAGE || weigh(messages) > SMALL_PAGE
      const consumed = this.#receive(messages.filter(({ id }) => !obeying.has(id)))
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
    const { recorder, pending, cancel } = this.#parts
    this.#obeying.add(id)
    let isReplied = false
    const reply = (outcome: Omit<Reply, 'commandId'> = {}): void => {
      isReplied = true
      pending.reply({ commandId, ...outcome })
      pending.consume([id])
      void pending.settled.then(() => this.#obeying.delete(id))
      recorder.wake()
    }
    if (news.type === 'cancel') {
      cancel(news.reason, news.requestId)
      return reply()
    }
    if (news.type !== 'answer' && news.type !== 'patch' && news.type !== 'plan') {
      return reply({ error: { code: 'STORE_FAILED', message: 'The command in the store is damaged' } })
    }
    // The command and its reply are one commit.
    const onRecorded = (value?: unknown): void => reply(value === undefined ? {} : { value: JSON.stringify(value) })
    this.#perform(news, onRecorded)
      .catch((error: unknown) => {
        // The store may have failed to keep a secret: the command stays, and is obeyed again.
        if (!isReplied && error instanceof DagstreamError) reply({ error: describeFailure(error) })
      })
      .finally(() => {
        if (!isReplied) this.#obeying.delete(id)
      })
  }

  async #perform(news: Exclude<CommandNews, { type: 'cancel' }>, onRecorded: (value?: unknown) => void): Promise<void> {
    const { desk, growth } = this.#parts
    if (news.type === 'plan') return growth.planners?.receive(news.planner, news.step, onRecorded)
    if (news.type === 'patch') {
      await growth.patch(parseJson(news.patch) as PlanPatch, onRecorded)
      return
    }
    const { inputId, answer, by } = news
    if ('decline' in answer) return desk().decline(inputId, by, () => onRecorded())
    return desk().answer(inputId, answer.response, by, () => onRecorded())
  }
}

function describeFailure({ code, message, details }: DagstreamError): {
  readonly code: string
  readonly message: string
  readonly details: unknown
} {
  return { code, message, details }
}

/** The text of messages, characters; infinite where a size is not known, as that of what a worker should not have posted. */
function weigh(messages: readonly InboxMessage[]): number {
  let weight = 0
  for (const { message } of messages) weight += 'commandId' in message ? Infinity : weighNews(message.news)
  return weight
}

function weighNews(news: AttemptMessage['news'] | OrderMessage['news']): number {
  if (news.type === 'usage' || news.type === 'interrupted') return 0
  let text: unknown
  if (news.type === 'token') text = news.text
  // A message that was not checked may lack anything.
  else if (news.type === 'settled') {
    const report = news.report as Readonly<Record<string, unknown>> | undefined
    text = report?.['status'] === 'success' ? report['outputJson'] : report?.['message']
  }
  return typeof text === 'string' ? text.length : Infinity
}
