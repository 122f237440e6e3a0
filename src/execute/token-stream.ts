import type { EventFor } from '../events/events.ts'
import { round } from './round.ts'
import { TextJoiner } from '../text.ts'

/** Less time than this between the first token and the last says nothing of a model's speed, ms. */
const MIN_SPAN_MS = 1

/** What one attempt has streamed; made with its first token. */
export class TokenStream {
  readonly #firstAt: number
  #lastAt: number
  #count = 0
  #pending = ''
  readonly #joiner = new TextJoiner()

  constructor(now: number) {
    this.#firstAt = now
    this.#lastAt = now
  }

  add(text: string, now: number): void {
    this.#lastAt = now
    this.#count += 1
    this.#pending += text
  }

  /** Characters not recorded yet. */
  get pendingLength(): number {
    return this.#pending.length
  }

  /**
   * The text not recorded yet, which the caller records: without halves of characters, of which one at the end waits for the
   * next token unless no more follow.
   */
  takePending(isOver: boolean): string {
    const text = this.#joiner.add(this.#pending)
    this.#pending = ''
    return isOver ? text + this.#joiner.end() : text
  }

  /** All finite, whatever the clock did. */
  measure(
    startedAt: number,
    totalMs: number,
  ): Pick<EventFor<'metrics'>['data'], 'ttftMs' | 'totalMs' | 'tokenCount' | 'tokensPerSec'> {
    const spanMs = this.#lastAt - this.#firstAt
    return {
      ttftMs: round(this.#firstAt - startedAt),
      totalMs,
      tokenCount: this.#count,
      tokensPerSec: spanMs >= MIN_SPAN_MS ? round((this.#count - 1) / (spanMs / 1000)) : 0,
    }
  }
}
