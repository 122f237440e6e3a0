import { afterTurn } from '../clock.ts'
import type { EventData, InfoLevel, Reason } from '../events/events.ts'
import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import type { Progress } from '../attempt/runner.ts'
import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import { LIMITS } from '../workflow/document.ts'
import type { MutableCounters } from './counters.ts'
import type { ResolvedOptions } from './options.ts'
import type { Recorder } from './recorder.ts'
import { cutUtf8, findCut } from '../text.ts'

/** Maximum text of a token event, characters. Pending tokens that reach it are recorded before the end of the turn. */
const MAX_PENDING_TEXT = 64 * 1024

const LEVELS: readonly InfoLevel[] = ['debug', 'info', 'warning', 'error']

/** The part of an attempt that concerns its emissions. */
export interface EmittingAttempt {
  readonly task: { readonly id: string }
  readonly number: number
  /** Length of the streamed text that is not recorded yet, UTF-16 units. */
  readonly pendingLength: number
  /** Present once the attempt has ended. */
  readonly report: AttemptReport | undefined
  readonly tokenUsage: TokenUsage | undefined
  /**
   * Takes the unrecorded text without a split surrogate pair: a high surrogate at the end stays for the next token.
   * @param isOver whether no more tokens follow
   */
  takeText(isOver: boolean): string
}

/** The common fields of the events of an attempt. */
type AttemptStamp = EventData & { readonly taskId: string; readonly attempt: number }

/**
 * Records the emissions of running attempts in the order of the contract, and counts their token usage.
 *
 * Tokens are joined until the event loop turns, or until another event of their attempt is recorded. A high surrogate at the
 * end stays for the next token.
 */
export class Emissions {
  readonly #executionId: string
  readonly #options: ResolvedOptions
  readonly #recorder: Pick<Recorder, 'record' | 'executionId' | 'timestamp'>
  readonly #counters: MutableCounters
  readonly #cancel: (reason: Reason) => void
  readonly #streaming = new Set<EmittingAttempt>()
  /** As recorded. */
  #recordedUsage: TokenUsage | undefined
  /** As reported, including running attempts. */
  #liveUsage: TokenUsage | undefined
  #hasDropped = false

  constructor(
    options: ResolvedOptions,
    counters: MutableCounters,
    recorder: Pick<Recorder, 'record' | 'executionId' | 'timestamp'>,
    cancel: (reason: Reason) => void,
  ) {
    this.#executionId = recorder.executionId
    this.#options = options
    this.#counters = counters
    this.#recorder = recorder
    this.#cancel = cancel
  }

  /** Takes over the usage of attempts in earlier processes. */
  restore(usage: TokenUsage | undefined): void {
    this.#recordedUsage = usage
    if (usage !== undefined) this.usage(usage)
  }

  /** Usage of the execution: of all ended attempts. */
  get tokenUsage(): TokenUsage | undefined {
    return this.#recordedUsage
  }

  /** The attempt has more pending text. */
  token(attempt: EmittingAttempt): void {
    if (attempt.pendingLength >= MAX_PENDING_TEXT) return this.#recordTokens(attempt)
    if (this.#streaming.size === 0) {
      afterTurn(() => {
        for (const streaming of this.#streaming) this.#recordTokens(streaming)
      })
    }
    this.#streaming.add(attempt)
  }

  progress(attempt: EmittingAttempt, { progress, total, message }: Progress): void {
    if (!Number.isFinite(progress) || (total !== undefined && !Number.isFinite(total))) {
      return this.info(attempt, 'warning', 'Progress was ignored: expected `progress` and `total` to be finite numbers')
    }
    this.#recorder.record('task_progress', {
      ...this.#begin(attempt),
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message: cutMessage(String(message)) }),
    })
  }

  info(attempt: EmittingAttempt, level: InfoLevel, message: string): void {
    const known = LEVELS.includes(level) ? level : 'info'
    this.#recorder.record('info', {
      ...this.#begin(attempt),
      level: known,
      message: cutMessage(String(message)),
    })
  }

  /** Counts usage at once, so that a budget is kept while attempts run. */
  usage(usage: Partial<TokenUsage>): void {
    const total = addTokenUsage(this.#liveUsage, usage)
    this.#liveUsage = total
    const { maxTokens, maxCost } = this.#options
    const tokens = total.totalTokensIn + total.totalTokensOut
    const cost = total.totalCost ?? 0
    if (tokens > maxTokens) this.#exceed(`${tokens} tokens are more than \`maxTokens\`, ${maxTokens}`)
    else if (cost > maxCost) this.#exceed(`A cost of ${cost} is more than \`maxCost\`, ${maxCost}`)
  }

  /** Records the tokens of an attempt so far. */
  flush(attempt: EmittingAttempt): void {
    this.#recordTokens(attempt)
  }

  /** Drops an emission that follows the end of its attempt. */
  drop(attempt: EmittingAttempt): void {
    this.#counters.droppedEmissionCount += 1
    // One log line per execution: an abandoned tool may emit for a long time.
    if (this.#hasDropped) return
    this.#hasDropped = true
    this.#options.logger.debug(
      'Dropped an emission of a tool after the end of its attempt; further ones are not logged',
      {
        executionId: this.#executionId,
        taskId: attempt.task.id,
      },
    )
  }

  /** Records the remaining tokens, metrics and usage of an ended attempt. */
  conclude(attempt: EmittingAttempt): void {
    this.#recordTokens(attempt, true)
    const metrics = attempt.report?.metrics
    if (metrics !== undefined) this.#recorder.record('metrics', { ...this.#begin(attempt), ...metrics })
    const { tokenUsage } = attempt
    if (tokenUsage === undefined) return
    this.#recordedUsage = addTokenUsage(this.#recordedUsage, tokenUsage)
    const data = { tokenUsage, executionTokenUsage: this.#recordedUsage }
    this.#recorder.record('token_usage', { ...this.#begin(attempt), ...data })
    this.#options.logger.debug('Token usage', { executionId: this.#executionId, taskId: attempt.task.id, ...data })
  }

  /** Records the tokens so far. @returns the common fields of the attempt's next event */
  #begin(attempt: EmittingAttempt): AttemptStamp {
    this.#recordTokens(attempt)
    return this.#stamp(attempt)
  }

  /** @param isOver whether no more tokens follow */
  #recordTokens(attempt: EmittingAttempt, isOver = false): void {
    const text = attempt.takeText(isOver)
    this.#streaming.delete(attempt)
    for (let from = 0; from < text.length; ) {
      const to = findCut(text, from + MAX_PENDING_TEXT)
      this.#recorder.record('token', { ...this.#stamp(attempt), text: text.slice(from, to) })
      from = to
    }
  }

  #stamp({ task, number: attempt }: EmittingAttempt): AttemptStamp {
    const { executionId, timestamp } = this.#recorder
    return { executionId, timestamp, taskId: task.id, attempt }
  }

  #exceed(message: string): void {
    this.#cancel({ code: 'BUDGET_EXCEEDED', message })
  }
}

/** Cuts a message for an event: at most 8 KiB, without splitting a surrogate pair. */
export function cutMessage(message: string): string {
  return cutUtf8(message, LIMITS.maxMessageBytes)
}
