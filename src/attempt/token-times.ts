import { round } from '../round.ts'
import type { TokenMetrics } from './attempt-outcome.ts'

/** Less time than this between the first token and the last says nothing of a model's speed, ms. */
const MIN_SPAN_MS = 1

/** When one attempt streamed; made with its first token. */
export class TokenTimes {
  readonly #firstAt: number
  #lastAt: number
  #count = 0

  constructor(now: number) {
    this.#firstAt = now
    this.#lastAt = now
  }

  add(now: number): void {
    this.#lastAt = now
    this.#count += 1
  }

  /** All finite, whatever the clock did. */
  measure(startedAt: number, totalMs: number): TokenMetrics {
    const spanMs = this.#lastAt - this.#firstAt
    return {
      ttftMs: round(this.#firstAt - startedAt),
      totalMs,
      tokenCount: this.#count,
      tokensPerSec: spanMs >= MIN_SPAN_MS ? round((this.#count - 1) / (spanMs / 1000)) : 0,
    }
  }
}
