import { type AttemptOutcome, type AttemptReport, createFailure } from '../attempt/attempt-outcome.ts'
import type { AbortReason, AttemptCommand, AttemptKey, AttemptSink, Progress, Question } from '../attempt/runner.ts'
import type { AttemptMessage, AttemptNews, PostedReport } from '../cluster/inbox.ts'
import type { NumberedAnswer } from '../cluster/order.ts'
import type { InfoLevel } from '../events/events.ts'
import { addTokenUsage, describeRejectedUsage, sanitizeTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import { cutUtf8 } from '../text.ts'
import { LIMITS } from '../workflow/document.ts'
import { NewsQueue } from './news-queue.ts'
import type { NewsSource } from './outbox.ts'

/** Maximum size of all news that wait in a worker, characters; an attempt that emits beyond it fails. */
export const MAX_WAITING: number = 16 * 1024 * 1024

/** The worker of an attempt. */
export interface AttemptHolder {
  /** Size of all news that wait, characters. */
  readonly waitingWeight: number
  /** It has news. */
  added(attempt: HeldAttempt, isUrgent: boolean): void
  /** Its tool is to stop. */
  abort(attempt: HeldAttempt, reason: AbortReason): void
  /** It waits for answers, or goes on. */
  asked(attempt: HeldAttempt): void
  /** Its tool is over; the outcome is not posted yet. */
  settled(attempt: HeldAttempt, report: AttemptReport): void
  /** Its tool is over and nothing of it waits. */
  ended(attempt: HeldAttempt, end: AttemptEnd): void
}

/**
 * `refused`: another outcome was recorded. `interrupted`: the worker ends, and gives it up. `undeliverable`: the store refuses any
 * outcome of it.
 */
export type AttemptEnd = 'accepted' | 'refused' | 'interrupted' | 'undeliverable'

/** What the log of the worker says about ends without an outcome. */
export const END_WARNINGS: { readonly [End in AttemptEnd]?: string } = {
  refused: 'The outcome of an attempt was refused: another one counts',
  undeliverable: 'The store refuses any outcome of an attempt: it is given up, and its lease expires',
}

/** What a report holds beside the outcome. */
type ReportRest = Pick<AttemptReport, 'executionTimeMs' | 'metrics' | 'abandoned'>

/**
 * One attempt of a worker, from its take until the store has its outcome: turns what its runner reports into news.
 *
 * `taken` → `running` ⇄ `asking` → `settled` → ended. An attempt that is asking does not count as running.
 */
export class HeldAttempt implements AttemptSink, NewsSource {
  readonly key: AttemptKey
  readonly command: AttemptCommand
  readonly news: NewsQueue
  state: 'taken' | 'running' | 'asking' | 'settled' = 'taken'
  /** Whether its tool may have been called. */
  hasBegun = false
  /** The store does not count it as this worker's any more. */
  isLost = false
  /** The worker ends: an attempt that stops because of that is interrupted, not cancelled. */
  isGivenUp = false
  readonly #holder: AttemptHolder
  readonly #open = new Set<number>()
  #usage: TokenUsage | undefined
  #abortReason: AbortReason | undefined
  #isOverflowed = false
  #isInterrupted = false
  /** The store keeps refusing what it reports. */
  #isRefused = false
  /** Of its outcome. */
  #rest: ReportRest | undefined

  constructor(command: AttemptCommand, holder: AttemptHolder) {
    const { executionId, taskId, attempt } = command
    this.key = { executionId, taskId, attempt }
    this.command = command
    this.news = new NewsQueue(this.key)
    this.#holder = holder
  }

  /** Whether it counts towards the concurrency of its worker. */
  get isBusy(): boolean {
    return this.state !== 'asking'
  }

  /** Its runner receives it. */
  begin(): void {
    this.state = 'running'
    this.hasBegun = true
  }

  /** Asks it to stop; the first reason counts. */
  abort(reason: AbortReason): void {
    if (this.#abortReason !== undefined || this.state === 'settled') return
    this.#abortReason = reason
    if (this.state === 'taken') this.settled({ status: 'cancelled', executionTimeMs: 0 })
    else this.#holder.abort(this, reason)
  }

  /** A renewal did not find its order. While its outcome is being posted, the answer of that tells whether the store has it. */
  missed(): void {
    if (this.state !== 'settled' || !this.news.isEmpty) this.#lose()
  }

  /** The store counts it as another's or as ended: nothing of it is posted any more. */
  #lose(): void {
    if (this.isLost) return
    this.isLost = true
    this.news.clear()
    const { taskId } = this.key
    if (this.state === 'settled') return this.#holder.ended(this, 'refused')
    this.abort({ code: 'CANCELLED', message: `Attempt of task \`${taskId}\`: the worker does not hold it any more` })
  }

  /** Its answers have come. */
  answered(answers: readonly NumberedAnswer[]): void {
    for (const { number } of answers) this.#open.delete(number)
    if (this.state !== 'asking' || this.#open.size > 0) return
    this.state = 'running'
    this.#holder.asked(this)
  }

  token(text: string): void {
    if (this.isLost || this.#isFull(text.length)) return
    this.news.addText(text)
    this.#holder.added(this, false)
  }

  progress({ progress, total, message }: Progress): void {
    const numbers = { progress, ...(total !== undefined && { total }) }
    // JSON has no NaN: the log says what the engine would.
    if (!Object.values(numbers).every(Number.isFinite)) {
      return this.log('warning', 'Progress was ignored: expected `progress` and `total` to be finite numbers')
    }
    const text = message === undefined ? undefined : cutMessage(message)
    this.#add({ type: 'progress', progress: { ...numbers, ...(text !== undefined && { message: text }) } })
  }

  log(level: InfoLevel, message: string): void {
    this.#add({ type: 'log', level, message: cutMessage(message) })
  }

  usage(delta: Partial<TokenUsage>): void {
    if (this.state === 'settled') return this.dropped()
    const { usage, rejected } = sanitizeTokenUsage(delta)
    if (rejected.length > 0 && this.#abortReason === undefined) this.log('warning', describeRejectedUsage(rejected))
    if (Object.keys(usage).length === 0) return
    this.#usage = addTokenUsage(this.#usage, usage)
    this.#add({ type: 'usage', usage: this.#usage })
  }

  question(question: Question): void {
    this.#open.add(question.number)
    if (this.state === 'running') {
      this.state = 'asking'
      this.#holder.asked(this)
    }
    this.#add({ type: 'question', question }, true)
  }

  /** Emissions after the outcome are not posted: its order is over. */
  dropped(): void {
    if (this.state !== 'settled') this.#add({ type: 'dropped', count: 1 })
  }

  settled(report: AttemptReport): void {
    if (this.state === 'settled') return
    this.state = 'settled'
    this.#holder.settled(this, report)
    if (this.isLost) return this.#holder.ended(this, 'refused')
    this.#isInterrupted = this.isGivenUp && report.status === 'cancelled' && !this.#isRefused
    const { executionTimeMs, metrics, abandoned } = report
    this.#rest = { executionTimeMs, metrics, ...(abandoned && { abandoned }) }
    if (!this.#isInterrupted) this.#report(this.#isRefused ? UNDELIVERED : this.#admit(report), this.#rest)
    else if (this.news.isEmpty) this.#holder.ended(this, 'interrupted')
    else this.#holder.added(this, true)
  }

  /** It fails; if the store refuses that, too, it is given up. */
  refused(): void {
    if (this.isLost) return
    const wasRefused = this.#isRefused
    this.#isRefused = true
    if (this.#rest === undefined) this.abort({ code: 'CANCELLED', message: UNDELIVERED.message })
    else if (this.#isInterrupted) this.#holder.ended(this, 'interrupted')
    else if (wasRefused) this.#holder.ended(this, 'undeliverable')
    else this.#report(UNDELIVERED, this.#rest)
  }

  posted(messages: readonly AttemptMessage[], accepted: readonly boolean[], isEmpty: boolean): void {
    if (this.isLost) return
    if (accepted.includes(false)) return this.#lose()
    const isOver = messages.at(-1)?.news.type === 'settled'
    if (isOver) this.#holder.ended(this, 'accepted')
    else if (this.#isInterrupted && isEmpty) this.#holder.ended(this, 'interrupted')
  }

  #add(news: AttemptNews, isUrgent = false): void {
    if (this.isLost || this.#isFull(0)) return
    this.news.add(news)
    this.#holder.added(this, isUrgent)
  }

  /** Whether an emission is beyond the bound; then the attempt ends. */
  #isFull(more: number): boolean {
    if (this.#isRefused) return true
    if (!this.#isOverflowed && this.#holder.waitingWeight + more <= MAX_WAITING) return false
    if (!this.#isOverflowed) {
      this.#isOverflowed = true
      this.abort({ code: 'CANCELLED', message: OVERFLOW_MESSAGE })
    }
    return true
  }

  #report(outcome: AttemptOutcome, rest: ReportRest): void {
    const usage = this.#usage && { usage: this.#usage }
    this.news.add({ type: 'settled', report: toPosted({ ...outcome, ...rest }), ...usage })
    this.#holder.added(this, true)
  }

  #admit(report: AttemptReport): AttemptOutcome {
    if (this.#isOverflowed && report.status === 'cancelled') {
      return { ...createFailure('EMISSIONS_UNDELIVERED', OVERFLOW_MESSAGE), isRetryable: true }
    }
    // The engine checks it, too: this one keeps it out of the store.
    if (report.status !== 'success' || report.output.weight <= LIMITS.maxOutputBytes) return report
    const message = `Expected an output of at most ${LIMITS.maxOutputBytes} bytes of JSON, got ${report.output.weight} bytes`
    return createFailure('OUTPUT_TOO_LARGE', message)
  }
}

const OVERFLOW_MESSAGE = `The worker could not deliver what its tools emitted: more than ${MAX_WAITING} characters waited`

const UNDELIVERED = createFailure(
  'INVALID_OUTCOME',
  'The store refuses what the attempt reported: the log of its worker has the reason',
)

function toPosted(report: AttemptReport): PostedReport {
  if (report.status !== 'success') return report
  const { output, ...rest } = report
  return { ...rest, outputJson: output.text }
}

function cutMessage(message: unknown): string {
  return cutUtf8(String(message), LIMITS.maxMessageBytes)
}
